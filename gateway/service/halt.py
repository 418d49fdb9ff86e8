"""End a plan of which no step is in flight: nothing applied, taken back, or handed to people."""

from collections.abc import Mapping

from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Event, Guard, State
from gateway.core.receipt import StepStatus
from gateway.ports import Tx
from gateway.service.common import arm, halts, in_flight, next_step, page, undo_known, wrote_any
from gateway.service.record import LeafBody, Recorder
from gateway.service.settle import Case, Choice
from gateway.service.world import World

_EVENTS = {
    "ABORTED": Event.ABORT,
    "LEASE_ENDED": Event.LEASE_END,
    "GATEWAY_STOPPED": Event.STOP,
    "GATEWAY_FROZEN": Event.FREEZE,
}


def ended(world: World, tx: Tx, case: Case) -> Choice | None:
    """Return the end of a plan between two of its steps that may not go on; None for any other."""
    if case.state is not State.EXECUTING or in_flight(case):
        return None
    code = halts(world, tx, case).code
    return halted(world, tx, case, code) if code else None


def halted(
    world: World, tx: Tx, case: Case, code: str, *, status: StepStatus = "pending", why: tuple[LeafBody, ...] = ()
) -> Choice:
    """Return the transition out of EXECUTING for a reason; `status` is what is known of the next step."""
    step = next_step(case.statuses)
    statuses: Mapping[int, StepStatus] = {step: status}
    event = _EVENTS.get(code, Event.ATTEMPT_DEADLINE)
    outcome = (K.OUTCOME, {"step": step, "status": status, "fence": case.row.fence, "code": code})
    leaves: tuple[LeafBody, ...] = (outcome, *why)
    guard = Guard.NO_WRITE
    if wrote_any(case.proposal, case.statuses):
        guard = Guard.UNDO_KNOWN if undo_known(world, tx, case, statuses) else Guard.UNDO_NONE
        if halts(world, tx, case).frozen:
            event, code, leaves = Event.FREEZE, "GATEWAY_FROZEN", (outcome,)
        if guard is Guard.UNDO_KNOWN and event is not Event.FREEZE:
            leaves = (*leaves, (K.UNDO_INTENT, {"cause": "halted"}))
        else:
            leaves = (*leaves, page(case, code))

    def also(_: Tx, recorder: Recorder) -> None:
        arm(world, recorder)

    return Choice(event, guard, leaves, reason=code, statuses=statuses, also=also)
