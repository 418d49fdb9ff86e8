"""Attempts: what may begin, and whose report counts."""

from dataclasses import replace

import pytest

from gateway.service.dispatch import ask_to_apply
from gateway.service.reports import ChunkReport, RefusalReport
from gateway.service.views import OutputView, WorkView
from tests.fakes.world import ALICE, AUDIENCE, READ, WRITE, Lab, lab
from tests.service.hand import FAST, TWO, Hand, applied, probed, running, undone
from tests.service.say import cancel, freeze, leaves, statuses, stop

pytestmark = pytest.mark.anyio


async def test_a_denied_observed_step_is_never_offered() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        await hand.observe(preflight={"status": "failed", "code": "NO_SUCH_ROLE"})
        view = await made.after(3_000, view.id)
        assert (view.state, view.reason) == ("DENIED", "PREFLIGHT_FAILED")
        await made.clock.settle()
        assert hand.session.queue.empty()


@pytest.mark.parametrize("how", ["cancel", "freeze", "stop", "withdraw"])
async def test_what_was_ended_before_its_attempt_never_begins(how: str) -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        work = await hand.granted()
        match how:
            case "cancel":
                await cancel(made, view.id)
            case "freeze":
                await freeze(made)
            case "stop":
                await stop(made)
            case _:
                await made.gateway.withdraw(ALICE, "r1", made.policy.revision, "bad")
        begun, reason = await hand.begin(work)
        assert not begun
        assert reason
        assert (await statuses(made, view.id)) == {}


async def test_a_nonce_begins_once_and_only_as_signed() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        await made.settled()
        work = await hand.granted()
        assert await hand.begin(work, nonce="n" * 22) == (False, "NONCE_REPLAYED")
        work = await _offered_again(made, hand)
        assert await hand.begin(work) == (True, "")
        assert (await hand.begin(work))[0] is False


async def test_a_fence_that_is_not_the_one_of_the_work_is_refused() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        await made.settled()
        work = await hand.granted()
        assert await hand.begin(work, fence=7) == (False, "FENCE_STALE")


async def test_a_reading_attempt_begins_once() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        await made.settled()
        work = await hand.take("observe")
        assert await hand.begin(work) == (True, "")
        assert await hand.begin(work, fence=9) == (False, "FENCE_STALE")


async def test_work_of_another_action_or_unknown_work_is_refused() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        work = await hand.granted()
        answer = await made.gateway.begin_attempt(
            work_id="wrk_unknown", action=view.id, purpose="apply", nonce="n" * 22, fence=1, instance="hand"
        )
        assert answer == (False, "WORK_UNKNOWN")
        other = await made.settled(READ)
        answer = await made.gateway.begin_attempt(
            work_id=work.work_id, action=other.id, purpose="apply", nonce="n" * 22, fence=1, instance="hand"
        )
        assert answer == (False, "WORK_UNKNOWN")


async def test_an_attempt_that_runs_is_not_begun_a_second_time_under_the_next_fence() -> None:
    """Two offers were under way: the second was made after the first began."""
    async with lab(executor=False) as made:
        hand, action = await running(made)
        await ask_to_apply(made.world, action)
        assert [w.fence for w in hand.taken if w.purpose == "apply"] == [1]
        forged = replace(await hand.take("apply"), fence=2, work_id="wrk_forged")
        made.world.hub.send(AUDIENCE, forged)
        assert await hand.begin(forged) == (False, "ATTEMPT_RUNNING")
        assert (await made.get(action)).state == "EXECUTING"


async def test_of_two_executors_of_one_audience_one_begins() -> None:
    async with lab(executor=False) as made:
        one = Hand.attach(made, "one")
        view = await made.settled()
        work = await one.granted()
        two = Hand.attach(made, "two")
        await one.made.clock.advance(2_000)
        again = await two.take("apply")
        assert again.work_id != work.work_id
        assert await one.begin(work) == (True, "")
        assert await two.begin(again) == (False, "NONCE_REPLAYED")
        await two.say(again, applied(), fence=again.fence + 1)
        assert (await made.get(view.id)).state == "EXECUTING"


async def test_a_report_under_an_older_fence_does_not_count() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await running(made)
        work = hand.taken[-1]
        await made.clock.advance(5_600)
        assert await hand.say(work, applied()) == (False, "FENCE_STALE")
        assert (await made.get(action)).state == "EXECUTING"
        probe = await hand.take("probe")
        await hand.begin(probe)
        await hand.say(probe, probed(0, "not_applied"))
        assert (await made.get(action)).state == "NOT_APPLIED"


@pytest.mark.parametrize("step", [-1, 1, 7])
async def test_an_executor_that_lies_about_the_step_is_not_believed(step: int) -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made, TWO, 2)
        answer = await hand.say(hand.taken[-1], applied(step))
        assert answer == (False, "STEP_UNEXPECTED")
        view = await made.get(action)
        assert (view.state, [s.status for s in view.steps]) == ("EXECUTING", ["intended", "pending"])


@pytest.mark.parametrize("step", [-1, 1, 7])
async def test_a_probe_that_lies_about_the_step_is_not_believed(step: int) -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await running(made, TWO, 2)
        await made.clock.advance(5_600)
        probe = await hand.take("probe")
        await hand.begin(probe)
        assert await hand.say(probe, probed(step, "applied")) == (False, "STEP_UNEXPECTED")
        assert (await made.get(action)).state == "EXECUTING"


async def test_a_report_that_comes_twice_is_answered_as_the_first_time() -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made, TWO, 2)
        work = hand.taken[-1]
        assert await hand.say(work, applied(0)) == (True, "")
        assert await hand.say(work, applied(0)) == (True, "REPORT_REPEATED")
        assert await hand.say(work, applied(1)) == (False, "")
        assert await hand.say(work, applied(1)) == (False, "REPORT_REPEATED")
        view = await made.get(action)
        assert (view.state, [s.status for s in view.steps]) == ("VERIFYING", ["applied", "applied"])


async def test_a_report_for_what_ended_changes_nothing() -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made)
        work = hand.taken[-1]
        await hand.say(work, applied(0, "not_applied", "DENIED_BY_TARGET"))
        version = (await made.get(action)).version
        assert await hand.say(work, applied(0)) == (False, "STATE_CHANGED")
        assert (await made.get(action)).version == version


async def test_a_report_after_the_grant_expired_changes_nothing() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        work = await hand.granted()
        view = await made.after(300_001, view.id)
        assert view.state == "EXPIRED"
        assert (await hand.begin(work))[0] is False
        assert await hand.say(work, applied()) == (False, "STATE_CHANGED")
        assert await hand.say(work, applied(), fence=0) == (False, "STATE_CHANGED")


async def test_a_refusal_of_the_grant_is_final_and_told_to_security() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        work = await hand.granted()
        await hand.say(work, RefusalReport("GRANT_SIGNATURE", "the signature does not match"))
        view = await made.get(view.id)
        assert (view.state, view.reason) == ("REFUSED", "GRANT_SIGNATURE")
        assert "CM2005" in await leaves(made, view.id)


@pytest.mark.parametrize("purpose", ["apply", "undo"])
async def test_a_copy_of_work_that_began_is_refused_by_its_fence_and_alarms_nobody(purpose: str) -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made)
        if purpose == "undo":
            await hand.say(hand.taken[-1], applied())
            await cancel(made, action)
            assert await hand.begin(await hand.take("undo")) == (True, "")
        before = await made.get(action)
        made.world.hub.send(AUDIENCE, replace(hand.taken[-1], work_id="wrk_copy"))
        await hand.say(await hand.take(purpose), RefusalReport("GRANT_FENCE", "fence 1 is not above 1"))
        after, told = await made.get(action), await leaves(made, action)
        assert (after.state, after.version) == (before.state, before.version)
        assert ("CM1032" in told, "CM2005" in told) == (True, False)
        await hand.say(hand.taken[-2], undone() if purpose == "undo" else applied(0, "not_applied", "NOT_DONE"))


async def test_a_fence_that_nobody_took_is_no_copy_and_told_to_security() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        await hand.say(await hand.granted(), RefusalReport("GRANT_FENCE", "fence 1 is not above 7"))
        assert (await made.get(view.id)).state == "REFUSED"
        assert "CM2005" in await leaves(made, view.id)


@pytest.mark.parametrize(("command", "state"), [(READ, "FAILED"), (WRITE, "NOT_APPLIED")])
async def test_why_a_step_was_not_done_is_shown_without_secrets(command: bytes, state: str) -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled(command)
        work = await (hand.take("apply") if command is READ else hand.granted())
        await hand.begin(work)
        await hand.say(work, replace(applied(0, "not_applied", "NOT_THERE"), detail="no such thing; password=hunter2"))
        view = await made.get(view.id)
        [said] = [output.data.decode() for output in view.outputs]
        assert view.state == state
        assert said.startswith("not applied: NOT_THERE: no such thing; password=hmac-sha256:")


async def test_a_code_that_is_no_code_is_not_recorded() -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made)
        await hand.say(hand.taken[-1], applied(0, "not_applied", "password=hunter2hunter2"))
        view = await made.get(action)
        assert (view.state, view.reason) == ("NOT_APPLIED", "CODE_MALFORMED")


async def test_live_output_counts_only_from_the_work_it_belongs_to() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled(READ)
        work = await hand.take("apply")
        await hand.begin(work)
        watched = made.world.bus.watch(view.id)
        await anext(watched)
        await hand.say(work, ChunkReport(0, b"forged\n"), work_id="wrk_other")
        await hand.say(work, ChunkReport(0, b"real\n"))
        event = await anext(watched)
        assert isinstance(event, OutputView)
        assert event.data == b"real\n"


async def test_a_report_of_another_kind_than_the_work_is_refused() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        await made.settled()
        work = await hand.take("observe")
        await hand.begin(work)
        assert await hand.say(work, probed(0, "applied")) == (False, "REPORT_UNEXPECTED")


async def _offered_again(made: Lab, hand: Hand) -> WorkView:
    hand.taken.clear()
    await made.clock.advance(1_100)
    return await hand.take("apply")
