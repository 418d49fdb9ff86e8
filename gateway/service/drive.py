"""The driver: due rows are all there is to resume from; late ones fire at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import OPEN, Due, Event, State
from gateway.core.timers import fits
from gateway.crash import point
from gateway.errors import Edited, StoreFault
from gateway.ports import ActionRow, DueRow, Tx
from gateway.service.control import open_rows
from gateway.service.dispatch import ask_to_apply, ask_to_probe, attempt_lost, resume
from gateway.service.drift import drift_due
from gateway.service.leases import lease_ended
from gateway.service.observe import ask_to_observe, observation_late
from gateway.service.reconcile import reconcile
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
_AFTER_FAULT_MS = 1_000
_HANDLER_S = 30.0
"""How long one timer may take, in real time: a signer that hangs must not stop all others."""
_FAR_MS = 2**53
_STATES = frozenset(State)

Handler = Callable[[World, DueRow], Awaitable[None]]


class Driver:
    """Fire what is due; every handler may run twice, because its process may die after it acted."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self) -> None:
        """Drive for ever."""
        next_reconcile = 0
        while True:
            self._world.bus.driver.clear()
            self._world.bus.fires_ms = 0
            try:
                if not await self.fire():
                    await self._wait(next_reconcile)
                if self._world.clock.now_ms() >= next_reconcile:
                    await reconcile(self._world)
                    next_reconcile = self._world.clock.now_ms() + self._world.settings.timing.reconcile_ms
            except (Edited, StoreFault) as exc:
                # A full disk refuses every change; when there is room again, what is due fires.
                _LOG.error("the store does not answer, the driver waits: %s", exc)
                await self._world.clock.sleep_until(self._world.clock.now_ms() + _AFTER_FAULT_MS)

    async def fire(self) -> bool:
        """Claim and handle what is due now; tells whether there was anything."""
        now = self._world.clock.now_ms()
        nearest = await self._world.store.read(lambda tx: tx.next_due_ms())
        if nearest is None or nearest > now:
            return False
        rows = await self._world.store.write(lambda tx: _claim(tx, now))
        await asyncio.gather(*(self._handle(row) for row in rows))
        return True

    async def _handle(self, row: DueRow) -> None:
        try:
            async with asyncio.timeout(_HANDLER_S):
                await HANDLERS[Due(row.kind)](self._world, row)
        except Exception:  # noqa: BLE001  # as said below
            # Whatever is wrong with one action must not keep the others from being taken back. The claim runs out
            # and the row fires again: nothing is lost, and it is said each time.
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


def _claim(tx: Tx, now_ms: int) -> list[DueRow]:
    """Claim what is due; a timer that means nothing in the state of its action is forgotten."""
    rows = []
    for due in tx.claim_due(now_ms, now_ms + _CLAIM_MS, _BATCH):
        action = tx.action(due.action)
        if action is not None and action.state not in _STATES:
            _LOG.error("timer %s of %s: its row was edited, %r is no state", due.kind, due.action, action.state)
        elif action is not None and fits(due.kind, State(action.state)):
            rows.append(due)
        else:
            tx.delete_due(due.action, due.kind)
    return rows


def _again(world: World, tx: Tx, due: DueRow) -> ActionRow | None:
    """Arm a timer that offers work once more; None when it was taken back since it fired."""
    action = tx.action(due.action)
    if action is None or due.kind not in {d.kind for d in tx.due_of(due.action)}:
        return None
    tx.put_due(DueRow(due.action, due.kind, offer_again_ms(world, action.audience)))
    return action


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
    action = await world.store.write(lambda tx: _again(world, tx, row))
    if action is None or not world.hub.serves(action.audience):
        return
    if action.state in {State.PROPOSED, State.AWAITING_APPROVAL}:
        await ask_to_observe(world, row.action)
    elif action.state == State.GRANTED:
        await ask_to_apply(world, row.action)
    else:
        await resume(world, row.action)


async def _expire(world: World, row: DueRow) -> None:
    event, state = {
        Due.APPROVAL_TTL: (Event.APPROVAL_TTL, State.AWAITING_APPROVAL),
        Due.GRANT_EXPIRY: (Event.GRANT_EXPIRY, State.GRANTED),
    }[Due(row.kind)]

    def choose(_: Tx, case: Case) -> Choice | None:
        if case.state is not state:
            return None
        absent = row.kind == Due.GRANT_EXPIRY and not world.hub.serves(case.row.audience)
        code = "EXECUTOR_ABSENT" if absent else row.kind.upper()
        return Choice(event, None, ((K.EXPIRY, {"timer": row.kind, "reason": code}),), reason=code)

    await settle(world, row.action, choose)


async def _attempt_deadline(world: World, row: DueRow) -> None:
    await attempt_lost(world, row.action)


async def _sample(world: World, row: DueRow) -> None:
    await ask_to_sample(world, row.action)


async def _verify_deadline(world: World, row: DueRow) -> None:
    await verification_late(world, row.action)


async def _lease_end(world: World, row: DueRow) -> None:
    point("lease_due", "gateway")
    await lease_ended(world, row)


async def _undo(world: World, row: DueRow) -> None:
    if await world.store.write(lambda tx: _again(world, tx, row)) is not None:
        await ask_to_undo(world, row.action)


async def _undo_deadline(world: World, row: DueRow) -> None:
    await undo_deadline(world, row.action)


async def _drift(world: World, row: DueRow) -> None:
    await drift_due(world, row.action)


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
    Due.DRIFT: _drift,
}
