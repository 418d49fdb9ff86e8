"""Plans of several steps: taken back in reverse, probed in the middle, resumed, halted between two steps."""

import pytest

from tests.fakes.world import VERIFY, lab
from tests.service.hand import FAST, MIXED, TWO, Hand, applied, probed, running, undone
from tests.service.say import cancel, freeze, resume, stop

pytestmark = pytest.mark.anyio


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
        hand, action = await running(made, TWO, 2)
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
        hand, action = await running(made, TWO, 2)
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
        hand, action = await running(made, TWO, 2)
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
        hand, action = await running(made, TWO, 2)
        await made.clock.advance(5_600)
        probe = await hand.take("probe")
        await hand.begin(probe)
        await hand.say(probe, probed(0, "applied"))
        view = await made.after(10_000, action)
        assert (view.state, view.reason) == ("UNDOING", "ATTEMPT_DEADLINE")


async def test_a_lost_read_in_a_plan_that_writes_is_not_probed() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await running(made, MIXED, 3)
        view = await made.after(5_600, action)
        assert (view.state, view.reason) == ("NOT_APPLIED", "EXECUTOR_LOST")
        assert [s.status for s in view.steps] == ["unknown", "pending", "pending"]
        await made.clock.settle()
        assert not [w for w in hand.taken if w.purpose == "probe"]


async def test_a_read_that_cannot_be_told_stops_the_plan_without_a_probe() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await running(made, MIXED, 3)
        await hand.say(hand.taken[-1], applied(0, "unknown", "TARGET_PANIC"))
        assert (await made.get(action)).state == "NOT_APPLIED"


# --- halts while it runs ---


async def test_an_abort_takes_effect_when_the_outcome_is_known() -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made)
        assert (await cancel(made, action)).state == "EXECUTING"
        assert await hand.say(hand.taken[-1], applied()) == (False, "")
        view = await made.get(action)
        assert (view.state, view.reason) == ("UNDOING", "ABORTED")


async def test_an_abort_before_any_write_leaves_nothing_applied() -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made, MIXED, 3)
        await cancel(made, action)
        assert await hand.say(hand.taken[-1], applied(0)) == (False, "")
        view = await made.get(action)
        assert (view.state, view.reason) == ("NOT_APPLIED", "ABORTED")


async def test_an_abort_survives_the_loss_of_the_executor() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await running(made, TWO, 2)
        await cancel(made, action)
        await made.clock.advance(5_600)
        probe = await hand.take("probe")
        await hand.begin(probe)
        await hand.say(probe, probed(0, "applied"))
        view = await made.get(action)
        assert (view.state, view.reason) == ("UNDOING", "ABORTED")


async def test_a_stop_between_two_steps_takes_the_first_back() -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made, TWO, 2)
        await stop(made)
        assert await hand.say(hand.taken[-1], applied(0)) == (False, "")
        view = await made.get(action)
        assert (view.state, view.reason) == ("UNDOING", "GATEWAY_STOPPED")
        work = await hand.take("undo")
        assert await hand.begin(work) == (True, "")
        await hand.say(work, undone())
        await hand.sample_again()
        assert (await made.get(action)).state == "UNDONE"


async def test_a_stop_after_the_last_step_lets_verification_go_on() -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made)
        await stop(made)
        await hand.say(hand.taken[-1], applied())
        assert (await made.get(action)).state == "VERIFYING"


async def test_a_freeze_before_any_write_ends_the_plan() -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made, MIXED, 3)
        await freeze(made)
        assert await hand.say(hand.taken[-1], applied(0)) == (False, "")
        view = await made.get(action)
        assert (view.state, view.reason) == ("NOT_APPLIED", "GATEWAY_FROZEN")


async def test_a_freeze_after_a_write_asks_people_and_keeps_the_target() -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made)
        await freeze(made)
        await hand.say(hand.taken[-1], applied())
        view = await made.get(action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "GATEWAY_FROZEN")
        assert action in (await made.world.store.read(lambda tx: tx.locks())).values()


async def test_a_switch_that_was_taken_back_in_time_halts_nothing() -> None:
    async with lab(executor=False) as made:
        hand, _ = await running(made, TWO, 2)
        await stop(made)
        await resume(made)
        assert await hand.say(hand.taken[-1], applied(0)) == (True, "")


async def test_probes_that_nobody_answers_end_with_people() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await running(made)
        for _ in range(60):
            await made.clock.advance(3_000)
        view = await made.get(action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "PROBE_UNANSWERED")
        assert [s.status for s in view.steps] == ["unknown"]
        assert hand.session.queue.qsize() < 40
