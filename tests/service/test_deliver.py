"""Delivery: every leaf, in order, at least once; what nobody takes is set aside and said; nothing else stops for it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.core.canonical import Json
from gateway.errors import DeliveryFault, StoreFault
from gateway.service.deliver import export_for_ever, notify_for_ever
from tests.fakes.world import ALICE, READ, VERIFY, Lab, lab
from tests.service.say import all_leaves, freeze, new

pytestmark = pytest.mark.anyio


@dataclass
class Sink:
    """An exporter and notifier that keeps what it gets, and fails when told to."""

    name: str = "sink"
    got: list[tuple[int, bytes]] = field(default_factory=list)
    told: list[Mapping[str, Json]] = field(default_factory=list)
    fails: Exception | None = None
    poison: str = ""
    """A kind of message that it never takes."""
    tries: int = 0

    async def export(self, records: Sequence[tuple[int, bytes]]) -> None:
        self.tries += 1
        if self.fails:
            raise self.fails
        self.got += records

    async def notify(self, message: Mapping[str, Json]) -> None:
        self.tries += 1
        if self.fails or message["kind"] == self.poison:
            raise self.fails or DeliveryFault("NO_ROUTE", "https://hooks.example/?token=hunter2hunter2")
        self.told.append(message)


@asynccontextmanager
async def _running(made: Lab, sink: Sink, *, notify: bool = False) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task((notify_for_ever if notify else export_for_ever)(made.world, sink))
    await made.clock.settle()
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_sink_gets_every_leaf_once_and_in_order() -> None:
    async with lab() as made:
        sink = Sink()
        async with _running(made, sink):
            for _ in range(3):
                await made.settled(READ)
                await made.clock.advance(1_000)
        assert sink.got == list(enumerate(await all_leaves(made)))


async def test_a_sink_goes_on_where_it_stopped() -> None:
    async with lab() as made:
        sink = Sink()
        await made.settled(READ)
        async with _running(made, sink):
            pass
        first = len(sink.got)
        await made.settled(READ)
        async with _running(made, sink):
            pass
        assert first > 0
        assert sink.got == list(enumerate(await all_leaves(made)))


@pytest.mark.parametrize("fault", [DeliveryFault("DOWN", "no route"), ZeroDivisionError("a bug in a plugin")])
async def test_a_sink_that_fails_is_tried_ever_more_slowly_and_loses_nothing(fault: Exception) -> None:
    async with lab() as made:
        sink = Sink(fails=fault)
        await made.settled(READ)
        async with _running(made, sink) as task:
            await made.clock.advance(60_000)
            assert not task.done()
            assert 4 <= sink.tries <= 9
            sink.fails = None
            await made.clock.advance(30_000)
        assert sink.got == list(enumerate(await all_leaves(made)))


async def test_a_cursor_that_cannot_be_written_delivers_twice_and_never_less() -> None:
    async with lab() as made:
        sink = Sink()
        await made.settled(READ)
        write = made.world.store.write

        async def full(_unit: object) -> object:
            raise StoreFault("STORE_FULL", "no space left on device")

        made.world.store.write = full  # type: ignore[method-assign,assignment]
        async with _running(made, sink):
            await made.clock.advance(700)
            made.world.store.write = write  # type: ignore[method-assign]
            await made.clock.advance(5_000)
        leaves = list(enumerate(await all_leaves(made)))
        assert sink.got[: len(leaves)] == leaves
        assert sink.got[-len(leaves) :] == leaves
        assert len(sink.got) > len(leaves)


async def test_people_are_told_what_they_must_know_and_nothing_of_reads() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        sink = Sink()
        async with _running(made, sink, notify=True):
            await made.settled(READ)
            view = await made.settled()
            await made.clock.advance(11_000)
            made.policy.permit = "approve"
            made.policy.obligations = [VERIFY, {"code": "TELL", "notify": ["dba"]}]
            await made.settled()
            made.policy.permit = "allow"
            await made.settled(b'psql -c "ALTER ROLE shop CONNECTION LIMIT 9"')
            await freeze(made)
            await made.clock.advance(1_000)
        assert [(m["kind"], m["state"]) for m in sink.told] == [
            ("receipt", "COMMITTED"), ("approval_requested", "AWAITING_APPROVAL"), ("needs_human", "NEEDS_HUMAN"),
        ]  # fmt: skip
        assert sink.told[0]["action"] == view.id
        assert sink.told[1]["notify"] == ["dba"]
        assert [m["index"] for m in sink.told] == sorted(m["index"] for m in sink.told)


async def test_a_message_that_nobody_takes_is_set_aside_and_logged_and_the_next_is_told() -> None:
    async with lab() as made:
        sink = Sink(poison="incident_opened")
        async with _running(made, sink, notify=True) as task:
            await made.gateway.open_incident(ALICE, new(), "lost")
            made.policy.permit = "approve"
            await made.settled()
            await made.clock.advance(30_000)
            assert sink.told == []  # in order: nothing overtakes
            await made.clock.advance(300_000)
            assert not task.done()
        assert [m["kind"] for m in sink.told] == ["approval_requested"]
        [(index, error, _)] = await made.world.store.read(lambda tx: tx.dead_letters("sink"))
        leaves = await all_leaves(made)
        assert b"CM3001" in leaves[index]
        assert any(b"CM2006" in leaf for leaf in leaves)
        assert "hunter2" not in error
        assert not any(b"hunter2" in leaf for leaf in leaves)


async def test_a_channel_that_comes_back_in_time_loses_nothing_and_says_nothing_twice() -> None:
    async with lab() as made:
        sink = Sink(fails=DeliveryFault("DOWN", "no route"))
        async with _running(made, sink, notify=True):
            for title in ("one", "two", "three"):
                await made.gateway.open_incident(ALICE, new(), title)
            await made.clock.advance(10_000)
            sink.fails = None
            await made.clock.advance(60_000)
        assert [m["title"] for m in sink.told] == ["one", "two", "three"]
        assert await made.world.store.read(lambda tx: tx.dead_letters("sink")) == []
