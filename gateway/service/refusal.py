"""What becomes of work whose grant an executor refused."""

from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.ports import ActionRow, Tx
from gateway.service.common import foreign, in_flight
from gateway.service.halt import halted
from gateway.service.record import LeafBody, Recorder
from gateway.service.report import reason_code
from gateway.service.reports import RefusalReport
from gateway.service.settle import Case, Choice, settle
from gateway.service.world import World

_AGAIN_MS = 30_000
"""How long an undo that was refused waits: what makes an executor refuse does not mend itself in a second."""


async def refusal_reported(
    world: World, action: str, purpose: str, fence: int, instance: str, body: RefusalReport
) -> None:
    """Record that an executor's own check of a grant failed: a grant to act dies, and security is told.

    What was begun with its decision, under this fence, ends: the executor that has leave says that it did nothing.
    A second copy of work that has begun is refused by its fence, as it should be: that ends nothing and alarms nobody.
    """
    code = reason_code(body.code)
    finding = (K.SECURITY, {"finding": "GRANT_CHECK_FAILED", "code": code, "purpose": purpose})
    refusal = (K.REFUSAL, {"code": code, "detail": world.redactor.text(body.detail), "purpose": purpose})

    def choose(tx: Tx, case: Case) -> Choice | None:
        if _is_copy(case.row, purpose, fence, code):
            return None
        match case.state, purpose:
            case State.GRANTED, "apply":
                return Choice(Event.REFUSE, None, (refusal, finding), reason=code)
            case State.EXECUTING, "apply" if not in_flight(case) or _has_leave(tx, case, fence, instance):
                return halted(world, tx, case, code, why=(refusal, finding))
            case State.UNDOING, "undo":
                return _undo_later(world, case, code, (refusal, finding))
            case _:
                return None

    if await settle(world, action, choose) is None:
        await world.store.write(lambda tx: _note(world, tx, action, purpose, fence, (refusal, finding)))


def _undo_later(world: World, case: Case, code: str, told: tuple[LeafBody, ...]) -> Choice:
    attempt = (K.ATTEMPT, {"purpose": "undo", "fence": case.row.fence, "code": code, "status": "refused"})

    def also(_: Tx, recorder: Recorder) -> None:
        recorder.due(Due.UNDO, world.clock.now_ms() + _AGAIN_MS)

    return Choice(Event.UNDO_FAILED, Guard.TRANSIENT, (attempt, *told), reason=case.row.reason, also=also)


def _note(world: World, tx: Tx, action: str, purpose: str, fence: int, leaves: tuple[LeafBody, LeafBody]) -> None:
    recorder = Recorder.load(world, tx, action)
    for kind, body in leaves[:1] if _is_copy(recorder.row, purpose, fence, str(leaves[0][1]["code"])) else leaves:
        recorder.note(kind, body)


def _has_leave(tx: Tx, case: Case, fence: int, instance: str) -> bool:
    """Tell whether it is this executor that has leave for a plain read: then nobody else is at it."""
    return case.proposal.reads and case.row.fence == fence and not foreign(tx, case, fence, "apply", instance)


def _is_copy(row: ActionRow, purpose: str, fence: int, code: str) -> bool:
    """Tell whether what was refused is an attempt whose fence was taken already: it was handed out twice."""
    return code == "GRANT_FENCE" and purpose in {"apply", "undo"} and fence <= row.fence
