"""countermand policy test: the bundle's own tests."""

from pathlib import Path

import click

from gateway.adapters.bundle import read_bundle
from gateway.adapters.policy_tests import PolicyTest, run_policy_tests
from gateway.cli.emit import emit
from gateway.cli.failure import CommandError
from gateway.cli.policy.bundle_option import OVERLAY, PATH, chosen


@click.command("test")
@PATH
@OVERLAY
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def test_bundle(*, path: Path | None, overlay: Path | None, as_json: bool) -> None:
    """Run the Rego tests of the bundle at PATH (the shipped one by default).

    Ends with 1 when a test fails, and when there is none: no test proves nothing.
    """
    results = run_policy_tests(read_bundle(chosen(path), overlay))
    bad = [r for r in results if r.outcome != "passed"]
    emit(
        results,
        as_json=as_json,
        text="\n".join([*map(_line, bad), f"{len(results) - len(bad)} of {len(results)} passed"]),
    )
    if bad or not results:
        code = "POLICY_TESTS_FAILED" if bad else "POLICY_TESTS_NONE"
        raise CommandError(code, f"{len(bad)} tests failed" if bad else "the bundle has no test")


def _line(result: PolicyTest) -> str:
    return f"{result.path}:{result.line}: {result.name} {result.outcome} {result.detail}".rstrip()
