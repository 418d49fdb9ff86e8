"""Write that an attempt to apply begins: by leave that an executor asks for, or together with the decision itself.

A plain read need not ask: it takes no lock and no room, and whatever could forbid it is looked at in the unit of work
that records its grant. So it is begun there, for one process of an executor that has a hand free, and the grant
says so.
"""

from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.ports import StepRow, Tx
from gateway.service.grants import FIRST_FENCE, Granted
from gateway.service.record import LeafBody, Recorder
from gateway.service.world import World


def begin(
    world: World, recorder: Recorder, *, step: int, fence: int, instance: str, deadline_ms: int,
    told: Mapping[str, Json], granted: tuple[LeafBody, ...] = (), lease_end_ms: int = 0,
) -> None:  # fmt: skip
    """Take an action into EXECUTING; whatever is lost from here on, a timer armed with it finds out what happened."""
    now, row = world.clock.now_ms(), recorder.row
    attempt = (K.ATTEMPT, {"purpose": "apply", "fence": fence, "instance": instance, "at_ms": now, **told})
    intent = (K.INTENT, {"step": step, "fence": fence})
    reason = row.reason if recorder.state is State.EXECUTING else ""
    steps = [StepRow(row.id, step, "intended", fence)]
    changes = {"fence": fence} | ({"lease_end_ms": lease_end_ms} if lease_end_ms else {})
    recorder.advance(
        Event.BEGIN_ATTEMPT, Guard.HOLDS, attempt, intent, *granted, reason=reason, journal=steps, **changes
    )
    recorder.due(Due.ATTEMPT_DEADLINE, deadline_ms + world.settings.timing.attempt_margin_ms)


def begin_at_once(world: World, tx: Tx, recorder: Recorder, granted: Granted) -> None:
    """Begin a plain read in the unit of work that granted it: a grant with leave never waits to be offered."""
    if not tx.consume_nonce(recorder.row.id, "apply", granted.nonce, FIRST_FENCE):
        raise ValueError("the nonce of a grant that was just signed was used before")
    deadline = recorder.row.updated_ms + world.settings.timing.attempt_ms
    begin(world, recorder, step=0, fence=FIRST_FENCE, instance=granted.instance, deadline_ms=deadline, told={})
