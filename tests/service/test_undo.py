"""Taking back: only what can be, in order, read back, in time, and never over somebody else's edit."""

import pytest

from gateway.core.canonical import canonical
from gateway.errors import Forbidden, InvalidRequest, Precondition
from gateway.service.reports import RefusalReport, UndoReport
from tests.fakes.world import AGENT, ALICE, BOB, OWNER, VERIFY, WRITE, Lab, lab
from tests.service.hand import TWO, Hand, applied, running, undone
from tests.service.say import dues, events, freeze, leaves, new, records, resume, statuses

pytestmark = pytest.mark.anyio
OTHER = b'psql -c "ALTER ROLE checkout CONNECTION LIMIT 9"'


async def _undoing(made: Lab, command: bytes = WRITE, steps: int = 1) -> tuple[Hand, str]:
    """Return a change whose cancellation is being carried out by hand."""
    hand, action = await running(made, command, steps)
    for step in range(steps):
        await hand.say(hand.taken[-1], applied(step))
    await made.gateway.cancel(AGENT, new(), action, "wrong")
    assert (await made.get(action)).state == "UNDOING"
    return hand, action


@pytest.mark.parametrize("undo_class", ["none", "neutral"])
async def test_what_was_observed_to_have_no_way_back_is_never_undone(undo_class: str) -> None:
    async with lab() as made:
        made.target.undo_class = undo_class
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        if view.state == "AWAITING_APPROVAL":
            assert undo_class == "none"
            view = await made.approve(view.id)
        made.telemetry.value = 50.0
        view = await made.after(4_000, view.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "VERIFICATION_HARMED")
        assert [h[0] for h in made.target.history] == ["apply"]
        assert "CM1020" not in await leaves(made, view.id)
        assert "CM1039" in await leaves(made, view.id)


async def test_an_exact_first_step_is_taken_back_when_a_second_without_a_way_back_was_not_applied() -> None:
    async with lab(executor=False) as made:
        made.policy.permit = "approve"
        made.policy.obligations = [VERIFY]
        hand = Hand.attach(made)
        view = await made.settled(TWO)
        await hand.observe_each(["exact", "none"])
        await made.approve(view.id)
        await hand.observe_each(["exact", "none"])
        work = await hand.take("apply")
        await hand.begin(work)
        await hand.say(work, applied(0))
        await hand.say(work, applied(1, "not_applied", "DENIED_BY_TARGET"))
        assert (await made.get(view.id)).state == "UNDOING"


async def test_a_second_step_without_a_way_back_asks_people_once_it_was_applied() -> None:
    async with lab(executor=False) as made:
        made.policy.permit = "approve"
        hand = Hand.attach(made)
        view = await made.settled(TWO)
        await hand.observe_each(["exact", "none"])
        await made.approve(view.id)
        await hand.observe_each(["exact", "none"])
        work = await hand.take("apply")
        await hand.begin(work)
        await hand.say(work, applied(0))
        await hand.say(work, applied(1))
        await made.gateway.cancel(AGENT, new(), view.id, "wrong")
        assert (await made.get(view.id)).state == "NEEDS_HUMAN"


async def test_what_the_executor_calls_better_than_the_parser_stays_as_the_parser_said() -> None:
    """An observed class can lower the static one, never raise it."""
    kill = b'psql -c "SELECT pg_terminate_backend(4242)"'
    async with lab(executor=False) as made:
        made.policy.permit = "approve"
        made.policy.obligations = [VERIFY]
        hand = Hand.attach(made)
        view = await made.settled(kill)
        await hand.observe(undo_class="exact")
        assert (await made.get(view.id)).state == "AWAITING_APPROVAL"
        assert made.policy.asked[-1]["steps"][0]["undo"]["class"] == "neutral"
        await made.approve(view.id)
        await hand.observe(undo_class="exact")
        work = await hand.take("apply")
        await hand.begin(work)
        await hand.say(work, applied())
        await made.gateway.cancel(AGENT, new(), view.id, "wrong")
        assert (await made.get(view.id)).state == "NEEDS_HUMAN"


async def test_steps_are_taken_back_last_first_or_not_at_all() -> None:
    async with lab(executor=False) as made:
        hand, action = await _undoing(made, TWO, 2)
        work = await hand.take("undo")
        assert work.first_step == 1
        await hand.begin(work)
        assert await hand.say(work, undone(0)) == (False, "STEP_UNEXPECTED")
        assert await hand.say(work, undone(5)) == (True, "STEP_NOT_APPLIED")
        assert await hand.say(work, undone(1)) == (True, "")
        assert await hand.say(work, undone(1)) == (True, "REPORT_REPEATED")
        assert await hand.say(work, undone(0)) == (False, "")
        assert await hand.say(work, undone(0)) == (True, "REPORT_REPEATED")
        await hand.sample_again()
        assert (await made.get(action)).state == "UNDONE"
        assert await hand.say(work, undone(0)) == (False, "FENCE_STALE")


async def test_a_report_of_another_attempt_to_undo_does_not_count() -> None:
    async with lab(executor=False) as made:
        hand, action = await _undoing(made)
        work = await hand.take("undo")
        await hand.begin(work)
        assert await hand.say(work, undone(), fence=work.fence - 1) == (False, "FENCE_STALE")
        assert (await made.get(action)).state == "UNDOING"


async def test_a_read_back_that_differs_from_the_snapshot_is_no_undo() -> None:
    async with lab(executor=False) as made:
        hand, action = await _undoing(made)
        work = await hand.take("undo")
        await hand.begin(work)
        lie = UndoReport(0, "undone", "", "", canonical({"limit": 5}))
        assert (await hand.say(work, lie))[0] is False
        view = await made.get(action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "READ_BACK_DIFFERS")
        assert await statuses(made, action) == {0: "applied"}


@pytest.mark.parametrize(("read_back", "equal"), [(canonical({"limit": 0}), True), (b"", None), (b"{}", None)])
async def test_the_log_says_whether_what_was_read_back_is_what_was_there(read_back: bytes, equal: object) -> None:
    async with lab(executor=False) as made:
        hand, action = await _undoing(made)
        work = await hand.take("undo")
        await hand.begin(work)
        await hand.say(work, UndoReport(0, "undone", "", "", read_back))
        [body] = [leaf.body for leaf in await records(made, action) if leaf.kind.value == "CM1022"]
        assert body["equal"] is equal


async def test_what_was_read_back_must_be_json() -> None:
    async with lab(executor=False) as made:
        hand, action = await _undoing(made)
        work = await hand.take("undo")
        await hand.begin(work)
        with pytest.raises(InvalidRequest):
            await hand.say(work, UndoReport(0, "undone", "", "", b"{nonsense"))
        assert (await made.get(action)).state == "UNDOING"


async def test_a_transient_error_is_tried_again_until_the_deadline_and_then_people_are_asked() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        made.target.undo_fails = "retry"
        await made.gateway.cancel(AGENT, new(), view.id, "wrong")
        view = await made.after(60_000, view.id)
        assert view.state == "UNDOING"
        attempts = (await leaves(made, view.id)).count("CM1010")
        assert 4 < attempts < 40
        view = await made.after(900_000, view.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "UNDO_DEADLINE")
        assert await dues(made, view.id) == set()


async def test_an_undo_whose_executor_was_lost_goes_on_under_a_new_fence() -> None:
    async with lab(executor=False) as made:
        hand, action = await _undoing(made)
        work = await hand.take("undo")
        await hand.begin(work)
        hand.session.close()
        again = Hand.attach(made, "again")
        await made.clock.advance(63_000)
        rest = await again.take("undo")
        assert rest.fence == work.fence + 1
        await again.begin(rest)
        await again.say(rest, undone())
        await again.sample_again()
        assert (await made.get(action)).state == "UNDONE"


async def test_a_refused_undo_grant_is_told_to_security_without_a_flood() -> None:
    async with lab(executor=False) as made:
        hand, action = await _undoing(made)
        for _ in range(60):
            work = await hand.take("undo")
            if made.world.hub.work(work.work_id, action):
                await hand.say(work, RefusalReport("GRANT_KEY_UNKNOWN", "no such key"))
            await made.clock.advance(1_000)
        assert (await made.get(action)).state == "UNDOING"
        assert 1 <= (await leaves(made, action)).count("CM2005") <= 3


async def test_needs_human_quarantines_the_target_until_it_is_resolved() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        made.target.undo_fails = "conflict"
        await made.gateway.cancel(AGENT, new(), view.id, "wrong")
        view = await made.after(1_000, view.id)
        assert view.state == "NEEDS_HUMAN"
        other = await made.settled(OTHER)
        assert (await made.after(5_000, other.id)).state == "GRANTED"
        await made.gateway.resolve(ALICE, new(), view.id, "kept", "fine")
        assert (await made.after(2_000, other.id)).state == "VERIFYING"


async def test_an_undo_can_be_tried_again_by_a_person_who_does_not_answer_for_the_agent() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        made.target.undo_fails = "conflict"
        await made.gateway.cancel(AGENT, new(), view.id, "wrong")
        await made.clock.advance(1_000)
        made.target.undo_fails = ""
        with pytest.raises(Forbidden):
            await made.gateway.resolve(OWNER, new(), view.id, "retry_undo", "")
        with pytest.raises(Forbidden):
            await made.gateway.resolve(AGENT, new(), view.id, "retry_undo", "")
        with pytest.raises(InvalidRequest):
            await made.gateway.resolve(ALICE, new(), view.id, "maybe", "")
        await made.gateway.resolve(ALICE, new(), view.id, "retry_undo", "")
        view = await made.after(1_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "RETRY_UNDO")
        with pytest.raises(Precondition):
            await made.gateway.resolve(ALICE, new(), view.id, "kept", "")


async def test_a_resolution_may_come_twice_and_counts_once() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        await freeze(made)
        request = new()
        for _ in range(2):
            resolved = await made.gateway.resolve(BOB, request, view.id, "undone_by_hand", "done")
            assert (resolved.state, resolved.reason) == ("RESOLVED", "UNDONE_BY_HAND")
        assert (await events(made, view.id)).count("resolve[undone_by_hand]") == 1


async def _committed(made: Lab) -> str:
    made.policy.obligations = [*made.policy.obligations, VERIFY]
    view = await made.settled()
    assert (await made.after(11_000, view.id)).state == "COMMITTED"
    return view.id


async def test_a_rollback_outside_its_window_is_refused() -> None:
    async with lab() as made:
        action = await _committed(made)
        await made.clock.leap(86_400_000)
        with pytest.raises(Precondition) as caught:
            await made.gateway.rollback(ALICE, new(), action, "late")
        assert caught.value.code == "STATE_FORBIDS"


@pytest.mark.parametrize("window_s", [60, 20 * 86_400])
async def test_the_undo_window_is_the_policys_and_the_way_back_lasts_as_long(window_s: int) -> None:
    async with lab() as made:
        made.policy.obligations = [{"code": "WINDOW", "undo_window_s": window_s}]
        action = await _committed(made)
        await made.clock.leap(window_s * 1_000 - 2_000)
        assert (await made.gateway.rollback(ALICE, new(), action, "in time")).state == "UNDOING"
        assert (await made.after(1_500, action)).state == "UNDONE"
    async with lab() as made:
        made.policy.obligations = [{"code": "WINDOW", "undo_window_s": window_s}]
        action = await _committed(made)
        await made.clock.leap(window_s * 1_000)
        with pytest.raises(Precondition):
            await made.gateway.rollback(ALICE, new(), action, "late")


async def test_a_rollback_waits_for_whoever_holds_the_target() -> None:
    async with lab() as made:
        action = await _committed(made)
        second = await made.settled(OTHER)
        if (await made.get(action)).state == "COMMITTED":  # else it was superseded
            with pytest.raises(Precondition) as caught:
                await made.gateway.rollback(ALICE, new(), action, "now")
            assert caught.value.args_["by"] == second.id


async def test_nothing_is_rolled_back_under_a_freeze_and_the_log_says_so() -> None:
    async with lab() as made:
        action = await _committed(made)
        await freeze(made)
        view = await made.gateway.rollback(ALICE, new(), action, "now")
        assert (view.state, view.reason) == ("COMMITTED", "GATEWAY_FROZEN")
        assert (await events(made, action))[-1] == "rollback[not_allowed]"
        await resume(made)
        assert (await made.gateway.rollback(ALICE, new(), action, "now")).state == "UNDOING"


async def test_changes_that_were_meant_to_end_do_not_open_the_breaker() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        for _ in range(3):
            view = await made.settled(lease_s=20)
            assert (await made.after(25_000, view.id)).reason == "LEASE_ENDED"
        assert (await made.settled()).state == "VERIFYING"


async def test_changes_that_had_to_be_undone_open_the_breaker_for_its_window() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        for _ in range(3):
            made.telemetry.value = 1.0
            view = await made.settled()
            made.telemetry.value = 50.0
            assert (await made.after(5_000, view.id)).state == "UNDONE"
        made.telemetry.value = 1.0
        view = await made.settled()
        assert view.state == "AWAITING_APPROVAL"
        assert view.decision is not None
        assert "BREAKER_OPEN" in {f.code for f in view.decision.findings}
        await made.gateway.cancel(AGENT, new(), view.id, "later")
        await made.clock.leap(3_600_000)
        assert (await made.settled()).state == "VERIFYING"
