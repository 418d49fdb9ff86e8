"""Leases: from the apply on, never longer than decided, given back in time and exactly once."""

import pytest

from gateway.errors import Forbidden, NotFound, Precondition
from gateway.ports import DueRow
from tests.fakes.world import AGENT, ALICE, BOB, OTHER_AGENT, OWNER, VERIFY, WRITE, Lab, lab
from tests.service.hand import FAST, Hand, applied, probed, running
from tests.service.say import cancel, dues, events, freeze, new, records, resume, stop

pytestmark = pytest.mark.anyio
OTHER = b'psql -c "ALTER ROLE checkout CONNECTION LIMIT 9"'
SHORT = {"code": "SHORT", "lease": {"max_ttl_s": 100}}
REQUIRED = {"code": "MUST", "lease": {"max_ttl_s": 100, "required": True}}


async def _leased(made: Lab, lease_s: int = 60) -> str:
    made.policy.obligations = [*made.policy.obligations, VERIFY]
    view = await made.settled(lease_s=lease_s)
    view = await made.after(11_000, view.id)
    assert view.state == "LEASED"
    return view.id


@pytest.mark.parametrize(
    ("lease_s", "obligation", "reason"),
    [(14, None, "LEASE_TOO_SHORT"), (101, SHORT, "LEASE_TOO_LONG"), (14_401, None, "LEASE_TOO_LONG"),
     (0, REQUIRED, "LEASE_REQUIRED"), (-1, None, "LEASE_TOO_SHORT")],
)  # fmt: skip
async def test_a_lease_must_fit_its_verification_and_its_limits(lease_s: int, obligation: object, reason: str) -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY] if obligation is None else [VERIFY, obligation]  # type: ignore[list-item]
        view = await made.settled(lease_s=lease_s)
        assert (view.state, view.reason) == ("DENIED", reason)


@pytest.mark.parametrize("undo_class", ["none", "neutral"])
async def test_what_was_observed_to_have_no_way_back_is_never_leased(undo_class: str) -> None:
    async with lab() as made:
        made.target.undo_class = undo_class
        made.policy.obligations = [VERIFY]
        view = await made.settled(lease_s=60)
        assert (view.state, view.reason) == ("DENIED", "LEASE_NOT_UNDOABLE")
        assert made.target.history == []


async def test_the_way_back_is_armed_before_the_change() -> None:
    async with lab(executor=False) as made:
        _, action = await running(made, lease_s=60)
        assert "lease_end" in await dues(made, action)
        assert (await made.get(action)).lease_end_ms == made.clock.now_ms() + 60_000


async def test_a_lease_runs_from_the_report_of_the_apply() -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made, lease_s=60)
        await made.clock.advance(7_000)
        await hand.say(hand.taken[-1], applied())
        assert (await made.get(action)).lease_end_ms == made.clock.now_ms() + 60_000


async def test_a_lost_apply_is_leased_from_the_beginning_of_its_attempt() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await running(made, lease_s=60)
        began = made.clock.now_ms()
        await made.clock.advance(10_000)
        probe = await hand.take("probe")
        await hand.begin(probe)
        await hand.say(probe, probed(0, "applied"))
        view = await made.get(action)
        assert (view.state, view.lease_end_ms) == ("VERIFYING", began + 60_000)


async def test_a_lease_that_is_over_when_the_apply_is_found_is_given_back_at_once() -> None:
    async with lab(FAST, executor=False) as made:
        hand, action = await running(made, lease_s=20)
        hand.session.close()
        await made.clock.leap(3_600_000)
        again = Hand.attach(made, "again")
        await made.clock.advance(3_000)
        probe = await again.take("probe")
        await again.begin(probe)
        await again.say(probe, probed(0, "applied"))
        view = await made.get(action)
        assert (view.state, view.reason) == ("UNDOING", "LEASE_ENDED")


async def test_the_end_of_a_lease_before_its_verdict_gives_it_back() -> None:
    async with lab(executor=False) as made:
        made.policy.obligations = [{**VERIFY, "verify": {"profile": "steady", "window_s": 10, "interval_s": 1}}]
        hand, action = await running(made, lease_s=15)
        await hand.say(hand.taken[-1], applied())
        await made.clock.leap(15_000)
        view = await made.get(action)
        assert view.state == "UNDOING"
        assert view.reason in {"LEASE_ENDED", "VERIFICATION_INCONCLUSIVE"}


async def test_a_gateway_that_was_down_gives_back_at_once_what_is_overdue() -> None:
    async with lab() as made:
        action = await _leased(made)
        await made.clock.leap(86_400_000)
        view = await made.after(1_000, action)
        assert (view.state, view.reason) == ("UNDONE", "LEASE_ENDED")
        assert [h[0] for h in made.target.history] == ["apply", "undo"]


async def test_a_lease_timer_that_fires_early_waits_for_the_end() -> None:
    async with lab() as made:
        action = await _leased(made)
        await made.world.store.write(lambda tx: tx.put_due(DueRow(action, "lease_end", made.clock.now_ms())))
        view = await made.after(6_000, action)
        assert view.state == "LEASED"
        [due] = await made.world.store.read(lambda tx: tx.due_of(action))
        assert (due.kind, due.at_ms) == ("lease_end", view.lease_end_ms)


async def test_renewals_together_are_no_longer_than_decided() -> None:
    async with lab() as made:
        made.policy.obligations = [SHORT]
        action = await _leased(made)
        end = (await made.get(action)).lease_end_ms
        assert (await made.gateway.renew(AGENT, new(), action, 80)).lease_end_ms > end
        await made.clock.advance(30_000)
        refused = await made.gateway.renew(AGENT, new(), action, 80)
        assert (refused.state, refused.reason) == ("LEASED", "LEASE_TOO_LONG")
        assert refused.lease_end_ms == (await made.get(action)).lease_end_ms
        assert (await events(made, action))[-1] == "renew[not_allowed]"
        assert (await made.after(60_000, action)).state == "UNDONE"


@pytest.mark.parametrize("lease_s", [0, -5, 14_500])
async def test_a_renewal_of_nothing_or_too_much_is_not_allowed(lease_s: int) -> None:
    async with lab() as made:
        action = await _leased(made)
        assert (await made.gateway.renew(ALICE, new(), action, lease_s)).reason == "LEASE_TOO_LONG"


@pytest.mark.parametrize("switch", ["stop", "freeze", "withdrawn"])
async def test_nothing_is_renewed_while_it_may_not_begin(switch: str) -> None:
    async with lab() as made:
        action = await _leased(made)
        if switch == "withdrawn":
            await made.gateway.withdraw(ALICE, new(), made.policy.revision, "bad")
        else:
            await (stop if switch == "stop" else freeze)(made)
        view = await made.gateway.renew(AGENT, new(), action, 60)
        assert (view.state, view.reason) == (
            "LEASED", {"stop": "GATEWAY_STOPPED", "freeze": "GATEWAY_FROZEN"}.get(switch, "REVISION_WITHDRAWN"),
        )  # fmt: skip


async def test_a_renewal_may_come_twice_and_counts_once() -> None:
    async with lab() as made:
        action, request = await _leased(made), new()
        first = await made.gateway.renew(ALICE, request, action, 600)
        await made.clock.advance(5_000)
        assert (await made.gateway.renew(ALICE, request, action, 600)).lease_end_ms == first.lease_end_ms


async def test_another_agent_has_no_lease_to_renew_or_release() -> None:
    async with lab() as made:
        action = await _leased(made)
        with pytest.raises(NotFound):
            await made.gateway.renew(OTHER_AGENT, new(), action, 60)
        with pytest.raises(NotFound):
            await made.gateway.release(OTHER_AGENT, new(), action)


async def test_a_release_gives_back_now() -> None:
    async with lab() as made:
        action = await _leased(made)
        assert (await made.gateway.release(AGENT, new(), action)).state == "UNDOING"
        assert (await made.after(1_000, action)).state == "UNDONE"


@pytest.mark.parametrize("how", ["end", "release"])
async def test_a_lease_that_ends_under_a_freeze_is_handed_to_people_with_its_target(how: str) -> None:
    async with lab() as made:
        action = await _leased(made)
        await freeze(made)
        assert (await made.get(action)).state == "LEASED"
        if how == "end":
            await made.clock.advance(60_000)
        else:
            await made.gateway.release(AGENT, new(), action)
        view = await made.get(action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "GATEWAY_FROZEN")
        assert action in (await made.world.store.read(lambda tx: tx.locks())).values()
        with pytest.raises(Precondition) as caught:
            await made.gateway.resolve(ALICE, new(), action, "retry_undo", "")
        assert caught.value.code == "GATEWAY_FROZEN"
        await resume(made)
        await made.gateway.resolve(ALICE, new(), action, "retry_undo", "")
        assert (await made.after(1_000, action)).state == "UNDONE"


async def test_a_lease_whose_target_is_busy_is_given_back_when_it_is_free() -> None:
    async with lab() as made:
        action = await _leased(made)
        other = await made.settled(b'psql -c "ALTER ROLE shop CONNECTION LIMIT 9"')
        await made.world.store.write(lambda tx: tx.lock("pg:orders-db/role/checkout", other.id))
        assert (await made.after(55_000, action)).state in {"LEASED", "UNDOING", "UNDONE"}
        assert (await made.after(20_000, action)).state == "UNDONE"


async def test_only_an_approver_who_does_not_answer_for_the_agent_keeps_a_lease() -> None:
    async with lab() as made:
        action = await _leased(made)
        for who in (AGENT, OWNER):
            with pytest.raises(Forbidden):
                await made.gateway.keep(who, new(), action)
        kept = await made.gateway.keep(BOB, new(), action)
        assert (kept.state, kept.lease_end_ms) == ("COMMITTED", 0)
        await made.clock.leap(100_000)
        assert (await made.get(action)).state == "COMMITTED"


async def test_a_lease_that_was_kept_late_can_still_be_rolled_back_to_the_end_of_its_window() -> None:
    async with lab() as made:
        action = await _leased(made, 14_000)
        await made.clock.leap(13_900_000)
        await made.gateway.keep(ALICE, new(), action)
        await made.clock.leap(86_400_000 - 2_000)
        await made.gateway.rollback(ALICE, new(), action, "after all")
        assert (await made.after(1_000, action)).state == "UNDONE"


async def test_keeping_now_ends_verification_with_a_lease_or_for_good() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        leased = await made.settled(lease_s=60)
        assert (await made.gateway.keep(ALICE, new(), leased.id)).state == "LEASED"
        assert await dues(made, leased.id) == {"lease_end"}
        good = await made.settled(b'psql -c "ALTER ROLE shop CONNECTION LIMIT 9"')
        assert (await made.gateway.keep(ALICE, new(), good.id)).state == "COMMITTED"
        assert (await made.get(good.id)).receipt
        assert "keep[no_ttl]" in await events(made, good.id)


async def test_a_keep_is_a_recorded_decision_of_a_person() -> None:
    async with lab() as made:
        action = await _leased(made)
        await made.gateway.keep(ALICE, new(), action)
        bodies = [leaf.body for leaf in await records(made, action) if leaf.event == "keep"]
        assert bodies[0]["by"] == "alice"


async def test_a_lease_of_a_cancelled_verification_leaves_no_timer() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled(WRITE, lease_s=60)
        await cancel(made, view.id)
        view = await made.after(1_000, view.id)
        assert view.state == "UNDONE"
        assert await dues(made, view.id) == {"undo_window"}
