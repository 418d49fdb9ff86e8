"""Attempts: what may begin, whose report counts, and what becomes of plans of several steps."""

from dataclasses import replace

import pytest

from gateway.core.canonical import Json, canonical
from gateway.errors import InvalidRequest
from gateway.service.dispatch import ask_to_apply
from gateway.service.reports import ChunkReport, ObservationReport, RefusalReport
from gateway.service.settings import Timing
from gateway.service.views import OutputView, WorkView
from tests.fakes.world import ALICE, AUDIENCE, READ, VERIFY, WRITE, Lab, lab
from tests.service.hand import Hand, applied, probed, seen, undone
from tests.service.say import cancel, freeze, leaves, resume, statuses, stop

pytestmark = pytest.mark.anyio
FAST = Timing(attempt_ms=5_000, attempt_margin_ms=500)
TWO = b'psql -c "ALTER ROLE checkout CONNECTION LIMIT 5" && psql -c "ALTER ROLE shop CONNECTION LIMIT 7"'
MIXED = READ + b" && " + TWO


async def _running(made: Lab, command: bytes = WRITE, steps: int = 1) -> tuple[Hand, str]:
    """Return a hand whose attempt of an action has begun."""
    made.policy.obligations = [VERIFY]
    hand = Hand.attach(made)
    view = await made.settled(command)
    work = await hand.granted(steps=steps)
    assert await hand.begin(work) == (True, "")
    return hand, view.id


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
        hand, action = await _running(made)
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
        hand, action = await _running(made)
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
        hand, action = await _running(made, TWO, 2)
        answer = await hand.say(hand.taken[-1], applied(step))
        assert answer == (False, "STEP_UNEXPECTED")
        view = await made.get(action)
        assert (view.state, [s.status for s in view.steps]) == ("EXECUTING", ["intended", "pending"])


@pytest.mark.parametrize("step", [-1, 1, 7])
async def test_a_probe_that_lies_about_the_step_is_not_believed(step: int) -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await _running(made, TWO, 2)
        await made.clock.advance(5_600)
        probe = await hand.take("probe")
        await hand.begin(probe)
        assert await hand.say(probe, probed(step, "applied")) == (False, "STEP_UNEXPECTED")
        assert (await made.get(action)).state == "EXECUTING"


async def test_a_report_that_comes_twice_is_answered_as_the_first_time() -> None:
    async with lab(executor=False) as made:
        hand, action = await _running(made, TWO, 2)
        work = hand.taken[-1]
        assert await hand.say(work, applied(0)) == (True, "")
        assert await hand.say(work, applied(0)) == (True, "REPORT_REPEATED")
        assert await hand.say(work, applied(1)) == (False, "")
        assert await hand.say(work, applied(1)) == (False, "REPORT_REPEATED")
        view = await made.get(action)
        assert (view.state, [s.status for s in view.steps]) == ("VERIFYING", ["applied", "applied"])


async def test_a_report_for_what_ended_changes_nothing() -> None:
    async with lab(executor=False) as made:
        hand, action = await _running(made)
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


async def test_a_code_that_is_no_code_is_not_recorded() -> None:
    async with lab(executor=False) as made:
        hand, action = await _running(made)
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


@pytest.mark.parametrize(
    "broken",
    [
        {"facts": "none"}, {"facts": [{"status": "known"}]}, {"facts": [1]},
        {"facts": [{"target": "t", "status": "great", "observed_ms": 1, "value": {}}]},
        {"facts": [{"target": "t", "status": "known", "observed_ms": 1, "value": None}]},
        {"facts": [{"target": "t", "status": "known", "observed_ms": "now", "value": {}}]},
        {"preflight": {}}, {"preflight": {"status": "ok", "changes": [{}]}}, {"preflight": None},
        {"preflight": {"status": "fine"}}, {"snapshot": []}, {"snapshot": None}, {"undo_class": "perfect"},
    ],
)  # fmt: skip
async def test_an_observation_of_another_shape_is_refused_and_expires(broken: dict[str, Json]) -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        work = await hand.take("observe")
        await hand.begin(work)
        with pytest.raises(InvalidRequest) as caught:
            await hand.say(work, ObservationReport(canonical(seen(made, **broken))))
        assert caught.value.code == "OBSERVATION_MALFORMED"
        view = await made.after(31_000, view.id)
        assert (view.state, view.reason) == ("EXPIRED", "OBSERVE_DEADLINE")


@pytest.mark.parametrize("baseline", [[], {"0/errors": "1"}, {"0/errors": {"token": "x"}}, {"0/errors": True}])
async def test_a_baseline_that_is_no_number_is_refused(baseline: object) -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        work = await hand.take("observe")
        await hand.begin(work)
        document = {**seen(made), "baseline": baseline}
        with pytest.raises(InvalidRequest, match="baseline"):
            await hand.say(work, ObservationReport(canonical(document)))
        assert (await made.get(view.id)).state == "PROPOSED"


async def test_a_report_of_another_kind_than_the_work_is_refused() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        await made.settled()
        work = await hand.take("observe")
        await hand.begin(work)
        assert await hand.say(work, probed(0, "applied")) == (False, "REPORT_UNEXPECTED")


# --- plans of several steps ---


async def test_the_second_step_fails_and_the_first_is_taken_back() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        made.target.fails = {"pg:orders-db/role/shop": "not_applied"}
        view = await made.settled(TWO)
        view = await made.after(1_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "TEST_FAILED")
        assert [s.status for s in view.steps] == ["undone", "not_applied"]
        assert [h[0] for h in made.target.history] == ["apply", "undo"]


async def test_steps_are_taken_back_in_reverse_order_and_reads_are_let_alone() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled(MIXED)
        assert [s.status for s in view.steps] == ["applied", "applied", "applied"]
        made.telemetry.value = 50.0
        view = await made.after(4_000, view.id)
        assert view.state == "UNDONE"
        assert [s.status for s in view.steps] == ["applied", "undone", "undone"]
        undone_ = [target for kind, target, _ in made.target.history if kind == "undo"]
        assert undone_ == ["pg:orders-db/role/shop", "pg:orders-db/role/checkout"]


async def test_a_step_that_never_ran_does_not_hold_up_the_undo_of_those_that_did() -> None:
    """Both steps are about one role: what the first wrote looks like an edit to the undo of the second."""
    both = b'psql -c "ALTER ROLE checkout CONNECTION LIMIT 5" && psql -c "ALTER ROLE checkout CONNECTION LIMIT 7"'
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        made.target.fails = {"pg:orders-db/role/checkout=7": "not_applied"}
        view = await made.settled(both)
        view = await made.after(1_000, view.id)
        assert (view.state, set(made.target.values.values())) == ("UNDONE", {0})


async def test_an_unknown_outcome_in_the_middle_is_probed_and_the_rest_goes_on() -> None:
    async with lab(FAST) as made:
        made.policy.obligations = [VERIFY]
        made.target.fails = {"pg:orders-db/role/checkout": "applied_unknown"}
        view = await made.settled(TWO)
        view = await made.after(2_000, view.id)
        assert view.state == "VERIFYING"
        assert [s.status for s in view.steps] == ["applied", "applied"]
        assert [h[1] for h in made.target.history] == ["pg:orders-db/role/checkout", "pg:orders-db/role/shop"]


async def test_an_unknown_outcome_in_the_middle_that_was_not_applied_takes_the_first_back() -> None:
    async with lab(FAST) as made:
        made.policy.obligations = [VERIFY]
        made.target.fails = {"pg:orders-db/role/shop": "unknown"}
        view = await made.settled(TWO)
        view = await made.after(3_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "LOST_NOT_APPLIED")
        assert [s.status for s in view.steps] == ["undone", "not_applied"]


async def test_the_rest_of_a_plan_goes_on_after_its_executor_was_lost_between_two_steps() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await _running(made, TWO, 2)
        await hand.say(hand.taken[-1], applied(0))
        hand.session.close()
        again = Hand.attach(made, "again")
        await made.clock.advance(5_600)
        probe = await again.take("probe")
        assert probe.first_step == 1
        await again.begin(probe)
        await again.say(probe, probed(1, "applied"))
        assert (await made.get(action)).state == "VERIFYING"


async def test_a_resumed_plan_begins_under_a_new_fence_where_it_stopped() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await _running(made, TWO, 2)
        await made.clock.advance(5_600)
        probe = await hand.take("probe")
        await hand.begin(probe)
        await hand.say(probe, probed(0, "applied"))
        assert (await made.get(action)).state == "EXECUTING"
        await made.clock.advance(10)
        rest = await hand.take("apply")
        assert (rest.first_step, rest.fence) == (1, probe.fence + 1)
        assert await hand.begin(rest) == (True, "")
        assert await hand.say(rest, applied(1)) == (False, "")
        assert (await made.get(action)).state == "VERIFYING"


@pytest.mark.parametrize("switch", ["stop", "freeze", "cancel"])
async def test_a_plan_that_waits_to_go_on_is_halted_like_one_that_runs(switch: str) -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await _running(made, TWO, 2)
        await made.clock.advance(5_600)
        probe = await hand.take("probe")
        await hand.begin(probe)
        await hand.say(probe, probed(0, "applied"))
        await made.clock.advance(10)
        rest = await hand.take("apply")
        if switch == "cancel":
            await cancel(made, action)
        else:
            await (stop if switch == "stop" else freeze)(made)
        assert (await hand.begin(rest))[0] is False
        view = await made.after(7_000, action)
        assert view.state == ("NEEDS_HUMAN" if switch == "freeze" else "UNDOING")
        assert [s.status for s in view.steps] == ["applied", "pending"]


async def test_a_plan_that_nobody_takes_up_again_is_taken_back_in_time() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await _running(made, TWO, 2)
        await made.clock.advance(5_600)
        probe = await hand.take("probe")
        await hand.begin(probe)
        await hand.say(probe, probed(0, "applied"))
        view = await made.after(10_000, action)
        assert (view.state, view.reason) == ("UNDOING", "ATTEMPT_DEADLINE")


async def test_a_lost_read_in_a_plan_that_writes_is_not_probed() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await _running(made, MIXED, 3)
        view = await made.after(5_600, action)
        assert (view.state, view.reason) == ("NOT_APPLIED", "EXECUTOR_LOST")
        assert [s.status for s in view.steps] == ["unknown", "pending", "pending"]
        await made.clock.settle()
        assert not [w for w in hand.taken if w.purpose == "probe"]


async def test_a_read_that_cannot_be_told_stops_the_plan_without_a_probe() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await _running(made, MIXED, 3)
        await hand.say(hand.taken[-1], applied(0, "unknown", "TARGET_PANIC"))
        assert (await made.get(action)).state == "NOT_APPLIED"


# --- halts while it runs ---


async def test_an_abort_takes_effect_when_the_outcome_is_known() -> None:
    async with lab(executor=False) as made:
        hand, action = await _running(made)
        assert (await cancel(made, action)).state == "EXECUTING"
        assert await hand.say(hand.taken[-1], applied()) == (False, "")
        view = await made.get(action)
        assert (view.state, view.reason) == ("UNDOING", "ABORTED")


async def test_an_abort_before_any_write_leaves_nothing_applied() -> None:
    async with lab(executor=False) as made:
        hand, action = await _running(made, MIXED, 3)
        await cancel(made, action)
        assert await hand.say(hand.taken[-1], applied(0)) == (False, "")
        view = await made.get(action)
        assert (view.state, view.reason) == ("NOT_APPLIED", "ABORTED")


async def test_an_abort_survives_the_loss_of_the_executor() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await _running(made, TWO, 2)
        await cancel(made, action)
        await made.clock.advance(5_600)
        probe = await hand.take("probe")
        await hand.begin(probe)
        await hand.say(probe, probed(0, "applied"))
        view = await made.get(action)
        assert (view.state, view.reason) == ("UNDOING", "ABORTED")


async def test_a_stop_between_two_steps_takes_the_first_back() -> None:
    async with lab(executor=False) as made:
        hand, action = await _running(made, TWO, 2)
        await stop(made)
        assert await hand.say(hand.taken[-1], applied(0)) == (False, "")
        view = await made.get(action)
        assert (view.state, view.reason) == ("UNDOING", "GATEWAY_STOPPED")
        work = await hand.take("undo")
        assert await hand.begin(work) == (True, "")
        await hand.say(work, undone())
        assert (await made.get(action)).state == "UNDONE"


async def test_a_stop_after_the_last_step_lets_verification_go_on() -> None:
    async with lab(executor=False) as made:
        hand, action = await _running(made)
        await stop(made)
        await hand.say(hand.taken[-1], applied())
        assert (await made.get(action)).state == "VERIFYING"


async def test_a_freeze_before_any_write_ends_the_plan() -> None:
    async with lab(executor=False) as made:
        hand, action = await _running(made, MIXED, 3)
        await freeze(made)
        assert await hand.say(hand.taken[-1], applied(0)) == (False, "")
        view = await made.get(action)
        assert (view.state, view.reason) == ("NOT_APPLIED", "GATEWAY_FROZEN")


async def test_a_freeze_after_a_write_asks_people_and_keeps_the_target() -> None:
    async with lab(executor=False) as made:
        hand, action = await _running(made)
        await freeze(made)
        await hand.say(hand.taken[-1], applied())
        view = await made.get(action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "GATEWAY_FROZEN")
        assert action in (await made.world.store.read(lambda tx: tx.locks())).values()


async def test_a_switch_that_was_taken_back_in_time_halts_nothing() -> None:
    async with lab(executor=False) as made:
        hand, _ = await _running(made, TWO, 2)
        await stop(made)
        await resume(made)
        assert await hand.say(hand.taken[-1], applied(0)) == (True, "")


async def test_probes_that_nobody_answers_end_with_people() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await _running(made)
        for _ in range(60):
            await made.clock.advance(3_000)
        view = await made.get(action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "PROBE_UNANSWERED")
        assert [s.status for s in view.steps] == ["unknown"]
        assert hand.session.queue.qsize() < 40


async def _offered_again(made: Lab, hand: Hand) -> WorkView:
    hand.taken.clear()
    await made.clock.advance(1_100)
    return await hand.take("apply")
