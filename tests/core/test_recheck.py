"""Folding the round of samples after an undo."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.check import Check, CheckKind
from gateway.core.outcome import Sample
from gateway.core.recheck import After, asked_again, recheck

ERRORS = Check("errors", CheckKind.NOT_WORSE, limit=5.0)
DRIFT = Check("drift", CheckKind.NOT_WORSE, margin=0.1)
GOAL = Check("goal", CheckKind.IMPROVE, limit=1.0)


def test_a_goal_and_a_value_to_reach_are_not_asked_again() -> None:
    assert asked_again([ERRORS, GOAL, Check("exact", CheckKind.EQUALS, limit=3.0)]) == (ERRORS,)


def test_the_newest_sample_of_each_check_counts() -> None:
    samples = [Sample(2, "errors", 1.0), Sample(1, "errors", 9.0)]
    assert recheck([ERRORS], {}, samples) == (After.CLEAN, {"errors": After.CLEAN})


def test_one_bad_check_is_bad_whatever_the_others_say() -> None:
    whole, each = recheck([ERRORS, DRIFT], {"drift": 10.0}, [Sample(1, "errors", 9.0)])
    assert (whole, each) == (After.BAD, {"errors": After.BAD, "drift": After.NO_DATA})


def test_what_was_bad_before_the_change_may_be_as_bad_after_it() -> None:
    assert recheck([ERRORS], {"errors": 9.0}, [Sample(1, "errors", 9.0)])[0] is After.CLEAN
    assert recheck([ERRORS], {"errors": 9.0}, [Sample(1, "errors", 9.1)])[0] is After.BAD


def test_a_check_without_a_baseline_to_compare_with_has_no_data() -> None:
    assert recheck([DRIFT], {"drift": None}, [Sample(1, "drift", 1.0)])[0] is After.NO_DATA


@given(st.floats(allow_nan=True, allow_infinity=True) | st.none())
def test_only_a_finite_value_within_its_limit_is_clean(value: float | None) -> None:
    whole, _ = recheck([ERRORS], {}, [Sample(1, "errors", value)])
    finite = value is not None and abs(value) != float("inf") and value == value  # noqa: PLR0124  # not a number
    assert whole is (After.NO_DATA if not finite else After.CLEAN if (value or 0.0) <= 5.0 else After.BAD)
