"""Mend what a crash may have left: open actions without their timers, freezes that did not reach everything."""

import logging
from collections.abc import Mapping

from gateway.core.kinds import LeafKind
from gateway.core.lifecycle import OPEN, Due, State, timers
from gateway.errors import Edited
from gateway.ports import ActionRow, DueRow, Tx
from gateway.service.absent import tell_absent
from gateway.service.approval_request import current_request
from gateway.service.control import freeze_open, open_rows
from gateway.service.recorded import told
from gateway.service.world import World

_LOG = logging.getLogger(__name__)


async def reconcile(world: World) -> None:
    """Give every open action the timers without which it could wait for ever; at start, and ever again."""

    def unit(tx: Tx) -> int:
        armed = 0
        for row in open_rows(tx, *OPEN):
            for kind in _missing(row, {d.kind for d in tx.due_of(row.id)}):
                try:
                    tx.put_due(DueRow(row.id, kind, _due_ms(world, tx, row, kind)))
                except Edited as exc:
                    _LOG.error("%s has no timer %s, and nothing tells when: %s", row.id, kind, exc)
                else:
                    armed += 1
        return armed

    world.hub.expire(world.clock.now_ms() - world.settings.timing.reconcile_ms)
    armed = await world.store.write(unit)
    if armed:
        _LOG.warning("%d timers were missing and have been set", armed)
    await freeze_open(world)
    await tell_absent(world)


def _missing(row: ActionRow, have: set[str]) -> list[str]:
    state = State(row.state)
    needed: set[str] = {*timers(state)}
    if state in {State.PROPOSED, State.GRANTED}:
        needed.add(Due.DISPATCH)
    if state is State.VERIFYING and row.lease_end_ms:
        needed.add(Due.LEASE_END)
    if Due.PROBE in have:
        needed.discard(Due.ATTEMPT_DEADLINE)  # its attempt is over; the probe finds out what it did
    return sorted(needed - have)


def _due_ms(world: World, tx: Tx, row: ActionRow, kind: str) -> int:
    """Return when a missing timer would have fired; now, where nothing tells."""
    timing = world.settings.timing
    match kind:
        case Due.APPROVAL_TTL if (asked := current_request(tx, row.id)) is not None:
            return asked.expires_ms
        case Due.GRANT_EXPIRY | Due.VERIFY_DEADLINE:
            return _told_ms(tx, row, *_TOLD[Due(kind)]) or world.clock.now_ms()
        case Due.OBSERVE_DEADLINE:
            return row.updated_ms + timing.observe_ms
        case Due.LEASE_END:
            return row.lease_end_ms
        case Due.UNDO_DEADLINE:
            return row.updated_ms + timing.undo_deadline_ms
        case _:
            return world.clock.now_ms()


_TOLD: Mapping[Due, tuple[LeafKind, str]] = {
    Due.GRANT_EXPIRY: (LeafKind.GRANT, "expires_ms"),
    Due.VERIFY_DEADLINE: (LeafKind.OUTCOME, "deadline_ms"),
}


def _told_ms(tx: Tx, row: ActionRow, kind: LeafKind, name: str) -> int:
    """Return when something ends, as the newest leaf of a kind says; 0 where it does not."""
    ends = (body.get(name) for body in told(tx, row.id, kind, 1))
    return next((at_ms for at_ms in ends if isinstance(at_ms, int)), 0)
