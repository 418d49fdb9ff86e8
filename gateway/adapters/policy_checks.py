"""What a bundle must pass before it is in force, whatever the engine: lint, config schema, samples, canary."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

import jsonschema_rs

from gateway.adapters.policy_document import Documents
from gateway.adapters.policy_regorus import units_of
from gateway.core.bundle import Bundle
from gateway.core.bundle_lint import emissions, lint
from gateway.core.canonical import Json, thaw
from gateway.core.rego_ast import Unit
from gateway.errors import PolicyFault, PolicyRefused
from gateway.ports_policy import PolicyAnswer

Evaluate = Callable[[Mapping[str, Json]], Awaitable[PolicyAnswer]]
_SHOWN = 20


def check_bundle(bundle: Bundle) -> frozenset[tuple[str, str]]:
    """Check everything that needs no engine and return the (code, kind) pairs that the canary must see.

    Raises PolicyRefused POLICY_LINT, POLICY_CONFIG_INVALID or POLICY_SAMPLE_INVALID.
    """
    units = units_of(bundle)
    _check_lint(bundle, units)
    _check_config(bundle.schemas["config"], bundle.config, "config")
    _check_config(bundle.schemas["config"], bundle.sample_config, "samples/config.json")
    documents = Documents(bundle)
    for sample in bundle.samples:
        try:
            documents.encode(sample.input)
        except PolicyFault as exc:
            raise PolicyRefused("POLICY_SAMPLE_INVALID", f"sample {sample.name!r}: {exc.message}") from exc
    return frozenset((emission.code, emission.kind) for emission in emissions(units))


async def check_canary(bundle: Bundle, required: frozenset[tuple[str, str]], evaluate: Evaluate) -> None:
    """Evaluate all samples under `sample_config`; together they must show every required (code, kind).

    Raises PolicyRefused POLICY_CANARY_MISSING with the codes that did not fire, or POLICY_CANARY_FAILED when
    the engine does not answer.
    """
    seen: set[tuple[str, str]] = set()
    for answer in await evaluate_samples(bundle, evaluate):
        seen |= {(f["code"], "permit" if "permit" in f else "limit") for f in answer.findings}
        seen |= {(o["code"], "obligation") for o in answer.obligations}
    missing = sorted(required - seen)
    if missing:
        names = ", ".join(f"{code} ({kind})" for code, kind in missing[:_SHOWN])
        raise PolicyRefused(
            "POLICY_CANARY_MISSING",
            f"no sample fires {names}; a rule that never fires may have been lost",
            codes=[code for code, _ in missing],
        )


async def evaluate_samples(bundle: Bundle, evaluate: Evaluate) -> list[PolicyAnswer]:
    """Evaluate every sample in order; raises PolicyRefused POLICY_CANARY_FAILED at the first fault."""
    answers = []
    for sample in bundle.samples:
        try:
            answers.append(await evaluate(sample.input))
        except PolicyFault as exc:
            raise PolicyRefused(
                "POLICY_CANARY_FAILED", f"sample {sample.name!r}: {exc.code}: {exc.message}", sample=sample.name
            ) from exc
    return answers


def _check_lint(bundle: Bundle, units: Iterable[Unit]) -> None:
    faults = lint(bundle, units)
    if faults:
        lines = "\n".join(str(fault) for fault in faults[:_SHOWN])
        raise PolicyRefused("POLICY_LINT", lines, faults=[str(fault) for fault in faults])


def _check_config(schema: Json, config: Mapping[str, Json], what: str) -> None:
    error = next(jsonschema_rs.validator_for(thaw(schema)).iter_errors(thaw(config)), None)
    if error is not None:
        where = "/".join(str(part) for part in error.instance_path)
        raise PolicyRefused("POLICY_CONFIG_INVALID", f"{what} at /{where}: {error.message[:300]}", at=where)
