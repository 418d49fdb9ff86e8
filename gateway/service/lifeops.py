"""What agents and people do with an action that exists, from cancelling it to resolving it."""

from collections.abc import Callable

from gateway.core.canonical import Json, digest
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.core.principal import Principal
from gateway.errors import Forbidden, InvalidRequest, NotFound, Precondition
from gateway.ports import RequestRow, Tx
from gateway.service.common import ABORT_REQUESTED, arm, page, undo_known, wrote_any
from gateway.service.decide import decision_summary
from gateway.service.once import check_request
from gateway.service.people import people_only
from gateway.service.query import action_view, read_proposal
from gateway.service.record import LeafBody, Recorder
from gateway.service.settle import Case, Choice, settle
from gateway.service.views import ActionView
from gateway.service.world import World

_Choose = Callable[[Tx, Case], Choice]


async def _operate(
    world: World, principal: Principal, request_id: str, action: str, said: Json, choose: _Choose
) -> ActionView:
    """Take the transition of one operation, once per request_id, and return the action."""
    request = digest({"action": action, "said": said})

    def chosen(tx: Tx, case: Case) -> Choice | None:
        if check_request(tx, principal, request_id, request) is not None:
            return None
        if principal.door == "agent" and case.row.agent != principal.id:
            raise NotFound("ACTION_UNKNOWN", "no such action")
        choice = choose(tx, case)

        def also(tx: Tx, recorder: Recorder) -> None:
            now = world.clock.now_ms()
            tx.put_request(RequestRow(principal.id, request_id, request, action, now))
            choice.also(tx, recorder)
            arm(world, tx, recorder)

        return Choice(
            choice.event, choice.guard, choice.leaves, reason=choice.reason, verdict=choice.verdict,
            cause=choice.cause, statuses=choice.statuses, changes=choice.changes, also=also,
        )  # fmt: skip

    await settle(world, action, chosen)
    return await get_action(world, principal, action)


async def get_action(world: World, principal: Principal, action: str) -> ActionView:
    """Return an action; an agent sees only its own. Raises NotFound."""

    def unit(tx: Tx) -> ActionView:
        row = tx.action(action)
        if row is None or (principal.door == "agent" and row.agent != principal.id):
            raise NotFound("ACTION_UNKNOWN", "no such action")
        return action_view(world, tx, row)

    return await world.store.read(unit)


async def cancel(world: World, principal: Principal, request_id: str, action: str, reason: str) -> ActionView:
    """Cancel what has not begun; ask what runs to stop and be taken back; undo what is being verified."""
    who = {"by": principal.id, "reason": reason}

    def choose(tx: Tx, case: Case) -> Choice:
        match case.state:
            case State.AWAITING_APPROVAL | State.GRANTED:
                return Choice(Event.CANCEL, None, ((K.CANCELLATION, who),), reason="CANCELLED")
            case State.EXECUTING:
                return Choice(Event.ABORT, Guard.IN_FLIGHT, ((K.ABORT, who),), reason=ABORT_REQUESTED)
            case State.VERIFYING if undo_known(tx, case):
                leaves = ((K.ABORT, who), (K.UNDO_INTENT, {"cause": "aborted"}))
                return Choice(Event.ABORT, Guard.UNDO_KNOWN, leaves, reason="ABORTED")
            case State.VERIFYING:
                return Choice(Event.ABORT, Guard.UNDO_NONE, ((K.ABORT, who), page(case, "ABORTED")), reason="ABORTED")
            case _:
                raise _not_now(case, "cancelled")

    return await _operate(world, principal, request_id, action, {"cancel": reason}, choose)


async def rollback(world: World, principal: Principal, request_id: str, action: str, reason: str) -> ActionView:
    """Take a committed change back inside its undo window; the undo grant that it was committed with still stands."""

    def choose(tx: Tx, case: Case) -> Choice:
        now = world.clock.now_ms()
        if case.state is not State.COMMITTED or now >= case.row.undo_until_ms:
            raise _not_now(case, "rolled back")
        if not undo_known(tx, case) or not wrote_any(case.proposal, dict(case.statuses)):
            raise Precondition("UNDO_UNKNOWN", "this action has nothing that can be taken back", action=case.row.id)
        _lock_again(tx, case)
        body = {"verdict": "allow", "purpose": "rollback", "by": principal.id, "reason": reason}
        leaves = ((K.DECISION, body), (K.UNDO_INTENT, {"cause": "rollback", "by": principal.id}))
        return Choice(Event.ROLLBACK, Guard.ALLOWED, leaves, reason="ROLLBACK", also=_relock)

    return await _operate(world, principal, request_id, action, {"rollback": reason}, choose)


async def renew(world: World, principal: Principal, request_id: str, action: str, lease_s: int) -> ActionView:
    """Extend a lease from now; the decision's own limits and the gateway's hold for the whole of it."""

    def choose(tx: Tx, case: Case) -> Choice:
        if case.state is not State.LEASED:
            raise _not_now(case, "renewed")
        now, timing = world.clock.now_ms(), world.settings.timing
        record = decision_summary(tx.document(case.row.id, f"decision/{case.row.decision_digest}") or b"{}")
        longest = record["requirements"]["lease"]["max_ttl_s"] or timing.lease_max_ms // 1000
        end = now + lease_s * 1000
        limit = case.row.created_ms + timing.lease_max_ms
        if not 0 < lease_s <= longest or end > limit:
            body = {"verdict": "deny", "purpose": "renew", "by": principal.id}
            return Choice(Event.RENEW, Guard.NOT_ALLOWED, ((K.DECISION, body),), reason="LEASE_TOO_LONG",
                          changes={"lease_end_ms": case.row.lease_end_ms})  # fmt: skip
        leaves: tuple[LeafBody, ...] = (
            (K.DECISION, {"verdict": "allow", "purpose": "renew", "by": principal.id}),
            (K.LEASE, {"change": "renewed", "ends_ms": end, "by": principal.id}),
        )
        return Choice(
            Event.RENEW, Guard.ALLOWED, leaves, changes={"lease_end_ms": end},
            also=lambda _, recorder: recorder.due(Due.LEASE_END, end),
        )  # fmt: skip

    return await _operate(world, principal, request_id, action, {"renew": lease_s}, choose)


async def release(world: World, principal: Principal, request_id: str, action: str) -> ActionView:
    """End a lease now; the change is taken back."""

    def choose(tx: Tx, case: Case) -> Choice:
        if case.state is not State.LEASED:
            raise _not_now(case, "released")
        _lock_again(tx, case)
        return lease_over(tx, case, Event.RELEASE, "released", principal.id)

    return await _operate(world, principal, request_id, action, {"release": True}, choose)


def lease_over(tx: Tx, case: Case, event: Event, change: str, by: str) -> Choice:
    """Return the transition that ends a lease: taken back, or handed to people where it cannot be."""
    lease = (K.LEASE, {"change": change, "by": by})
    if undo_known(tx, case):
        leaves = (lease, (K.UNDO_INTENT, {"cause": change}))
        return Choice(event, Guard.UNDO_KNOWN, leaves, reason="LEASE_ENDED", also=_relock)
    return Choice(event, Guard.UNDO_NONE, (lease, page(case, "LEASE_ENDED")), reason="LEASE_ENDED")


async def keep(world: World, principal: Principal, request_id: str, action: str) -> ActionView:
    """Keep a change for good (leased) or without waiting for its verdict (verifying); a person's decision."""
    people_only(principal)

    def choose(_: Tx, case: Case) -> Choice:
        now, timing = world.clock.now_ms(), world.settings.timing
        vote = (K.VOTE, {"subject": principal.id, "assurance": principal.assurance, "choice": "keep", "at_ms": now})
        committed = {"lease_end_ms": 0, "undo_until_ms": now + timing.undo_window_ms}
        match case.state:
            case State.VERIFYING if case.row.lease_end_ms:
                lease = (K.LEASE, {"change": "begun", "ends_ms": case.row.lease_end_ms})
                return Choice(Event.KEEP, Guard.TTL, (vote, lease), cause="kept", also=_forget_verification)
            case State.VERIFYING:
                return Choice(Event.KEEP, Guard.NO_TTL, (vote,), cause="kept", changes=committed)
            case State.LEASED:
                decision = (K.DECISION, {"verdict": "allow", "purpose": "keep", "by": principal.id})
                return Choice(Event.KEEP, None, (decision, vote), cause="kept", changes=committed)
            case _:
                raise _not_now(case, "kept")

    return await _operate(world, principal, request_id, action, {"keep": True}, choose)


async def resolve(
    world: World, principal: Principal, request_id: str, action: str, resolution: str, comment: str
) -> ActionView:
    """End NEEDS_HUMAN: kept, undone by hand, or try the undo again; by a person who does not answer for the agent."""
    people_only(principal)
    body = {"by": principal.id, "resolution": resolution, "comment": comment}

    def choose(_: Tx, case: Case) -> Choice:
        if case.state is not State.NEEDS_HUMAN:
            raise _not_now(case, "resolved")
        if principal.id == case.row.owner or case.row.owner in principal.groups:
            raise Forbidden("OWNER_MAY_NOT", "whoever answers for the agent may not resolve its actions")
        match resolution:
            case "kept":
                return Choice(Event.RESOLVE, Guard.KEPT, ((K.RESOLUTION, body),), reason="KEPT")
            case "undone_by_hand":
                return Choice(Event.RESOLVE, Guard.UNDONE_BY_HAND, ((K.RESOLUTION, body),), reason="UNDONE_BY_HAND")
            case "retry_undo":
                leaves = ((K.UNDO_INTENT, {"cause": "retry", "by": principal.id}), (K.RESOLUTION, body))
                return Choice(Event.RETRY_UNDO, None, leaves, reason="RETRY_UNDO")
            case _:
                raise InvalidRequest("RESOLUTION_UNKNOWN", "resolution is kept, undone_by_hand or retry_undo")

    return await _operate(world, principal, request_id, action, {"resolve": resolution, "comment": comment}, choose)


async def acknowledge(world: World, principal: Principal, request_id: str, action: str, mark: str) -> ActionView:
    """Score a suggestion: would_do, did_it or wrong."""
    people_only(principal)

    def choose(_: Tx, case: Case) -> Choice:
        if case.state is not State.SHADOWED:
            raise _not_now(case, "acknowledged")
        if mark not in {"would_do", "did_it", "wrong"}:
            raise InvalidRequest("MARK_UNKNOWN", "mark is would_do, did_it or wrong")
        leaf = (K.ACKNOWLEDGEMENT, {"by": principal.id, "answer": mark})
        return Choice(Event.ACKNOWLEDGE, Guard(mark), (leaf,), reason=mark.upper())

    return await _operate(world, principal, request_id, action, {"acknowledge": mark}, choose)


def _lock_again(tx: Tx, case: Case) -> None:
    """Raise Precondition when another action holds a target; the lock itself is taken when the choice is written."""
    held = tx.locks()
    for target in case.proposal.targets:
        holder = held.get(target, case.row.id)
        if holder != case.row.id:
            raise Precondition("TARGET_BUSY", f"{target} is held by {holder}", by=holder, target=target)


def _relock(tx: Tx, recorder: Recorder) -> None:
    for target in read_proposal(tx, recorder.row).targets:
        holder = tx.lock(target, recorder.row.id)
        if holder is not None:
            raise Precondition("TARGET_BUSY", f"{target} is held by {holder}", by=holder, target=target)


def _forget_verification(tx: Tx, recorder: Recorder) -> None:
    tx.delete_due(recorder.row.id, Due.SAMPLE)
    tx.delete_due(recorder.row.id, Due.VERIFY_DEADLINE)


def _not_now(case: Case, what: str) -> Precondition:
    return Precondition("STATE_FORBIDS", f"an action in {case.state} cannot be {what}", state=case.state)
