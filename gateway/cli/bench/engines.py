"""Decisions inside this process, without gRPC and without a record, by every engine that is here."""

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gateway.adapters.policy_inprocess import InProcessEngine
from gateway.adapters.policy_opa import OpaEngine
from gateway.cli.bench.children import Program, free_port, start, wait_until
from gateway.cli.bench.load import Call
from gateway.cli.bench.site import AGENT, JUSTIFICATION, READ_COMMAND
from gateway.cli.failure import CommandError
from gateway.core.bundle import Bundle
from gateway.parsing.parse import parse
from gateway.parsing.result import ParsedPlan
from gateway.ports_policy import PolicyEngine
from gateway.service.context import quick_context
from gateway.service.decide import decide
from gateway.service.proposal import Ask, write_proposal
from gateway.service.world import World

# Where tools/opa.py of the repository builds it.
_BUILT = Path.home() / ".cache" / "countermand-tools"


@asynccontextmanager
async def engines(world: World, bundle: Bundle, folder: Path) -> AsyncIterator[Mapping[str, PolicyEngine]]:
    """Yield every engine that is here, with the same bundle: in this process, the serving workers, OPA."""
    async with AsyncExitStack() as stack:
        interpreter, bytecode = InProcessEngine(), InProcessEngine(bytecode=True)
        found: dict[str, PolicyEngine] = {"interpreter": interpreter, "bytecode": bytecode}
        if (binary := opa_binary()) is not None:
            found["opa"] = await _opa(binary, folder, stack)
        for engine in found.values():
            stack.push_async_callback(engine.close)
            await engine.load(bundle)
        if not bytecode.accelerated:
            del found["bytecode"]
        yield {"worker": world.policy, **found}


def opa_binary() -> str | None:
    """Return OPA_BIN, else the one that the tests built, else the one on PATH."""
    built = sorted(_BUILT.glob("opa-*/opa"))
    return os.environ.get("OPA_BIN") or (str(built[-1]) if built else shutil.which("opa"))


def parsing(world: World) -> Call:
    """Return a call that parses the measured command."""
    command, catalog = READ_COMMAND.encode(), world.catalog

    async def call() -> None:
        parse(command, catalog)

    return call


def deciding(world: World, policy: PolicyEngine) -> Call:
    """Return a call that decides about the measured command, parsed beforehand; raises CommandError for a denial."""
    parsed = parse(READ_COMMAND.encode(), world.catalog)
    assert isinstance(parsed, ParsedPlan)
    ask = Ask("", READ_COMMAND, JUSTIFICATION, "", "", 0)
    proposal = write_proposal(ask, AGENT, parsed, world.settings, world.redactor)
    context = quick_context((), proposal)

    async def call() -> None:
        decision = await decide(
            policy, world.settings,
            stage="admit", now_ms=world.clock.now_ms(), action="act_bench", proposal=proposal, context=context,
        )  # fmt: skip
        if decision.verdict.word != "allow":
            raise CommandError("BENCH_DENIED", f"{READ_COMMAND} is decided {decision.verdict.word}: {decision.reason}")

    return call


async def _opa(binary: str, folder: Path, stack: AsyncExitStack) -> PolicyEngine:
    port, path = free_port(), folder / "opa.sock"
    argv = [binary, "run", "--server", "--skip-version-check", "--log-level=error"]
    argv += [f"--addr=127.0.0.1:{port}", f"--addr=unix://{path}"]
    server = stack.enter_context(start(Program("opa", argv), folder / "opa.log"))
    await wait_until(server, path.exists)
    return OpaEngine(f"http://127.0.0.1:{port}", socket=str(path))
