"""The driver: late timers fire at once, missing ones are set, and one action's fault is nobody else's."""

import asyncio
import logging
from dataclasses import replace

import pytest

from gateway.core.kinds import LeafKind
from gateway.core.lifecycle import OPEN, Due, State, timers
from gateway.core.timers import fits
from gateway.errors import StoreFault
from gateway.ports import DueRow, SwitchRow, Tx
from gateway.service import drive
from gateway.service.reconcile import reconcile
from gateway.service.record import global_leaf
from gateway.service.views import WorkView
from tests.fakes.world import AGENT, ALICE, READ, VERIFY, Lab, lab
from tests.service.hand import FAST, Hand, applied, running
from tests.service.say import cancel, dues, freeze, new

pytestmark = pytest.mark.anyio


async def _forget_timers(made: Lab, action: str) -> None:
    await made.world.store.write(lambda tx: tx.delete_due(action))


async def _stop_driver(made: Lab) -> None:
    task = made.tasks.pop(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _start_driver(made: Lab) -> None:
    made.tasks.insert(0, asyncio.create_task(drive.Driver(made.world).run()))
    await made.clock.settle()


async def _in(made: Lab, state: State, hand: Hand) -> str:
    """Return an action in an open state, moved by hand."""
    made.policy.obligations = [VERIFY]
    made.policy.permit = "approve" if state is State.AWAITING_APPROVAL else "allow"
    view = await made.settled(lease_s=60 if state is State.LEASED else 0)
    if state is not State.PROPOSED:
        await hand.observe()
    if state in {State.EXECUTING, State.VERIFYING, State.LEASED, State.UNDOING, State.NEEDS_HUMAN}:
        work = await hand.take("apply")
        await hand.begin(work)
        if state is not State.EXECUTING:
            await hand.say(work, applied())
    if state is State.LEASED:
        await made.gateway.keep(ALICE, new(), view.id)
    if state is State.UNDOING:
        await cancel(made, view.id)
    if state is State.NEEDS_HUMAN:
        await freeze(made)
    assert (await made.get(view.id)).state == state
    return view.id


@pytest.mark.parametrize("state", sorted(OPEN))
async def test_every_open_state_gets_back_the_timers_that_it_lost(state: State) -> None:
    async with lab(executor=False) as made:
        action = await _in(made, state, Hand.attach(made))
        before = {d.kind: d.at_ms for d in await made.world.store.read(lambda tx: tx.due_of(action))}
        await _stop_driver(made)
        await _forget_timers(made, action)
        await reconcile(made.world)
        after = {d.kind: d.at_ms for d in await made.world.store.read(lambda tx: tx.due_of(action))}
        assert timers(state) <= after.keys()
        told = {Due.APPROVAL_TTL, Due.OBSERVE_DEADLINE, Due.VERIFY_DEADLINE, Due.LEASE_END, Due.UNDO_DEADLINE}
        for kind in told & after.keys():
            assert after[kind] == before[kind]


@pytest.mark.parametrize("state", sorted(OPEN - {State.NEEDS_HUMAN}))
async def test_every_open_state_ends_although_its_timers_and_its_executor_are_lost(state: State) -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made)
        action = await _in(made, state, hand)
        await _forget_timers(made, action)
        for _ in range(5):  # attached, and mute
            await made.clock.advance(100_000)
        for _ in range(3):
            await made.clock.leap(3_600_000)
        view = await made.get(action)
        assert view.state in {"EXPIRED", "NEEDS_HUMAN"}, view.state
        assert not await dues(made, action) - {"undo_window"}


async def test_a_timer_that_fits_no_state_is_forgotten_when_it_fires() -> None:
    async with lab() as made:
        view = await made.settled(READ)
        stray = [Due.UNDO, Due.PROBE, Due.LEASE_END, Due.DISPATCH, Due.ATTEMPT_DEADLINE, Due.SAMPLE]
        now = made.clock.now_ms()
        for kind in stray:
            due = DueRow(view.id, kind, now)
            await made.world.store.write(lambda tx: tx.put_due(due))  # noqa: B023  # awaited at once
        await made.world.store.write(lambda tx: tx.put_due(DueRow("act_unknown", Due.UNDO, now)))
        await made.clock.advance(6_000)
        assert await dues(made, view.id) == {"undo_window"}
        assert await dues(made, "act_unknown") == set()


def test_every_timer_that_a_state_needs_fits_it() -> None:
    for state in State:
        assert all(fits(kind, state) for kind in timers(state))


async def test_a_gateway_that_was_down_fires_what_is_late_at_once() -> None:
    async with lab(executor=False) as made:
        read = await made.settled(READ)
        await _stop_driver(made)
        await made.clock.leap(86_400_000)
        assert (await made.get(read.id)).state == "GRANTED"
        await _start_driver(made)
        view = await made.get(read.id)
        assert (view.state, view.reason) == ("EXPIRED", "EXECUTOR_ABSENT")


async def test_a_grant_that_expired_while_the_gateway_was_down_never_begins() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        await made.settled()
        work = await hand.granted()
        await _stop_driver(made)
        await made.clock.leap(400_000)
        assert (await hand.begin(work))[0] is False


async def test_a_freeze_that_was_cut_short_is_carried_out_later() -> None:
    async with lab(executor=False) as made:
        action = await _in(made, State.VERIFYING, Hand.attach(made))
        await _stop_driver(made)
        await made.world.store.write(lambda tx: _switch_on(made, tx, _freeze(made)))
        await _start_driver(made)
        view = await made.get(action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "GATEWAY_FROZEN")


def _switch_on(made: Lab, tx: Tx, switch: SwitchRow) -> None:
    """Write what a switch writes, and nothing of what follows from it."""
    tx.put_switch(switch)
    body = {"kind": switch.kind, "change": "on", "agent": "", "environment": "", "row": switch.digest}
    global_leaf(made.world, tx, LeafKind.SWITCH, body)


def _freeze(made: Lab) -> SwitchRow:
    return SwitchRow("freeze", "", "", made.clock.now_ms(), "alice", "")


async def test_a_handler_that_fails_holds_up_no_other_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {"on": True}

    async def boom(world: object, row: DueRow) -> None:
        if broken["on"]:
            raise ZeroDivisionError(row.kind)
        await drive._expire(world, row)  # type: ignore[arg-type]

    monkeypatch.setattr(drive, "HANDLERS", {**drive.HANDLERS, Due.GRANT_EXPIRY: boom})
    async with lab(executor=False) as made:
        read = await made.settled(READ)
        proposed = await made.settled()
        with caplog.at_level(logging.ERROR):
            await made.clock.advance(320_000)
        assert "grant_expiry" in caplog.text
        assert (await made.get(proposed.id)).state == "EXPIRED"
        assert (await made.get(read.id)).state == "GRANTED"
        broken["on"] = False
        assert (await made.after(11_000, read.id)).state == "EXPIRED"


async def test_a_store_that_cannot_write_stops_nothing_for_good() -> None:
    async with lab(executor=False) as made:
        read = await made.settled(READ)
        write = made.world.store.write

        async def full(_unit: object) -> object:
            raise StoreFault("STORE_FULL", "no space left on device")

        made.world.store.write = full  # type: ignore[method-assign,assignment]
        await made.clock.advance(310_000)
        assert (await made.get(read.id)).state == "GRANTED"
        assert not made.tasks[0].done()
        made.world.store.write = write  # type: ignore[method-assign]
        assert (await made.after(7_000, read.id)).state == "EXPIRED"


async def test_a_handler_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    given_up, real = asyncio.Event(), drive.HANDLERS

    async def hang(_world: object, _row: DueRow) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    monkeypatch.setattr(drive, "HANDLERS", {**real, Due.GRANT_EXPIRY: hang})
    monkeypatch.setattr(drive, "_HANDLER_S", 0.01)
    async with lab(executor=False) as made, asyncio.timeout(30):  # real time: that is what the limit is about
        await made.settled(READ)
        await made.clock.advance(301_000)
        await given_up.wait()
        monkeypatch.setattr(drive, "HANDLERS", real)
        monkeypatch.setattr(drive, "_HANDLER_S", 30.0)
        proposed = await made.settled()
        await made.clock.advance(31_000)
        while (await made.get(proposed.id)).state != "EXPIRED":
            await made.clock.advance(10)


async def test_an_executor_that_takes_nothing_does_not_fill_the_memory() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        for _ in range(3):
            await made.settled(READ)
        await made.clock.advance(290_000)
        assert hand.session.queue.qsize() <= 1_000
        queue: asyncio.Queue[object] = hand.session.queue  # type: ignore[assignment]
        while not queue.full():
            queue.put_nowait(None)
        assert made.world.hub.send("executor/local", replace(_some_work(made), work_id="wrk_x")) is False


def _some_work(made: Lab) -> WorkView:
    return next(iter(made.world.hub._open.values()))[1]


async def test_work_that_ended_is_forgotten() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        await made.settled(READ)
        view = await made.settled()
        await cancel(made, view.id)
        await made.clock.advance(2_000)
        assert (await made.get(view.id)).state == "UNDONE"
        assert made.world.hub._open == {}


async def test_a_dispatch_that_fires_late_arms_nothing_in_a_later_state() -> None:
    async with lab(executor=False) as made:
        _, action = await running(made)
        now = made.clock.now_ms()
        await made.world.store.write(lambda tx: tx.delete_due(action, Due.DISPATCH))
        await drive.HANDLERS[Due.DISPATCH](made.world, DueRow(action, Due.DISPATCH, now))
        assert Due.DISPATCH not in await dues(made, action)


async def test_an_undo_that_fires_late_arms_nothing_in_a_later_state() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        await made.gateway.cancel(AGENT, new(), view.id, "x")
        await made.clock.advance(1_000)
        await drive.HANDLERS[Due.UNDO](made.world, DueRow(view.id, Due.UNDO, made.clock.now_ms()))
        assert await dues(made, view.id) == {"undo_window"}


async def test_reconciling_leaves_a_probe_that_waits_alone() -> None:
    async with lab(FAST, executor=False) as made:
        _, action = await running(made)
        await made.clock.advance(5_600)
        await reconcile(made.world)
        assert await dues(made, action) == {"probe"}
