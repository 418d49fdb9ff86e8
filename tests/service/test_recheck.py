"""Verified again after: an undo is done when it was read back and the checks are no worse than before the change."""

import pytest

from gateway.core.canonical import Json
from gateway.core.receipt import Receipt, open_receipt
from gateway.service.views import ActionView
from tests.fakes.world import ALICE, VERIFY, Lab, lab
from tests.service.hand import Hand, applied, running, undone
from tests.service.say import dues, events, freeze, leaves, new, records

pytestmark = pytest.mark.anyio
ROLE = "pg:orders-db/role/checkout"
GOAL = {"steady": {"checks": [{"name": "errors", "kind": "improve", "limit": 1, "provider": "fake", "query": {}}]}}


def _verify(**more: Json) -> dict[str, Json]:
    return {"code": "TEST_VERIFY", "verify": {"profile": "steady", "window_s": 10, "interval_s": 1, **more}}


async def _harmed(made: Lab, after_undo: float | None, **more: Json) -> str:
    """Return an action that harmed, and whose undo leaves the telemetry at a value."""
    made.policy.obligations = [_verify(**more)]
    made.telemetry.after_undo = after_undo
    view = await made.settled()
    made.telemetry.value = 50.0
    await made.clock.advance(2_000)
    assert made.target.values[ROLE] == 0
    assert (await made.get(view.id)).state == "UNDOING"
    return view.id


def receipt(made: Lab, view: ActionView) -> Receipt:
    found = open_receipt(view.receipt, keys=made.world.keys())
    assert isinstance(found, Receipt)
    return found


async def test_an_undo_after_which_the_harm_is_over_is_done() -> None:
    async with lab() as made:
        action = await _harmed(made, 1.0)
        view = await made.after(1_000, action)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_HARMED")
        said = receipt(made, view)
        assert (said.outcome, said.verdict, said.cause) == ("UNDONE", "restored", "VERIFICATION_HARMED")
        assert (await events(made, action))[-3:] == ["step_undone[recheck]", "sample", "verdict[checks_good]"]


async def test_an_undo_after_which_the_harm_goes_on_is_handed_to_people_with_its_cause() -> None:
    async with lab() as made:
        action = await _harmed(made, 50.0)
        assert (await made.after(8_000, action)).state == "UNDOING"
        view = await made.after(3_000, action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "CHECKS_STILL_BAD")
        [leaf] = [leaf for leaf in await records(made, action) if leaf.guard == "checks_bad"]
        assert (leaf.body["verdict"], leaf.body["cause"]) == ("harmed", "VERIFICATION_HARMED")
        assert leaf.body["checks"] == {"0/errors": "bad"}
        assert "CM1039" in await leaves(made, action)
        assert (await made.world.store.read(lambda tx: tx.locks()))[ROLE] == action


async def test_telemetry_may_take_the_window_to_see_that_the_harm_is_over() -> None:
    async with lab() as made:
        action = await _harmed(made, 50.0)
        await made.clock.advance(6_000)
        made.telemetry.after_undo = 1.0
        assert (await made.after(1_000, action)).state == "UNDONE"


async def test_without_data_the_change_is_undone_but_nothing_is_called_restored() -> None:
    async with lab() as made:
        action = await _harmed(made, None)
        assert (await made.after(8_000, action)).state == "UNDOING"
        view = await made.after(3_000, action)
        assert view.state == "UNDONE"
        assert receipt(made, view).verdict == "inconclusive"
        [verdict] = [leaf.body for leaf in await records(made, action) if leaf.guard == "unproven"]
        assert verdict["flagged"] is True


async def test_without_data_people_are_asked_where_the_profile_says_so() -> None:
    async with lab() as made:
        action = await _harmed(made, None, on_inconclusive="needs_human")
        view = await made.after(11_000, action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "CHECKS_WITHOUT_DATA")
        assert (await events(made, action))[-1] == "undo_failed[unproven]"


async def test_an_executor_that_is_gone_is_no_data() -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made)
        await hand.say(hand.taken[-1], applied())
        await made.gateway.cancel(ALICE, new(), action, "wrong")
        work = await hand.take("undo")
        await hand.begin(work)
        assert await hand.say(work, undone()) == (False, "")
        hand.session.close()
        view = await made.after(11_000, action)
        assert (view.state, receipt(made, view).verdict) == ("UNDONE", "inconclusive")


async def test_a_goal_is_not_asked_again_since_everything_is_as_it_was() -> None:
    async with lab(profiles=GOAL) as made:
        made.policy.obligations = [_verify()]
        made.telemetry.value = 4.0
        view = await made.settled()
        view = await made.after(11_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_INEFFECTIVE")
        assert (await events(made, view.id))[-1] == "step_undone[last]"


async def test_the_end_of_a_lease_and_a_rollback_are_verified_again_too() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        made.telemetry.after_undo = 50.0
        lease = await made.settled(lease_s=20)
        view = await made.after(33_000, lease.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "CHECKS_STILL_BAD")
        [leaf] = [leaf for leaf in await records(made, lease.id) if leaf.guard == "checks_bad"]
        assert leaf.body["cause"] == "LEASE_ENDED"


async def test_a_plan_is_verified_again_once_when_all_of_it_is_back() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        both = b'psql -c "ALTER ROLE checkout CONNECTION LIMIT 5" && psql -c "ALTER ROLE shop CONNECTION LIMIT 7"'
        view = await made.settled(both)
        made.telemetry.value = 50.0
        view = await made.after(4_000, view.id)
        assert view.state == "UNDONE"
        assert (await events(made, view.id))[-4:] == [
            "step_undone[more]", "step_undone[recheck]", "sample", "verdict[checks_good]",
        ]  # fmt: skip


async def test_a_freeze_hands_it_to_people_at_once() -> None:
    async with lab() as made:
        action = await _harmed(made, 50.0)
        await freeze(made)
        view = await made.get(action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "GATEWAY_FROZEN")


async def test_a_person_may_have_it_verified_once_more() -> None:
    async with lab() as made:
        action = await _harmed(made, 50.0)
        assert (await made.after(11_000, action)).state == "NEEDS_HUMAN"
        made.telemetry.after_undo = 1.0
        await made.gateway.resolve(ALICE, new(), action, "retry_undo", "the cache is warm now")
        view = await made.after(2_000, action)
        assert (view.state, [h[0] for h in made.target.history]) == ("UNDONE", ["apply", "undo"])


async def test_a_gateway_that_was_down_for_the_whole_window_has_no_data() -> None:
    async with lab() as made:
        action = await _harmed(made, 50.0)
        await made.clock.leap(3_600_000)
        view = await made.after(1_000, action)
        assert view.state in {"NEEDS_HUMAN", "UNDONE"}
        assert view.reason in {"CHECKS_STILL_BAD", "UNDO_DEADLINE", "VERIFICATION_HARMED"}
        assert not await dues(made, action) & {"undo", "undo_deadline"}


async def test_samples_of_foreign_checks_do_not_count() -> None:
    async with lab(executor=False) as made:
        hand, action = await _undone_by_hand(made)
        await hand.sample_again(None)
        assert (await made.get(action)).state == "UNDOING"
        await hand.sample_again(1.0)
        assert (await made.get(action)).state == "UNDONE"


async def _undone_by_hand(made: Lab) -> tuple[Hand, str]:
    hand, action = await running(made)
    await hand.say(hand.taken[-1], applied())
    await made.gateway.cancel(ALICE, new(), action, "wrong")
    work = await hand.take("undo")
    await hand.begin(work)
    await hand.say(work, undone())
    return hand, action
