"""An answer that waits for its action to rest: one call for an agent's read."""

import asyncio

import pytest

from gateway.errors import InvalidRequest
from tests.fakes.world import READ, lab
from tests.service.hand import FAST, Hand, applied

pytestmark = pytest.mark.anyio
LONG_MS = 30_000


async def test_the_answer_to_a_read_has_its_output() -> None:
    async with lab(FAST, concurrency=1) as made:
        view = await made.submit(READ, wait_ms=LONG_MS)
        assert (view.state, [o.data for o in view.outputs], bool(view.receipt)) == ("SUCCEEDED", [b"row\n"], True)


async def test_a_read_that_is_begun_by_asking_is_waited_for_too() -> None:
    async with lab(FAST) as made:
        assert (await made.submit(READ, wait_ms=LONG_MS)).state == "SUCCEEDED"


async def test_every_change_on_the_way_is_passed_by() -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made)
        waits = asyncio.create_task(made.submit(READ + b" && " + READ, wait_ms=LONG_MS))
        work = await hand.take("apply")
        await hand.begin(work)
        await hand.say(work, applied(0))
        assert not waits.done()
        await hand.say(work, applied(1))
        assert (await waits).state == "SUCCEEDED"


async def test_what_waits_for_people_is_answered_at_once() -> None:
    async with lab(FAST) as made:
        made.policy.permit = "approve"
        assert (await made.submit(wait_ms=LONG_MS)).state == "AWAITING_APPROVAL"


@pytest.mark.parametrize("permit", ["deny", "shadow"])
async def test_what_never_runs_is_answered_at_once(permit: str) -> None:
    async with lab(FAST, executor=False) as made:
        made.policy.permit = permit
        view = await made.submit(READ, wait_ms=LONG_MS)
        assert view.state == {"deny": "DENIED", "shadow": "SHADOWED"}[permit]


async def test_what_is_only_explained_is_answered_at_once() -> None:
    async with lab(FAST, executor=False) as made:
        assert (await made.submit(READ, wait_ms=LONG_MS, validate_only=True)).state == "PROPOSED"


async def test_when_the_time_is_up_the_action_is_answered_as_it_stands_and_goes_on() -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made, concurrency=1)
        view = await made.submit(READ, wait_ms=1)
        assert view.state == "EXECUTING"
        await hand.say(await hand.take("apply"), applied())
        assert (await made.get(view.id)).state == "SUCCEEDED"


async def test_what_waits_for_an_executor_that_is_not_there_says_so_when_the_time_is_up() -> None:
    async with lab(FAST, executor=False) as made:
        await made.clock.advance(made.world.settings.timing.executor_absent_ms)
        view = await made.submit(READ, wait_ms=1)
        assert (view.state, view.reason) == ("GRANTED", "EXECUTOR_ABSENT")


@pytest.mark.parametrize("wait_ms", [-1, 60_001])
async def test_a_wait_that_is_too_long_is_refused_before_anything_is_recorded(wait_ms: int) -> None:
    async with lab(FAST, executor=False) as made:
        with pytest.raises(InvalidRequest, match="0 to 60000"):
            await made.submit(READ, wait_ms=wait_ms)
        assert await made.world.store.read(lambda tx: tx.actions(limit=10)) == []
