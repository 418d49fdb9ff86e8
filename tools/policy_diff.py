"""Compare the engines on mutated inputs: regorus' interpreter, its byte code and, where it is built, OPA.

    python -m tools.policy_diff [COUNT] [SEED]

Prints a histogram of verdicts and every difference; exits 1 when there is one, or when the inputs do not spread
(60 % valid, 5 % of the valid ones for each verdict).
"""

import asyncio
import sys
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from gateway.adapters.bundle import read_bundle
from gateway.adapters.policy_inprocess import InProcessEngine
from gateway.adapters.policy_opa import OpaEngine
from gateway.core.bundle import Bundle
from gateway.core.canonical import thaw
from gateway.core.finding import fold
from gateway.errors import PolicyFault
from gateway.ports_policy import PolicyAnswer, PolicyEngine
from tools.policy_mutate import mutants

POLICIES = Path(__file__).parent.parent / "policies"
VERDICTS = ("deny", "shadow", "approve", "allow")


@dataclass
class Comparison:
    """What was compared and what came out."""

    engines: tuple[str, ...]
    inputs: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    """Verdict of the first engine for the valid inputs; `fault` where it answers with one."""
    invalid: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def valid_share(self) -> float:
        """Return the share of inputs that the schema accepts."""
        return 1 - self.invalid / self.inputs

    def share(self, verdict: str) -> float:
        """Return the share of a verdict among the valid inputs."""
        return self.verdicts[verdict] / max(1, self.verdicts.total())

    def spread(self) -> bool:
        """Tell whether the inputs exercise every verdict."""
        return self.valid_share >= 0.6 and all(self.share(verdict) >= 0.05 for verdict in VERDICTS)

    def __str__(self) -> str:
        lines = [f"{self.inputs} inputs on {', '.join(self.engines)}: {self.valid_share:.1%} valid"]
        for verdict in (*VERDICTS, "fault"):
            bar = "#" * round(50 * self.share(verdict))
            lines.append(f"  {verdict:8}{self.verdicts[verdict]:6}  {self.share(verdict):6.1%}  {bar}")
        return "\n".join([*lines, f"  differences: {len(self.differences)}", *self.differences[:10]])


async def compare(bundle: Bundle, engines: dict[str, PolicyEngine], count: int, seed: int) -> Comparison:
    """Ask every engine about the same inputs."""
    result = Comparison(tuple(engines))
    seeds = [[thaw(s.input) for s in bundle.samples if s.verdict == verdict] for verdict in VERDICTS]
    for document in islice(mutants(seeds, seed), count):
        result.inputs += 1
        outcomes = [await _outcome(engine, document) for engine in engines.values()]
        first = outcomes[0]
        if first == "POLICY_INPUT_INVALID":
            result.invalid += 1
        else:
            result.verdicts[_verdict(first, len(document["steps"]))] += 1
        for name, outcome in zip(result.engines[1:], outcomes[1:], strict=True):
            if outcome != first:
                result.differences.append(f"{name}: {outcome}\n{result.engines[0]}: {first}\ninput: {document}")
    return result


async def _outcome(engine: PolicyEngine, document: Any) -> PolicyAnswer | str:
    try:
        return await engine.evaluate(document)
    except PolicyFault as exc:
        return exc.code


def _verdict(outcome: PolicyAnswer | str, steps: int) -> str:
    if isinstance(outcome, str):
        return "fault"
    return fold(steps, outcome.read(steps)[0]).verdict.word


async def compare_all(count: int, seed: int, opa_url: str = "", opa_socket: str = "") -> Comparison:
    """Compare the engines on the shipped bundle; without a URL OPA is left out."""
    engines: dict[str, PolicyEngine] = {"interpreter": InProcessEngine(), "byte code": InProcessEngine(bytecode=True)}
    if opa_url:
        engines["opa"] = OpaEngine(opa_url, socket=opa_socket, timeout_s=10)
    bundle = read_bundle(POLICIES)
    try:
        for engine in engines.values():
            await engine.load(bundle)
        return await compare(bundle, engines, count, seed)
    finally:
        for engine in engines.values():
            await engine.close()


def main() -> int:
    """Compare and print."""
    from tests.fakes.opa_server import opa_server  # a dev tool: the server of the tests is the one to start
    from tools.opa import find

    count, seed = (int(a) for a in (sys.argv[1:] + ["2000", "1"][len(sys.argv) - 1 :]))
    if find() is None:
        print("OPA is not built here; comparing regorus' interpreter and byte code only")
        result = asyncio.run(compare_all(count, seed))
    else:
        with opa_server() as server:
            result = asyncio.run(compare_all(count, seed, server.url, server.socket))
    print(result)
    return 0 if result.spread() and not result.differences else 1


if __name__ == "__main__":
    sys.exit(main())
