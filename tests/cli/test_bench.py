"""The benchmark prints what it promises; its figures are not judged here, but they have to add up."""

from typing import Any

import pytest

from gateway.cli.bench.load import figures, load
from gateway.cli.bench.stages import STAGES, WIRE, Timed, Trace, mean_us, middle
from tests.cli.call import call

CALLERS = ("1", "32")
FIGURES = {"p50_us", "p99_us", "rate", "calls"}
ALWAYS = {"echo", "decision", "parse", "decide/worker", "decide/interpreter", "decide/bytecode"}


@pytest.fixture(scope="module")
def document() -> Any:
    called = call("bench", "decision", "--quick", "--json")
    assert called.code == 0, called.err
    assert "p50 of a decision to an echo" in called.err
    return called.json


@pytest.mark.alone
class TestDecision:
    def test_the_two_ratios_stand_at_the_top(self, document: Any) -> None:
        assert document["schema"] == "countermand.bench-decision/1"
        decision, echo = (document["variants"][name] for name in ("decision", "echo"))
        assert document["p50_ratio"] == pytest.approx(decision["1"]["p50_us"] / echo["1"]["p50_us"], rel=0.01)
        assert document["rate_ratio"] == pytest.approx(decision["32"]["rate"] / echo["32"]["rate"], abs=0.001)

    def test_every_variant_is_measured_with_one_caller_and_with_32(self, document: Any) -> None:
        assert set(document["variants"]) >= ALWAYS
        for variant in document["variants"].values():
            assert set(variant) == set(CALLERS)
            for measured in variant.values():
                assert set(measured) >= FIGURES
                assert 0 < measured["p50_us"] <= measured["p99_us"]
                assert measured["calls"] > 0

    def test_a_governed_read_runs_on_a_real_database(self, document: Any) -> None:
        assert document["variants"]["read"]["1"]["calls"] > 0

    def test_the_stages_are_the_whole_of_what_a_client_waited(self, document: Any) -> None:
        stages = document["stages"]
        assert set(stages["us"]) == {WIRE[0], *(stage for _, stage, _ in STAGES)}
        assert min(stages["us"].values()) >= 0
        assert sum(stages["us"].values()) == pytest.approx(stages["total_us"], rel=0.1)
        assert stages["calls"] > 0

    def test_it_is_the_shipped_bundle_behind_workers_and_a_synced_log(self, document: Any) -> None:
        setup = document["setup"]
        assert (setup["workers"], setup["synchronous"], setup["byte_code"]) == (2, "FULL", True)
        assert setup["bundle"].startswith("sha256:")

    def test_start_and_memory_are_told(self, document: Any) -> None:
        assert all(ms > 0 for ms in document["cold_start_ms"])
        memory = document["idle_rss_mb"]
        assert memory["gateway_and_executor"] == pytest.approx(memory["gateway"] + memory["executor"], abs=0.2)
        assert len(memory["workers"]) == 2


def marks(*ends: int) -> dict[str, int]:
    return {mark: end for (mark, _, _), end in zip(STAGES, ends, strict=True)}


ENDS = tuple(range(10, 10 * len(STAGES) + 1, 10))


def test_what_no_stage_explains_was_spent_on_the_wire() -> None:
    spent = Timed(500, marks(*ENDS)).stages()
    assert spent.pop(WIRE[0]) == 500 - ENDS[-1]
    assert set(spent.values()) == {10}


def test_the_stages_of_the_middle_fifth_are_shown_and_add_up() -> None:
    calls = [Timed(1000 * n, marks(*ENDS)) for n in (9, 1, 5, 3, 7)]
    assert [call.took for call in middle(calls)] == [5000]
    assert sum(mean_us(middle(calls)).values()) == pytest.approx(5.0)


def test_calls_and_traces_that_are_not_as_many_are_never_paired() -> None:
    trace = Trace()
    trace.begin()
    trace.end()
    with pytest.raises(ValueError, match="shorter"):
        trace.timed([1, 2])


def test_a_quantile_is_a_measured_value() -> None:
    measured = figures([3_000, 1_000, 2_000], 2.0)
    assert (measured.p50_us, measured.p99_us, measured.rate, measured.calls) == (2.0, 3.0, 1.5, 3)


@pytest.mark.anyio
async def test_every_caller_calls_until_the_time_is_over() -> None:
    took: list[int] = []

    async def nothing() -> None:
        return None

    measured = await load(nothing, 3, 0.01, took)
    assert measured.calls == len(took) >= 3
