"""Verification: harmed at once, effective only with data, inconclusive whenever data is lacking."""

from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.check import Check, CheckKind, Direction
from gateway.core.lifecycle import Event, State, advance
from gateway.core.obligation import Consequence
from gateway.core.outcome import (
    Judgement,
    Outcome,
    Sample,
    Standing,
    Window,
    guard_of,
    judge,
)

WINDOW = Window(started_ms=1000, window_ms=600, interval_ms=100)
END = WINDOW.end_ms
GOAL = Check("load", CheckKind.IMPROVE, margin=0.5)
GUARD = Check("errors", CheckKind.NOT_WORSE, margin=0.1)
STATE = Check("replicas", CheckKind.EQUALS, limit=3)
BASELINE = {"load": 100.0, "errors": 10.0}
EVERY = range(1, 7)


def series(check: str, *values: float | None, at: range = EVERY) -> list[Sample]:
    return [Sample(1000 + 100 * i, check, v) for i, v in zip(at, values, strict=True)]


def flat(check: str, value: float | None) -> list[Sample]:
    return series(check, *[value] * 6)


def end(checks: list[Check], samples: list[Sample], baseline: dict[str, float | None] | None = None) -> Judgement:
    return judge(checks, BASELINE if baseline is None else baseline, samples, WINDOW, END)


values = st.none() | st.sampled_from([0.0, 5.0, 10.0, 11.0, 12.0, 50.0, 100.0, 200.0, nan])
some = st.lists(
    st.builds(
        Sample, at_ms=st.integers(900, 1800), check=st.sampled_from(["load", "errors", "replicas"]), value=values
    ),
    max_size=40,
)
checks = st.lists(st.sampled_from([GOAL, GUARD, STATE]), unique_by=lambda c: c.name)
baselines = st.fixed_dictionaries({}, optional={"load": values, "errors": values})


@given(checks, baselines)
def test_no_data_is_never_good_news(asked: list[Check], baseline: dict[str, float | None]) -> None:
    assert judge(asked, baseline, [], WINDOW, END).outcome is Outcome.INCONCLUSIVE


@given(checks, baselines, some)
def test_unanswered_questions_weigh_nothing(
    asked: list[Check], baseline: dict[str, float | None], samples: list[Sample]
) -> None:
    answered = [s for s in samples if s.value is not None]
    assert judge(asked, baseline, samples, WINDOW, END) == judge(asked, baseline, answered, WINDOW, END)


@given(checks, baselines, some)
def test_effective_means_that_every_check_had_data(
    asked: list[Check], baseline: dict[str, float | None], samples: list[Sample]
) -> None:
    if judge(asked, baseline, samples, WINDOW, END).outcome is not Outcome.EFFECTIVE:
        return
    assert asked
    for check in asked:
        slots = {WINDOW.slot(s.at_ms) for s in samples if s.check == check.name and s.value is not None} - {None}
        assert len(slots) >= check.min_samples


@given(checks, baselines, some, st.integers(1000, 1700))
def test_harm_is_told_at_once_and_stays(
    asked: list[Check], baseline: dict[str, float | None], samples: list[Sample], now: int
) -> None:
    so_far = [s for s in samples if s.at_ms <= now]
    early = judge(asked, baseline, so_far, WINDOW, now)
    if early.outcome is Outcome.HARMED:
        assert judge(asked, baseline, samples, WINDOW, END).outcome is Outcome.HARMED
    elif now < END:
        assert early.outcome is None


@given(checks, baselines, some)
def test_the_window_always_ends_with_an_outcome(
    asked: list[Check], baseline: dict[str, float | None], samples: list[Sample]
) -> None:
    assert judge(asked, baseline, samples, WINDOW, END).outcome is not None


@given(checks, baselines, some, st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(
    asked: list[Check], baseline: dict[str, float | None], samples: list[Sample], random: object
) -> None:
    shuffled = list(samples)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' Random
    assert judge(asked, baseline, shuffled, WINDOW, END) == judge(asked, baseline, samples, WINDOW, END)


@given(baselines, some)
def test_one_more_check_never_makes_an_outcome_better(baseline: dict[str, float | None], samples: list[Sample]) -> None:
    rank = [Outcome.HARMED, Outcome.INCONCLUSIVE, Outcome.INEFFECTIVE, Outcome.EFFECTIVE]
    one = judge([GOAL], baseline, samples, WINDOW, END).outcome
    two = judge([GOAL, GUARD], baseline, samples, WINDOW, END).outcome
    assert one is not None
    assert two is not None
    assert rank.index(two) <= rank.index(one)


@given(some)
def test_samples_outside_the_window_weigh_nothing(samples: list[Sample]) -> None:
    inside = [s for s in samples if WINDOW.slot(s.at_ms) is not None]
    assert end([GOAL, GUARD], samples) == end([GOAL, GUARD], inside)


def test_a_goal_that_is_reached_without_harm_is_effective() -> None:
    result = end([GOAL, GUARD], flat("load", 50.0) + flat("errors", 11.0))
    assert result == Judgement(Outcome.EFFECTIVE, {"load": Standing.REACHED, "errors": Standing.REACHED})


def test_a_goal_that_is_missed_is_ineffective() -> None:
    assert end([GOAL], flat("load", 51.0)).outcome is Outcome.INEFFECTIVE


def test_a_goal_is_judged_by_the_last_samples() -> None:
    assert end([GOAL], series("load", 100, 100, 100, 40, 45, 99)).outcome is Outcome.EFFECTIVE
    assert end([GOAL], series("load", 1, 1, 1, 100, 100, 100)).outcome is Outcome.INEFFECTIVE


def test_an_improvement_from_zero_needs_to_be_one() -> None:
    assert end([GOAL], flat("load", 0.0), {"load": 0.0}).outcome is Outcome.INEFFECTIVE


def test_a_higher_value_can_be_the_better_one() -> None:
    goal = replace(GOAL, direction=Direction.HIGHER)
    assert end([goal], flat("load", 150.0)).outcome is Outcome.EFFECTIVE
    assert end([goal], flat("load", 50.0)).outcome is Outcome.INEFFECTIVE
    guard = replace(GUARD, direction=Direction.HIGHER)
    assert end([guard], flat("errors", 8.0)).outcome is Outcome.HARMED
    assert end([guard], flat("errors", 20.0)).outcome is Outcome.EFFECTIVE


def test_a_goal_with_a_limit_needs_no_baseline() -> None:
    goal = Check("load", CheckKind.IMPROVE, limit=80)
    assert end([goal], flat("load", 80.0), {}).outcome is Outcome.EFFECTIVE
    assert end([goal], flat("load", 81.0), {}).outcome is Outcome.INEFFECTIVE


def test_a_goal_without_limit_or_baseline_is_inconclusive() -> None:
    nothing: list[dict[str, float | None]] = [{}, {"load": None}, {"load": nan}, {"load": inf}]
    for baseline in nothing:
        assert end([GOAL], flat("load", 1.0), baseline).standings == {"load": Standing.NO_BASELINE}


def test_two_bad_samples_in_a_row_harm_and_one_does_not() -> None:
    assert end([GUARD], series("errors", 10, 12, 10, 12, 10, 10)).outcome is Outcome.EFFECTIVE
    harmed = judge([GUARD], BASELINE, series("errors", 12, 12, at=range(1, 3)), WINDOW, 1200)
    assert harmed.outcome is Outcome.HARMED


def test_a_missing_sample_between_two_bad_ones_does_not_save() -> None:
    assert end([GUARD], series("errors", 12, None, 12, 10, 10, 10)).outcome is Outcome.HARMED


def test_a_bad_last_sample_is_not_yet_harm_and_no_success() -> None:
    result = end([GUARD], series("errors", 10, 10, 10, 10, 10, 12))
    assert result == Judgement(Outcome.INCONCLUSIVE, {"errors": Standing.PENDING_HARM})


def test_a_limit_that_was_broken_before_harms_only_when_it_gets_worse() -> None:
    guard = Check("errors", CheckKind.NOT_WORSE, limit=5)
    assert end([guard], flat("errors", 9.0)).outcome is Outcome.EFFECTIVE
    assert end([guard], flat("errors", 10.5)).outcome is Outcome.HARMED
    assert end([guard], flat("errors", 9.0), {}).outcome is Outcome.HARMED
    assert end([guard], flat("errors", 5.0), {}).outcome is Outcome.EFFECTIVE


def test_a_state_must_be_read_and_equal() -> None:
    assert end([STATE], flat("replicas", 3.0)).outcome is Outcome.EFFECTIVE
    assert end([STATE], series("replicas", 2, 2, 2, 3, 3, 3)).outcome is Outcome.EFFECTIVE
    assert end([STATE], series("replicas", 3, 3, 3, 3, 2, 3)).outcome is Outcome.INEFFECTIVE


def test_too_few_samples_are_inconclusive() -> None:
    few = series("load", None, 1, None, None, 1, None)
    assert end([GOAL], few).standings == {"load": Standing.TOO_FEW}


@pytest.mark.parametrize(
    "values",
    [(None, None, None, 1, 1, 1), (1, 1, 1, None, None, None), (1, None, None, None, 1, 1)],
)
def test_a_gap_is_inconclusive_wherever_it_is(values: tuple[float | None, ...]) -> None:
    assert end([GOAL], series("load", *values)).standings == {"load": Standing.GAP}


def test_a_burst_of_samples_in_one_slot_does_not_fill_the_others() -> None:
    burst = [Sample(1100 + i, "load", 1.0) for i in range(20)]
    assert end([GOAL], burst).standings == {"load": Standing.TOO_FEW}


def test_a_check_that_lacks_data_outweighs_one_that_missed() -> None:
    assert end([GOAL, STATE], flat("load", 100.0)).outcome is Outcome.INCONCLUSIVE


def test_two_checks_of_one_name_both_count() -> None:
    lax = replace(GUARD, margin=10)
    assert end([GUARD, lax], flat("errors", 50.0)).outcome is Outcome.HARMED


@pytest.mark.parametrize(
    ("at_ms", "slot"),
    [(999, None), (1000, None), (1001, 0), (1100, 0), (1149, 0), (1150, 1), (1249, 1), (1600, 5), (1649, 5),
     (1650, None)],
)  # fmt: skip
def test_a_sample_belongs_to_the_nearest_expected_time(at_ms: int, slot: int | None) -> None:
    assert WINDOW.slot(at_ms) == slot


def test_a_window_has_at_least_one_interval() -> None:
    for interval in (0, 601):
        with pytest.raises(ValueError, match="interval"):
            Window(0, 600, interval)


def test_a_check_is_read_from_a_profile() -> None:
    raw = {
        "name": "0/load", "kind": "improve", "direction": "higher", "limit": 5, "margin": 0.2, "min_samples": 4,
        "breaches": 3, "max_gap": 0, "provider": "sql", "query": {"sql": "select 1"},
    }  # fmt: skip
    assert Check.from_json(raw) == Check("0/load", CheckKind.IMPROVE, Direction.HIGHER, 5.0, 0.2, 4, 3, 0)
    assert Check.from_json({"name": "errors", "kind": "not_worse", "margin": 0.1}) == GUARD


@pytest.mark.parametrize(
    "raw",
    [
        {"kind": "improve", "margin": 1},
        {"name": "a", "kind": "worsen", "margin": 1},
        {"name": "a", "kind": "improve"},
        {"name": "a", "kind": "not_worse"},
        {"name": "a", "kind": "equals", "margin": 1},
        {"name": "a", "kind": "improve", "margin": -0.1},
        {"name": "a", "kind": "improve", "margin": 1e999},
        {"name": "a", "kind": "improve", "limit": True},
        {"name": "a", "kind": "improve", "limit": 10**400},
        {"name": "a", "kind": "improve", "limit": 1, "direction": "up"},
        {"name": "a", "kind": "improve", "limit": 1, "min_samples": 0},
        {"name": "a", "kind": "improve", "limit": 1, "breaches": 0},
        {"name": "a", "kind": "improve", "limit": 1, "max_gap": -1},
        {"name": "a", "kind": "improve", "limit": 1, "extra": 1},
    ],
)
def test_a_check_that_cannot_be_answered_is_refused(raw: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Check.from_json(raw)


@pytest.mark.parametrize("bad", [{"limit": nan}, {"margin": inf}, {"max_gap": -1}])
def test_a_check_of_impossible_numbers_cannot_be_built(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="load"):
        replace(GOAL, **bad)  # type: ignore[arg-type]  # the table mixes fields


@given(
    st.sampled_from(Outcome), st.sampled_from(Consequence),
    st.sampled_from([Consequence.UNDO, Consequence.NEEDS_HUMAN]), st.tuples(st.booleans(), st.booleans()),
)  # fmt: skip
def test_every_outcome_takes_a_row_and_only_a_proven_one_is_kept(
    outcome: Outcome, on_ineffective: Consequence, on_inconclusive: Consequence, facts: tuple[bool, bool]
) -> None:
    undoable, leased = facts
    guard = guard_of(
        outcome, on_ineffective=on_ineffective, on_inconclusive=on_inconclusive, undoable=undoable, leased=leased
    )
    after = advance(State.VERIFYING, Event.VERDICT, guard).next
    kept = {State.LEASED} if leased else {State.COMMITTED}
    flagged = outcome is Outcome.INEFFECTIVE and on_ineffective is Consequence.COMMIT_FLAGGED
    if outcome is Outcome.EFFECTIVE or flagged:
        assert after in kept
    else:
        assert after is State.NEEDS_HUMAN or (undoable and after is State.UNDOING)
    if outcome is Outcome.HARMED and undoable:
        assert after is State.UNDOING
