"""Actions whose executor went away: on-call is told once, whoever looks sees why, undos go on when one comes back."""

import asyncio

import pytest

from agent_client import Absent
from gateway.cli.views import absent_text
from gateway.core.kinds import LeafKind as K
from gateway.service.absent import tell_absent
from gateway.service.deliver import message_of
from gateway.service.views import AbsentView
from tests.fakes.world import AGENT, AUDIENCE, READ, VERIFY, Lab, lab
from tests.service.hand import Hand, running
from tests.service.say import new, records

pytestmark = pytest.mark.anyio
PATIENCE = 120_000
"""The patience itself, and the longest time until it is looked at again."""


async def _pages(made: Lab, action: str) -> list[str]:
    return [str(leaf.body["code"]) for leaf in await records(made, action) if leaf.kind is K.NOTIFICATION]


async def _gone(made: Lab) -> None:
    """Take the executor away."""
    task = made.tasks.pop()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await made.clock.settle()
    assert made.world.hub.audiences == ()


async def test_a_granted_read_that_nobody_does_is_told_once_and_says_so() -> None:
    async with lab(executor=False) as made:
        view = await made.submit(READ)
        assert (await made.after(20_000, view.id)).reason == ""
        assert await _pages(made, view.id) == []
        view = await made.after(PATIENCE, view.id)
        assert (view.state, view.reason) == ("GRANTED", "EXECUTOR_ABSENT")
        assert await _pages(made, view.id) == ["EXECUTOR_ABSENT"]
        await made.clock.advance(PATIENCE)
        assert await _pages(made, view.id) == ["EXECUTOR_ABSENT"]


async def test_the_page_says_what_to_do() -> None:
    async with lab(executor=False) as made:
        view = await made.submit(READ)
        await made.clock.advance(PATIENCE)
        [(index, data)] = await made.world.store.read(lambda tx: tx.leaves_of(view.id, 1, kind=K.NOTIFICATION.value))
        message = await made.world.store.read(lambda tx: message_of(made.world, tx, index, data))
        assert message is not None
        assert message["code"] == "EXECUTOR_ABSENT"
        assert "countermand executor" in str(message["detail"])
        assert "executor/local" in str(message["detail"])
        assert message["action"] == view.id


async def test_an_attempt_whose_executor_went_away_is_told_and_ends_by_its_probe_when_one_comes_back() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        made.target.vanish = True
        view = await made.settled()
        assert view.state == "EXECUTING"
        await _gone(made)
        view = await made.after(PATIENCE, view.id)
        assert (view.state, view.reason) == ("EXECUTING", "EXECUTOR_ABSENT")
        assert await _pages(made, view.id) == ["EXECUTOR_ABSENT"]
        made.target.vanish = False
        made.attach()
        await made.clock.settle()
        view = await made.after(5_000, view.id)
        assert (view.state, view.reason) == ("VERIFYING", "")


async def test_an_undo_waits_for_an_executor_and_goes_on_when_one_comes_back() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        assert view.state == "VERIFYING"
        await _gone(made)
        await made.gateway.cancel(AGENT, new(), view.id, "wrong")
        view = await made.after(PATIENCE, view.id)
        assert (view.state, view.reason) == ("UNDOING", "EXECUTOR_ABSENT")
        assert await _pages(made, view.id) == ["EXECUTOR_ABSENT"]
        made.attach()
        view = await made.after(30_000, view.id)
        assert view.state == "UNDONE"
        assert [h[0] for h in made.target.history] == ["apply", "undo"]


async def test_verification_that_nobody_samples_is_told() -> None:
    async with lab() as made:
        made.policy.obligations = [{**VERIFY, "verify": {**VERIFY["verify"], "window_s": 600}}]
        view = await made.settled()
        await _gone(made)
        view = await made.after(PATIENCE, view.id)
        assert (view.state, view.reason) == ("VERIFYING", "EXECUTOR_ABSENT")
        assert await _pages(made, view.id) == ["EXECUTOR_ABSENT"]


async def test_an_executor_that_is_back_in_time_is_not_told_of() -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made)
        hand.session.close()
        await made.clock.advance(40_000)
        Hand.attach(made, "another")
        await made.clock.advance(15_000)
        assert await _pages(made, action) == []


async def test_what_the_log_says_was_told_is_not_told_again() -> None:
    async with lab(executor=False) as made:
        view = await made.submit(READ)
        await made.clock.advance(PATIENCE)
        await tell_absent(made.world)
        assert await _pages(made, view.id) == ["EXECUTOR_ABSENT"]


async def test_the_status_says_who_is_absent_for_which_scopes_and_since_when() -> None:
    async with lab() as made:
        assert (await made.gateway.status()).absent == ()
        await made.clock.advance(7_000)
        await _gone(made)
        since = made.clock.now_ms()
        await made.clock.advance(60_000)
        assert (await made.gateway.status()).absent == (AbsentView(AUDIENCE, ("orders-db",), since),)
        made.attach()
        await made.clock.settle()
        assert (await made.gateway.status()).absent == ()


async def test_an_executor_that_never_came_is_absent_since_the_start() -> None:
    async with lab(executor=False) as made:
        since = made.clock.now_ms()
        await made.clock.advance(5_000)
        assert [away.since_ms for away in (await made.gateway.status()).absent] == [since]
        said = absent_text(Absent(AUDIENCE, ("orders-db", "shop"), since))
        assert said == "executor/local, which serves orders-db, shop, since 2023-11-14 22:13:20Z"
