"""Facts about a case and the leaves and timers that several transitions share."""

from collections.abc import Mapping

from gateway.core.effect import Effect, Undo, only_reads
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, State
from gateway.core.receipt import StepStatus
from gateway.ports import Tx
from gateway.service.context import covers
from gateway.service.proposal import Proposal
from gateway.service.record import LeafBody, Recorder
from gateway.service.settle import Case
from gateway.service.world import World

ABORT_REQUESTED = "ABORT_REQUESTED"
_UNDOABLE = {Undo.EXACT, Undo.COMPENSATING}


def halts(tx: Tx, case: Case) -> tuple[bool, bool, bool]:
    """Return (aborted, frozen, stopped) as of now."""
    kinds = {s.kind for s in tx.switches() if covers(s, case.row.agent, case.proposal)}
    return case.row.reason == ABORT_REQUESTED, "freeze" in kinds, "stop" in kinds


def wrote_any(proposal: Proposal, statuses: Mapping[int, StepStatus]) -> bool:
    """Tell whether a step that is no read was applied."""
    return any(
        statuses.get(s["i"]) == "applied" and not only_reads(Effect(e) for e in s["effects"]) for s in proposal.steps
    )


def undo_known(tx: Tx, case: Case) -> bool:
    """Tell whether every write of the plan can be taken back, by what was observed before it."""
    if tx.document(case.row.id, "grant_undo") is None:
        return False
    return all(
        Undo(s["undo"]) in _UNDOABLE for s in case.proposal.steps if not only_reads(Effect(e) for e in s["effects"])
    )


def page(case: Case, code: str) -> LeafBody:
    """Return the leaf that tells on-call; the notifier follows the log."""
    return K.NOTIFICATION, {
        "to": "oncall",
        "code": code,
        "action": case.row.id,
        "targets": list(case.proposal.targets),
    }


def arm(world: World, tx: Tx, recorder: Recorder) -> None:
    """Set the timers that the state needs; whatever else was armed for the state before is gone."""
    now, timing = world.clock.now_ms(), world.settings.timing
    match recorder.state:
        case State.UNDOING:
            tx.delete_due(recorder.row.id)
            recorder.due(Due.UNDO, now)
            recorder.due(Due.UNDO_DEADLINE, now + timing.undo_deadline_ms)
        case State.VERIFYING:
            tx.delete_due(recorder.row.id, Due.ATTEMPT_DEADLINE)
            tx.delete_due(recorder.row.id, Due.PROBE)
        case State.NEEDS_HUMAN:
            tx.delete_due(recorder.row.id)
        case _:
            pass
