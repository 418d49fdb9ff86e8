"""The driver: due rows are all there is to resume from; late ones fire at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import OPEN, Due, Event, State, timers
from gateway.crash import point
from gateway.errors import CountermandError
from gateway.ports import DueRow, Tx
from gateway.service.control import open_rows
from gateway.service.dispatch import ask_to_apply, ask_to_probe, attempt_lost
from gateway.service.leases import lease_ended
from gateway.service.observe import ask_to_observe, observation_late
from gateway.service.settle import Case, Choice, settle
from gateway.service.undo import ask_to_undo, undo_deadline
from gateway.service.verify import ask_to_sample, verification_late
from gateway.service.work import offer_again_ms
from gateway.service.world import World

_LOG = logging.getLogger(__name__)
_BATCH = 64
_CLAIM_MS = 10_000
"""A claimed row is offered again after this, should its handler be lost."""
_IDLE_MS = 5_000
_FAR_MS = 2**53

Handler = Callable[[World, DueRow], Awaitable[None]]


class Driver:
    """Fire what is due; every handler may run twice, because its process may die after it acted."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self) -> None:
        """Drive for ever."""
        await self.reconcile()
        next_reconcile = self._world.clock.now_ms() + self._world.settings.timing.reconcile_ms
        while True:
            self._world.bus.driver.clear()
            self._world.bus.fires_ms = 0
            if not await self.fire():
                await self._wait(next_reconcile)
            if self._world.clock.now_ms() >= next_reconcile:
                await self.reconcile()
                next_reconcile = self._world.clock.now_ms() + self._world.settings.timing.reconcile_ms

    async def fire(self) -> bool:
        """Claim and handle what is due now; tells whether there was anything."""
        now = self._world.clock.now_ms()
        nearest = await self._world.store.read(lambda tx: tx.next_due_ms())
        if nearest is None or nearest > now:
            return False
        rows = await self._world.store.write(lambda tx: tx.claim_due(now, now + _CLAIM_MS, _BATCH))
        await asyncio.gather(*(self._handle(row) for row in rows))
        return bool(rows)

    async def _handle(self, row: DueRow) -> None:
        handler = HANDLERS[Due(row.kind)]
        try:
            await handler(self._world, row)
        except CountermandError:
            # The claim runs out and the row fires again: nothing is lost, and nothing else waits for it.
            _LOG.exception("timer %s of %s failed; it fires again", row.kind, row.action)

    async def _wait(self, until_ms: int) -> None:
        """Wait for a wake-up, or for the time of the next timer."""
        clock = self._world.clock
        self._world.bus.fires_ms = _FAR_MS  # whatever is armed while we look wakes us at once
        nearest = await self._world.store.read(lambda tx: tx.next_due_ms())
        at = min(x for x in (nearest, until_ms, clock.now_ms() + _IDLE_MS) if x is not None)
        self._world.bus.fires_ms = at
        woken = asyncio.ensure_future(self._world.bus.driver.wait())
        timer = asyncio.ensure_future(clock.sleep_until(at))
        try:
            await asyncio.wait({woken, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            timer.cancel()

    async def reconcile(self) -> None:
        """Give every open action the timers without which it could wait for ever."""

        def unit(tx: Tx) -> int:
            now, armed = self._world.clock.now_ms(), 0
            for row in open_rows(tx, *OPEN):
                have = {d.kind for d in tx.due_of(row.id)}
                for kind in sorted(timers(State(row.state)) - have):
                    tx.put_due(DueRow(row.id, kind, now))
                    armed += 1
            return armed

        self._world.hub.expire(self._world.clock.now_ms() - self._world.settings.timing.reconcile_ms)
        armed = await self._world.store.write(unit)
        if armed:
            _LOG.warning("%d timers were missing and have been set", armed)


async def _observe_deadline(world: World, row: DueRow) -> None:
    await observation_late(world, row.action)


async def hasten(world: World, audience: str) -> None:
    """Let what waited for an executor of this audience fire now."""

    def unit(tx: Tx) -> None:
        now = world.clock.now_ms()
        for row in open_rows(tx, *OPEN):
            for due in tx.due_of(row.id) if row.audience == audience else ():
                if due.kind in _OFFERS:
                    tx.put_due(DueRow(row.id, due.kind, now, due.payload))

    await world.store.write(unit)
    world.bus.driver.set()


_OFFERS = frozenset({Due.DISPATCH, Due.PROBE, Due.SAMPLE, Due.UNDO})
"""Timers that offer work; where no executor is attached they wait for one."""


async def _dispatch(world: World, row: DueRow) -> None:
    def rearm(tx: Tx) -> str:
        action = tx.action(row.action)
        if action is None or action.state not in {
            State.PROPOSED, State.AWAITING_APPROVAL, State.GRANTED, State.EXECUTING,
        }:  # fmt: skip
            tx.delete_due(row.action, row.kind)
            return ""
        tx.put_due(DueRow(row.action, row.kind, offer_again_ms(world, action.audience)))
        return action.state if world.hub.serves(action.audience) else ""

    state = await world.store.write(rearm)
    if state in {State.PROPOSED, State.AWAITING_APPROVAL}:
        await ask_to_observe(world, row.action)
    elif state:
        await ask_to_apply(world, row.action)


async def _expire(world: World, row: DueRow) -> None:
    event, state = {
        Due.APPROVAL_TTL: (Event.APPROVAL_TTL, State.AWAITING_APPROVAL),
        Due.GRANT_EXPIRY: (Event.GRANT_EXPIRY, State.GRANTED),
    }[Due(row.kind)]
    code = row.kind.upper()

    def choose(_: Tx, case: Case) -> Choice | None:
        if case.state is not state:
            return None
        return Choice(event, None, ((K.EXPIRY, {"timer": row.kind, "reason": code}),), reason=code)

    await settle(world, row.action, choose)


async def _attempt_deadline(world: World, row: DueRow) -> None:
    await world.store.write(lambda tx: tx.delete_due(row.action, row.kind))
    await attempt_lost(world, row.action)


async def _sample(world: World, row: DueRow) -> None:
    await ask_to_sample(world, row.action)


async def _verify_deadline(world: World, row: DueRow) -> None:
    await verification_late(world, row.action)


async def _lease_end(world: World, row: DueRow) -> None:
    point("lease_due", "gateway")
    await lease_ended(world, row.action)


async def _undo(world: World, row: DueRow) -> None:
    def rearm(tx: Tx) -> None:
        action = tx.action(row.action)
        if action is not None:
            tx.put_due(DueRow(row.action, row.kind, offer_again_ms(world, action.audience)))

    await world.store.write(rearm)
    await ask_to_undo(world, row.action)


async def _undo_deadline(world: World, row: DueRow) -> None:
    await undo_deadline(world, row.action)


async def _forget(world: World, row: DueRow) -> None:
    def unit(tx: Tx) -> None:
        tx.delete_sealed(row.action)
        tx.delete_due(row.action, row.kind)

    await world.store.write(unit)


HANDLERS: Mapping[Due, Handler] = {
    Due.OBSERVE_DEADLINE: _observe_deadline,
    Due.APPROVAL_TTL: _expire,
    Due.GRANT_EXPIRY: _expire,
    Due.DISPATCH: _dispatch,
    Due.ATTEMPT_DEADLINE: _attempt_deadline,
    Due.PROBE: ask_to_probe,
    Due.SAMPLE: _sample,
    Due.VERIFY_DEADLINE: _verify_deadline,
    Due.LEASE_END: _lease_end,
    Due.UNDO: _undo,
    Due.UNDO_DEADLINE: _undo_deadline,
    Due.UNDO_WINDOW: _forget,
}
