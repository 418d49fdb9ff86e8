"""A gateway that is killed while it waits: for telemetry, and for people."""

import time

import pytest

from gateway.core.lifecycle import State
from tests.chaos.judge import ends, judge, read_database, state_of
from tests.chaos.policy import LONG_WINDOW_S
from tests.chaos.process import until
from tests.chaos.site import Site

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]


def test_downtime_while_verifying_is_missing_data_and_a_vote_outlives_it(broken: Site) -> None:
    gateway = broken.gateway()
    broken.executor()
    watched = broken.change_role(role=broken.fresh_role("long"))
    held = broken.change_role(role=broken.fresh_role("held"))
    asked = broken.change_role(role=broken.fresh_role("held"))
    until(lambda: state_of(broken, watched) is State.VERIFYING, "the change is verified")
    until(lambda: len(broken.person.pending()) == 2, "people are asked")
    [shown] = [p for p in broken.person.pending() if p.action.id == held.action]
    until(lambda: _samples(broken, watched.action) > 0, "telemetry is read")
    gateway.kill()
    end = time.monotonic() + LONG_WINDOW_S - 1
    until(lambda: time.monotonic() >= end, "most of the window passes without a gateway")
    broken.gateway()

    # No data is not good news: the profile says that a person decides.
    until(lambda: state_of(broken, watched) is State.NEEDS_HUMAN, "a person has to decide")
    assert broken.person.get(watched.action).reason == "VERIFICATION_INCONCLUSIVE"

    # What was shown before the crash can be approved after it; who was not asked anything still waits.
    assert state_of(broken, asked) is State.AWAITING_APPROVAL
    broken.person.approve(shown, "seen before the crash")
    until(lambda: state_of(broken, held) is State.COMMITTED, "the approved change is committed")

    broken.person.resolve(watched.action, "undone_by_hand", "checked")
    broken.person.reject(asked.action, "not needed")
    ends(broken)
    assert judge(broken) == []


def _samples(broken: Site, action: str) -> int:
    """Return how many records of samples the log has of an action."""
    marks = (action.encode(), b'"CM1014"')
    return sum(all(mark in leaf for mark in marks) for leaf in read_database(broken.database).leaves)
