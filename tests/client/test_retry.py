"""Patience."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_client import DeadlineExceeded, GatewayFault, Precondition, Retry, Unavailable
from agent_client.types import FINAL, OPEN, RESTING, State
from agent_client.waiting import WATCH_ENDED, Waiting

GONE = Unavailable("UNAVAILABLE")


@pytest.mark.parametrize("error", [Precondition("X"), GatewayFault("X"), DeadlineExceeded("X")])
def test_what_will_not_pass_is_final_at_once(error: Exception) -> None:
    assert Retry().delay_s(1, error, 0.5) is None  # type: ignore[arg-type]  # one of ours


def test_the_last_attempt_is_final() -> None:
    retry = Retry(attempts=3)
    assert retry.delay_s(2, GONE, 0.5) is not None
    assert retry.delay_s(3, GONE, 0.5) is None
    assert Retry(attempts=1).delay_s(1, GONE, 0.5) is None


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_never_exceeds_the_longest_one(attempt: int, jitter: float) -> None:
    assert 0 <= Retry(first_s=0.1, most_s=2.0).pause_s(attempt, jitter) <= 2.0


def test_pauses_double_until_the_longest() -> None:
    retry = Retry(first_s=0.1, most_s=0.5)
    assert [retry.pause_s(n, 1.0) for n in (1, 2, 3, 4)] == [0.1, 0.2, 0.4, 0.5]


def _waiting() -> Waiting:
    return Waiting("act_1", RESTING, deadline_s=10.0, retry=Retry(first_s=0.1, most_s=0.5))


def test_a_wait_has_the_time_that_is_left() -> None:
    assert _waiting().remaining_s(4.0) == 6.0
    with pytest.raises(DeadlineExceeded, match="not known"):
        _waiting().remaining_s(10.0)


def test_a_wait_watches_again_for_as_long_as_the_gateway_is_away() -> None:
    waiting = _waiting()
    assert [waiting.pause_s(e, 1.0) for e in (GONE, WATCH_ENDED, GONE, GONE, GONE)] == [0.1, 0.2, 0.4, 0.5, 0.5]


def test_a_wait_ends_with_an_error_that_will_not_pass() -> None:
    with pytest.raises(Precondition):
        _waiting().pause_s(Precondition("X"), 1.0)


def test_the_end_of_the_time_is_told_by_the_clock_alone() -> None:
    assert _waiting().pause_s(DeadlineExceeded("DEADLINE_EXCEEDED"), 1.0) == 0.0


def test_every_state_is_open_or_final() -> None:
    assert OPEN | FINAL | {State.UNKNOWN} == set(State)
    assert not OPEN & FINAL
