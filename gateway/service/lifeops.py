"""What agents and people do with an action that exists, from cancelling it to resolving it."""

from gateway.core.finding import Cap, Verdict
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Event, Guard, State
from gateway.core.principal import Principal
from gateway.errors import Forbidden, InvalidRequest, Precondition
from gateway.ports import Tx
from gateway.service.again import Asked, ask_again
from gateway.service.common import ABORT_REQUESTED, halts, in_flight, page, pending_undo, undo_known, wrote_any
from gateway.service.halt import halted
from gateway.service.operate import must_be_free, not_now, operate, relock
from gateway.service.people import answers_for, people_only
from gateway.service.recheck import recheck_until_ms, rechecks, start_recheck
from gateway.service.record import Recorder
from gateway.service.settle import Case, Choice
from gateway.service.views import ActionView
from gateway.service.world import World


async def cancel(world: World, principal: Principal, request_id: str, action: str, reason: str) -> ActionView:
    """Cancel what has not begun; ask what runs to stop and be taken back; undo what is being verified."""
    who = {"by": principal.id, "reason": reason}

    def choose(tx: Tx, case: Case) -> Choice:
        match case.state:
            case State.AWAITING_APPROVAL | State.GRANTED:
                return Choice(Event.CANCEL, None, ((K.CANCELLATION, who),), reason="CANCELLED")
            case State.EXECUTING if in_flight(case):
                return Choice(Event.ABORT, Guard.IN_FLIGHT, ((K.ABORT, who),), reason=ABORT_REQUESTED)
            case State.EXECUTING:
                return halted(world, tx, case, "ABORTED", why=((K.ABORT, who),))
            case State.VERIFYING if undo_known(world, tx, case):
                leaves = ((K.ABORT, who), (K.UNDO_INTENT, {"cause": "aborted"}))
                return Choice(Event.ABORT, Guard.UNDO_KNOWN, leaves, reason="ABORTED")
            case State.VERIFYING:
                return Choice(Event.ABORT, Guard.UNDO_NONE, ((K.ABORT, who), page(case, "ABORTED")), reason="ABORTED")
            case _:
                raise not_now(case, "cancelled")

    return await operate(world, principal, request_id, action, {"cancel": reason}, choose)


async def rollback(world: World, principal: Principal, request_id: str, action: str, reason: str) -> ActionView:
    """Take a committed change back inside its undo window, if the policy in force allows it.

    The undo grant that it was committed with still stands. While a freeze covers it the answer is no, and recorded:
    nothing starts under a freeze.
    """

    def possible(tx: Tx, case: Case) -> None:
        if case.state is not State.COMMITTED or world.clock.now_ms() >= case.row.undo_until_ms:
            raise not_now(case, "rolled back")
        if not undo_known(world, tx, case) or not wrote_any(case.proposal, case.statuses):
            raise Precondition("UNDO_UNKNOWN", "this action has nothing that can be taken back", action=case.row.id)
        must_be_free(tx, case)

    def caps(tx: Tx, case: Case) -> list[Cap]:
        return [Cap("GATEWAY_FROZEN", Verdict.DENY)] if halts(world, tx, case).frozen else []

    def allowed(_: Tx, __: Case) -> Choice:
        intent = (K.UNDO_INTENT, {"cause": "rollback", "by": principal.id})
        return Choice(Event.ROLLBACK, Guard.ALLOWED, (intent,), reason="ROLLBACK", also=relock)

    asked = Asked(principal, request_id, action, "rollback", {"rollback": reason}, possible, caps, reason)
    return await ask_again(world, asked, allowed)


async def resolve(
    world: World, principal: Principal, request_id: str, action: str, resolution: str, comment: str
) -> ActionView:
    """End NEEDS_HUMAN: kept, undone by hand, or try the undo again; by a person who does not answer for the agent."""
    people_only(principal)
    body = {"by": principal.id, "resolution": resolution, "comment": comment}

    def choose(tx: Tx, case: Case) -> Choice:
        if case.state is not State.NEEDS_HUMAN:
            raise not_now(case, "resolved")
        if answers_for(principal, case.row):
            raise Forbidden("OWNER_MAY_NOT", "whoever answers for the agent may not resolve its actions")
        match resolution:
            case "kept" | "undone_by_hand":
                code, leaf = resolution.upper(), (K.RESOLUTION, body)
                return Choice(Event.RESOLVE, Guard(resolution), (leaf,), reason=code, cause=code)
            case "retry_undo":
                return _retry_undo(world, tx, case, principal, body)
            case _:
                raise InvalidRequest("RESOLUTION_UNKNOWN", "resolution is kept, undone_by_hand or retry_undo")

    return await operate(world, principal, request_id, action, {"resolve": resolution, "comment": comment}, choose)


def _retry_undo(world: World, tx: Tx, case: Case, principal: Principal, body: dict[str, str]) -> Choice:
    if halts(world, tx, case).frozen:
        raise Precondition("GATEWAY_FROZEN", "a freeze covers this action: nothing starts until it is lifted")
    must_be_free(tx, case)
    leaves = ((K.UNDO_INTENT, {"cause": "retry", "by": principal.id}), (K.RESOLUTION, body))

    def also(tx: Tx, recorder: Recorder) -> None:
        relock(tx, recorder)
        if not pending_undo(case) and rechecks(world, tx, case.row.id):
            start_recheck(world, tx, recorder, case, recheck_until_ms(world, tx, case))

    return Choice(Event.RETRY_UNDO, None, leaves, reason="RETRY_UNDO", also=also)


async def acknowledge(world: World, principal: Principal, request_id: str, action: str, mark: str) -> ActionView:
    """Score a suggestion: would_do, did_it or wrong."""
    people_only(principal)

    def choose(_: Tx, case: Case) -> Choice:
        if case.state is not State.SHADOWED:
            raise not_now(case, "acknowledged")
        if mark not in {"would_do", "did_it", "wrong"}:
            raise InvalidRequest("MARK_UNKNOWN", "mark is would_do, did_it or wrong")
        leaf = (K.ACKNOWLEDGEMENT, {"by": principal.id, "answer": mark})
        return Choice(Event.ACKNOWLEDGE, Guard(mark), (leaf,), reason=mark.upper())

    return await operate(world, principal, request_id, action, {"acknowledge": mark}, choose)
