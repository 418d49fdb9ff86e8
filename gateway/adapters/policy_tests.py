"""Run a bundle's own tests (`test_*` rules in `_test.rego` files) on regorus, one result each."""

import time
from dataclasses import dataclass
from typing import Literal

from gateway.adapters.policy_regorus import RegorusEngine, modules_of, units_of
from gateway.core.bundle import Bundle, data_document
from gateway.errors import PolicyFault

_NO_INPUT = b"{}"


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """The outcome of one test rule."""

    name: str
    """`countermand.rules.aws_test.test_…`."""
    path: str
    line: int
    outcome: Literal["passed", "failed", "error"]
    detail: str
    micros: int


def run_policy_tests(bundle: Bundle) -> tuple[PolicyTest, ...]:
    """Run every test of the bundle, in order of file and line; raises PolicyRefused when it does not load."""
    engine = RegorusEngine(modules_of(bundle, with_tests=True), data_document(bundle.config))
    found = [
        (definition.name, unit.source.path, definition.line)
        for unit in units_of(bundle)
        for definition in unit.definitions
        if unit.source.path.endswith("_test.rego") and unit.local(definition).startswith("test_")
    ]
    return tuple(_run(engine, *test) for test in found)


def _run(engine: RegorusEngine, name: str, path: str, line: int) -> PolicyTest:
    started = time.perf_counter_ns()
    outcome: Literal["passed", "failed", "error"] = "failed"
    detail = ""
    try:
        answer = engine.evaluate(_NO_INPUT, f"data.{name}")
        outcome = "passed" if answer == "true" else "failed"
    except PolicyFault as exc:
        if exc.code != "POLICY_UNDEFINED":
            outcome, detail = "error", exc.message
    return PolicyTest(name, path, line, outcome, detail, (time.perf_counter_ns() - started) // 1000)
