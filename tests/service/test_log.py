"""The log: signed as it grows, never over a rewritten history, and never by a clock that went back."""

import asyncio

import pytest

from gateway.core.merkle import Frontier
from gateway.errors import ConfigFault, NotFound, SignerFault, StoreFault
from gateway.service.log import CheckpointSigner
from gateway.service.start import refuse_old_clock, started
from tests.fakes.world import READ, Lab, lab
from tests.service.say import all_leaves

pytestmark = pytest.mark.anyio


async def _signed(made: Lab) -> int:
    found = await made.world.store.read(lambda tx: tx.checkpoint())
    return 0 if found is None else found[0]


async def test_leaves_are_signed_within_a_second() -> None:
    async with lab() as made:
        task = asyncio.create_task(made.signer.run())
        await made.settled(READ)
        await made.clock.advance(1_100)
        assert await _signed(made) == len(await all_leaves(made))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_restarted_signer_takes_up_where_the_last_checkpoint_ends() -> None:
    async with lab() as made:
        await made.settled(READ)
        assert await made.signer.sign() is True
        assert await made.signer.sign() is False
        await made.settled(READ)
        again = CheckpointSigner(made.world)
        await again.resume()
        assert await again.sign() is True
        assert await _signed(made) == len(await all_leaves(made))


async def test_a_rewritten_history_is_never_signed() -> None:
    async with lab() as made:
        await made.settled(READ)
        made.signer._signed = Frontier().append(b"\0" * 32)  # what was signed before is not what is there now
        with pytest.raises(SignerFault) as caught:
            await made.signer.sign()
        assert caught.value.code == "LOG_REWRITTEN"
        task = asyncio.create_task(made.signer.run())
        await made.clock.advance(1_100)
        assert isinstance(task.exception(), SignerFault)  # the gateway stops, aloud
        assert await _signed(made) == 0


async def test_a_store_or_a_key_that_fails_delays_the_checkpoint_and_no_more() -> None:
    async with lab() as made:
        task = asyncio.create_task(made.signer.run())
        await made.settled(READ)
        read = made.world.store.read

        async def broken(_unit: object) -> object:
            raise StoreFault("STORE_FAILED", "input/output error")

        made.world.store.read = broken  # type: ignore[method-assign,assignment]
        await made.clock.advance(3_000)
        assert not task.done()
        made.world.store.read = read  # type: ignore[method-assign]
        await made.clock.advance(1_100)
        assert await _signed(made) > 0
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_gateway_whose_clock_is_behind_its_log_does_not_start() -> None:
    async with lab() as made:
        await started(made.world)
        made.clock._now_ms -= 1_500
        await refuse_old_clock(made.world)
        made.clock._now_ms -= 60_000
        with pytest.raises(ConfigFault) as caught:
            await refuse_old_clock(made.world)
        assert caught.value.code == "CLOCK_BEHIND"
        made.clock._now_ms += 61_500


async def test_a_start_is_recorded_with_the_key_that_signs_from_then_on() -> None:
    async with lab() as made:
        await started(made.world)  # once more: a lab has started already
        kinds = [leaf.split(b'"kind":"')[1][:6] for leaf in await all_leaves(made)]
        assert kinds == [b"CM2002", b"CM2004", b"CM2004"]


async def test_what_no_checkpoint_covers_yet_cannot_be_proven() -> None:
    async with lab() as made:
        view = await made.settled(READ)
        with pytest.raises(NotFound):
            await made.gateway.proof(index=None, action=view.id, first_size=0, size=0)
        await made.signer.sign()
        assert (await made.gateway.proof(index=None, action=view.id, first_size=0, size=0)).leaf
        with pytest.raises(NotFound):
            await made.gateway.proof(index=10_000, action="", first_size=0, size=0)


async def test_whoever_follows_the_log_gets_every_leaf_in_order() -> None:
    async with lab() as made:
        await made.settled(READ)
        got = [item async for item in made.gateway.tail(0, follow=False)]
        assert got == list(enumerate(await all_leaves(made)))
        assert [i async for i, _ in made.gateway.tail(2, follow=False)] == list(range(2, len(got)))
