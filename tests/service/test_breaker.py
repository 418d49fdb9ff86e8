"""The breaker, the chain that does not help, and how much may be under way at once."""

from dataclasses import replace

import pytest

from gateway.service.settings import Breaker, Concurrency
from gateway.service.views import ActionView
from tests.fakes.world import AGENT, ALICE, OTHER_AGENT, VERIFY, Lab, lab
from tests.service.hand import TWO, Hand, applied, running, undone
from tests.service.say import cancel, events, new, records, statuses, stop

pytestmark = pytest.mark.anyio


def limit(n: int, role: str = "checkout") -> bytes:
    return f'psql -c "ALTER ROLE {role} CONNECTION LIMIT {n}"'.encode()


def _set(made: Lab, **changes: object) -> None:
    """Change the settings of the site."""
    object.__setattr__(made.world, "settings", replace(made.world.settings, **changes))  # type: ignore[arg-type]


async def _undone(made: Lab, command: bytes = limit(5), **more: object) -> ActionView:
    made.policy.obligations = [VERIFY]
    made.telemetry.value = 1.0
    view = await made.settled(command, **more)
    made.telemetry.value = 50.0
    view = await made.after(5_000, view.id)
    made.telemetry.value = 1.0
    return view


async def codes(view: ActionView) -> set[str]:
    assert view.decision is not None
    return {f.code for f in view.decision.findings}


async def pages(made: Lab) -> list[str]:
    found = []
    for view, _ in [await made.gateway.list_actions(ALICE, page_size=50, page_token="", incident="", states=())]:
        for action in view:
            found += [leaf.body["code"] for leaf in await records(made, action.id) if leaf.kind.value == "CM1039"]
    return sorted(found)


async def test_changes_that_targets_refuse_open_the_breaker_too() -> None:
    async with lab() as made:
        made.target.fail = "not_applied"
        for n in range(3):
            assert (await made.settled(limit(n))).state == "NOT_APPLIED"
        made.target.fail = ""
        view = await made.settled()
        assert view.state == "AWAITING_APPROVAL"
        assert "BREAKER_OPEN" in await codes(view)
        assert await pages(made) == ["BREAKER_OPEN"]


async def test_the_breaker_is_of_one_agent() -> None:
    async with lab() as made:
        made.target.fail = "not_applied"
        for n in range(3):
            await made.settled(limit(n))
        made.target.fail = ""
        made.policy.obligations = [VERIFY]
        assert (await made.settled(limit(7), agent=OTHER_AGENT)).state == "VERIFYING"


async def test_autonomy_is_back_when_the_window_has_passed() -> None:
    async with lab() as made:
        made.target.fail = "not_applied"
        for n in range(3):
            await made.settled(limit(n))
        made.target.fail = ""
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        assert view.state == "AWAITING_APPROVAL"
        await cancel(made, view.id)
        await made.clock.leap(3_600_001)
        assert (await made.settled()).state == "VERIFYING"


async def test_an_operation_that_goes_wrong_for_all_agents_is_capped_for_all() -> None:
    async with lab() as made:
        _set(made, breaker=Breaker(agent=9, operation=2, target=9))
        made.target.fail = "not_applied"
        await made.settled(limit(1))
        await made.settled(limit(2), agent=OTHER_AGENT)
        made.target.fail = ""
        view = await made.settled(limit(3, "shop"), agent=AGENT)
        assert view.state == "AWAITING_APPROVAL"
        assert "OPERATION_BREAKER_OPEN" in await codes(view)
        assert await pages(made) == ["OPERATION_BREAKER_OPEN"]


async def test_what_people_have_to_look_at_is_a_mishap() -> None:
    async with lab() as made:
        _set(made, breaker=Breaker(agent=1, operation=9, target=9))
        made.target.undo_fails = "impossible"
        assert (await _undone(made)).state == "NEEDS_HUMAN"
        assert "BREAKER_OPEN" in await codes(await made.settled(limit(3, "shop")))


@pytest.mark.parametrize("how", ["lease", "stop"])
async def test_what_was_meant_to_end_is_no_mishap(how: str) -> None:
    async with lab(executor=how == "lease") as made:
        _set(made, breaker=Breaker(agent=1, operation=1, target=1))
        made.policy.obligations = [VERIFY]
        if how == "lease":
            view = await made.settled(lease_s=20)
            assert (await made.after(25_000, view.id)).reason == "LEASE_ENDED"
        else:
            hand, action = await running(made, TWO, 2)
            await stop(made)
            await hand.say(hand.taken[-1], applied(0))
            work = await hand.take("undo")
            await hand.begin(work)
            await hand.say(work, undone(0))
            await hand.sample_again()
            assert (await made.get(action)).reason == "GATEWAY_STOPPED"
            await made.gateway.resume(ALICE, new(), "", "", "over")
            hand.session.close()
            made.attach()
            await made.clock.settle()
        assert (await made.settled(limit(3, "shop"))).state == "VERIFYING"


async def test_a_target_that_is_restored_again_and_again_is_left_to_people() -> None:
    async with lab() as made:
        _set(made, breaker=Breaker(agent=9, operation=9, target=2))
        await _undone(made, limit(5))
        assert await pages(made) == []
        await _undone(made, limit(6), agent=OTHER_AGENT)
        assert await pages(made) == ["INEFFECTIVE_CHAIN"]
        view = await made.settled(limit(7))
        assert (view.state, "INEFFECTIVE_CHAIN" in await codes(view)) == ("AWAITING_APPROVAL", True)
        assert (await made.settled(limit(8, "shop"))).state == "VERIFYING"


async def test_an_agent_that_has_enough_under_way_waits_like_for_a_busy_target() -> None:
    async with lab() as made:
        _set(made, concurrency=Concurrency(agent=1, environment=9))
        made.policy.obligations = [VERIFY]
        first = await made.settled(limit(5))
        second = await made.settled(limit(6, "shop"))
        other = await made.settled(limit(7, "web"), agent=OTHER_AGENT)
        assert [first.state, second.state, other.state] == ["VERIFYING", "GRANTED", "VERIFYING"]
        await made.clock.advance(13_000)
        assert (await made.get(first.id)).state == "COMMITTED"
        assert (await made.get(second.id)).state == "VERIFYING"


async def test_an_environment_holds_so_many_changes_of_all_agents() -> None:
    async with lab() as made:
        _set(made, concurrency=Concurrency(agent=9, environment=1))
        made.policy.obligations = [VERIFY]
        await made.settled(limit(5))
        second = await made.settled(limit(6, "shop"), agent=OTHER_AGENT)
        assert second.state == "GRANTED"
        assert (await made.after(13_000, second.id)).state == "VERIFYING"


async def test_the_answer_names_who_is_at_the_limit_and_what_waits_for_people_does_not_count() -> None:
    async with lab(executor=False) as made:
        _set(made, concurrency=Concurrency(agent=1, environment=9))
        hand, first = await running(made)
        await made.settled(limit(6, "shop"))
        work = await hand.granted()
        assert await hand.begin(work) == (False, "CONCURRENCY_LIMIT{agent-1}")
        await made.gateway.freeze(ALICE, new(), "", "", "audit")
        await made.clock.advance(120_000)
        assert first


async def test_reads_need_no_room() -> None:
    async with lab() as made:
        _set(made, concurrency=Concurrency(agent=0, environment=0))
        assert (await made.settled(b'psql -c "SELECT count(*) FROM pg_stat_activity"')).state == "SUCCEEDED"


@pytest.mark.parametrize("scope", [("", ""), ("agent-1", ""), ("", "prod"), ("agent-1", "prod")])
async def test_a_stop_takes_effect_before_the_next_step_of_a_plan(scope: tuple[str, str]) -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        made.target.between = lambda: stop(made, *scope)
        view = await made.settled(TWO)
        view = await made.after(2_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "GATEWAY_STOPPED")
        assert [h[1] for h in made.target.history] == ["pg:orders-db/role/checkout"] * 2
        assert await statuses(made, view.id) == {0: "undone"}
        assert "step_applied[halt_undo_known]" in await events(made, view.id)


@pytest.mark.parametrize("scope", [("agent-2", ""), ("", "staging")])
async def test_a_stop_of_others_stops_nothing_here(scope: tuple[str, str]) -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        made.target.between = lambda: stop(made, *scope)
        view = await made.settled(TWO)
        assert view.state == "VERIFYING"
        assert len(made.target.history) == 2


async def test_a_hand_that_is_stopped_is_told_not_to_go_on() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        made.policy.obligations = [VERIFY]
        await made.settled(TWO)
        work = await hand.granted(steps=2)
        await stop(made)
        assert await hand.begin(work) == (False, "GATEWAY_STOPPED")
