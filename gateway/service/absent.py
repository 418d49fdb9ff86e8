"""Actions that wait for an executor that is not there: on-call is told once for each, and whoever looks sees why."""

import logging

from gateway.core.kinds import LeafKind as K
from gateway.errors import Edited
from gateway.ports import Tx
from gateway.service.control import open_rows
from gateway.service.query import read_proposal
from gateway.service.record import Recorder
from gateway.service.recorded import told
from gateway.service.waiting import ABSENT, WAITING, waits_in_vain
from gateway.service.world import World

_LOG = logging.getLogger(__name__)
_PAGES = 64


async def tell_absent(world: World) -> None:
    """Page on-call for every action that waits in vain and was not told of; what waits goes on by itself."""
    rows = await world.store.scan(lambda tx: [r for r in open_rows(tx, *sorted(WAITING)) if waits_in_vain(world, r)])
    for row in rows:
        try:
            if await world.store.write(lambda tx: _tell(world, tx, row.id)):  # noqa: B023  # awaited at once
                world.bus.changed(row.id)
        except Edited as exc:
            _LOG.error("%s waits in vain, and is not as it was recorded: %s", row.id, exc)


def _tell(world: World, tx: Tx, action: str) -> bool:
    row = tx.action(action)
    if row is None or row.state not in WAITING or _told(tx, action):
        return False
    text = world.texts().of(ABSENT, {"audience": row.audience})
    page = {
        "to": "oncall", "code": ABSENT, "action": action, "targets": list(read_proposal(tx, row).targets),
        "detail": f"{text.message}; {text.remedy}",
    }  # fmt: skip
    Recorder(world, tx, row).note(K.NOTIFICATION, page)
    return True


def _told(tx: Tx, action: str) -> bool:
    return any(body.get("code") == ABSENT for body in told(tx, action, K.NOTIFICATION, _PAGES))
