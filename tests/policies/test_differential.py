"""The engines agree on 2,000 inputs that nobody wrote; the histogram is shown with `-s`."""

import asyncio
import sys

from tests.fakes.opa_server import SKIP, opa_server
from tools.opa import find
from tools.policy_diff import VERDICTS, Comparison, compare_all

COUNT, SEED = 2000, 20261124


def _compare() -> Comparison:
    if find() is None:
        sys.stdout.write(f"\n{SKIP}\n")
        return asyncio.run(compare_all(COUNT, SEED))
    with opa_server() as server:
        return asyncio.run(compare_all(COUNT, SEED, server.url, server.socket))


def test_all_engines_agree_on_mutated_inputs_of_every_verdict() -> None:
    result = _compare()
    sys.stdout.write(f"\n{result}\n")
    assert result.differences == []
    assert result.valid_share >= 0.6
    assert {verdict: result.share(verdict) >= 0.05 for verdict in VERDICTS} == dict.fromkeys(VERDICTS, True)
    assert result.verdicts["fault"] == 0, "a rule faults on an input that the schema accepts"
