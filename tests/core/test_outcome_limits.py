"""Peers as a control group, and the limits on failures and on what is missing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.check import Check, CheckKind, control_of
from gateway.core.outcome import Judgement, Outcome, Sample, Standing, Window, judge
from gateway.core.recheck import After, recheck

WINDOW = Window(started_ms=0, window_ms=600, interval_ms=100)
EVERY = tuple(range(100, 700, 100))
ERRORS = Check("errors", CheckKind.NOT_WORSE, margin=0.1)
COMPARED = replace(ERRORS, control=True)
PEERS = control_of("errors")
BEFORE = {"errors": 10.0, PEERS: 20.0}
numbers = st.integers(-1_000, 1_000).map(float)
six = st.lists(st.none() | numbers, min_size=6, max_size=6)


def samples(name: str, values: list[float | None]) -> list[Sample]:
    return [Sample(at, name, value) for at, value in zip(EVERY, values, strict=True)]


def both(values: list[float | None], peers: list[float | None]) -> list[Sample]:
    return samples("errors", values) + samples(PEERS, peers)


def end(check: Check, told: list[Sample], before: dict[str, float | None] | None = None) -> Judgement:
    return judge([check], BEFORE if before is None else before, told, WINDOW, WINDOW.end_ms)


@given(six, six, numbers)
def test_what_moves_both_alike_changes_nothing(
    values: list[float | None], peers: list[float | None], shift: float
) -> None:
    moved = both(_shift(values, shift), _shift(peers, shift))
    assert end(COMPARED, moved) == end(COMPARED, both(values, peers))


def _shift(values: list[float | None], shift: float) -> list[float | None]:
    return [None if value is None else value + shift for value in values]


@given(six)
def test_peers_that_stand_still_are_as_good_as_none(values: list[float | None]) -> None:
    assert end(COMPARED, both(values, [20.0] * 6)) == end(ERRORS, samples("errors", values))


@given(six, six)
def test_peers_without_data_are_no_good_news(values: list[float | None], peers: list[float | None]) -> None:
    seen = sum(1 for v, p in zip(values, peers, strict=True) if v is not None and p is not None)
    assert end(COMPARED, both(values, peers)).outcome is not Outcome.EFFECTIVE or seen >= COMPARED.min_samples
    assert end(COMPARED, both(values, peers), {"errors": 10.0}).outcome is Outcome.INCONCLUSIVE


def test_errors_that_the_peers_have_too_are_not_ours() -> None:
    assert end(ERRORS, samples("errors", [40.0] * 6)).outcome is Outcome.HARMED
    assert end(COMPARED, both([40.0] * 6, [50.0] * 6)).outcome is Outcome.EFFECTIVE


def test_errors_that_the_peers_do_not_have_are() -> None:
    assert end(COMPARED, both([40.0] * 6, [20.0] * 6)).outcome is Outcome.HARMED
    assert end(COMPARED, both([10.0] * 6, [5.0] * 6)).outcome is Outcome.HARMED


def test_after_the_undo_the_peers_count_too() -> None:
    told = [Sample(1, "errors", 40.0), Sample(1, PEERS, 50.0)]
    assert recheck([COMPARED], BEFORE, told)[0] is After.CLEAN
    assert recheck([ERRORS], BEFORE, told)[0] is After.BAD
    assert recheck([COMPARED], BEFORE, told[:1])[0] is After.NO_DATA


def test_failures_count_in_all_where_a_check_says_so() -> None:
    flickering = samples("errors", [50.0, 10.0, 50.0, 10.0, 50.0, 10.0])
    assert end(ERRORS, flickering).outcome is Outcome.EFFECTIVE
    assert end(replace(ERRORS, failures=3), flickering).outcome is Outcome.HARMED
    assert end(replace(ERRORS, failures=4), flickering).outcome is Outcome.EFFECTIVE


def test_missing_samples_count_in_all_where_a_check_says_so() -> None:
    holes = samples("errors", [10.0, None, 10.0, None, 10.0, 10.0])
    assert end(ERRORS, holes).outcome is Outcome.EFFECTIVE
    assert end(replace(ERRORS, max_missing=1), holes).standings == {"errors": Standing.GAP}


@pytest.mark.parametrize(("now", "outcome"), [(350, None), (449, None), (450, Outcome.INCONCLUSIVE)])
def test_silence_ends_the_window_early_where_a_check_says_so(now: int, outcome: Outcome | None) -> None:
    told = [Sample(100, "errors", 10.0)] + [Sample(at, "errors", None) for at in (200, 300, 400)]
    silent = replace(ERRORS, errors=2)
    assert judge([silent], BEFORE, told, WINDOW, now).outcome is outcome
    assert judge([ERRORS], BEFORE, told, WINDOW, now).outcome is None


@given(six, st.integers(0, 700))
def test_what_ended_early_for_silence_would_never_have_been_effective(values: list[float | None], now: int) -> None:
    check = replace(ERRORS, errors=2)
    told = samples("errors", values)
    early = judge([check], BEFORE, [s for s in told if s.at_ms <= now], WINDOW, now)
    if early.outcome is Outcome.INCONCLUSIVE:
        assert end(check, told).outcome in {Outcome.INCONCLUSIVE, Outcome.HARMED}


@pytest.mark.parametrize(
    "wrong",
    [{"failures": 0}, {"errors": 1, "max_gap": 2}, {"kind": CheckKind.EQUALS, "limit": 1.0, "control": True}],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="errors:"):
        replace(ERRORS, **wrong)  # type: ignore[arg-type]  # one field at a time, each of its type


def test_a_control_is_read_from_a_profile() -> None:
    raw = {"name": "errors", "kind": "not_worse", "margin": 0.1, "failures": 3, "max_missing": 4, "errors": 2}
    assert Check.from_json(raw | {"control": {"promql": "x"}}) == replace(COMPARED, failures=3, max_missing=4, errors=2)
    assert not Check.from_json(raw).control
