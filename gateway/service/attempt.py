"""BeginAttempt: one transaction that lets an attempt touch a target, or says why not (DESIGN §5).

What commits before it wins: a stop, a withdrawal or a cancellation that is on disk is seen here; what comes later is an
abort.
"""

from gateway.core.dsse import Envelope
from gateway.core.grant import Purpose
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.core.statement import Statement
from gateway.crash import point
from gateway.ports import ActionRow, StepRow, Tx
from gateway.service.context import covers
from gateway.service.proposal import Proposal
from gateway.service.query import read_proposal
from gateway.service.record import Recorder
from gateway.service.views import WorkView
from gateway.service.world import World

_READING = {Purpose.OBSERVE, Purpose.PROBE, Purpose.SAMPLE}
_IN_STATE = {
    Purpose.OBSERVE: {State.PROPOSED, State.AWAITING_APPROVAL},
    Purpose.PROBE: {State.EXECUTING},
    Purpose.SAMPLE: {State.VERIFYING},
    Purpose.APPLY: {State.GRANTED, State.EXECUTING},
    Purpose.UNDO: {State.UNDOING},
}


async def begin_attempt(
    world: World, *, work_id: str, action: str, purpose: str, nonce: str, fence: int, instance: str
) -> tuple[bool, str]:
    """Return (begun, reason); begun only once the intent is on disk."""
    work = world.hub.work(work_id, action)
    if work is None or work.purpose != purpose:
        return False, "WORK_UNKNOWN"
    point("before_intent", "gateway")
    reason = await world.store.write(
        lambda tx: _begin(world, tx, work, Purpose(purpose), nonce=nonce, fence=fence, instance=instance)
    )
    point("begin_attempt", "gateway")
    if reason:
        world.hub.finish(work_id)
    world.bus.changed(action)
    return not reason, reason


def _begin(  # noqa: C901, PLR0911  # numbered checks, one return each
    world: World, tx: Tx, work: WorkView, purpose: Purpose, *, nonce: str, fence: int, instance: str
) -> str:
    """Return the reason code of the first check that failed, or an empty string once begun."""
    now = world.clock.now_ms()
    recorder = Recorder.load(world, tx, work.action)
    row = recorder.row
    # 1. The action is in a state in which this purpose makes sense.
    if recorder.state not in _IN_STATE[purpose]:
        return row.reason if recorder.state is State.REVOKED else "STATE_CHANGED"
    # 2. The work and its grant are still in time.
    if now >= work.deadline_ms:
        return "WORK_EXPIRED"
    predicate = Statement.from_bytes(Envelope.from_bytes(work.grant).payload).predicate
    if now >= int(predicate["expires"]):
        return "GRANT_EXPIRED"
    # 3. The nonce is the one that was signed, and was never used for this purpose under this fence.
    if nonce != predicate["nonce"] or not tx.consume_nonce(row.id, purpose, nonce, fence):
        return "NONCE_REPLAYED"
    if purpose in _READING:
        return ""
    # 4. The fence is the next one; a lower one belongs to an attempt that was given up.
    if fence != row.fence + 1 or fence != work.fence:
        return "FENCE_STALE"
    proposal = read_proposal(tx, row)
    if purpose is Purpose.UNDO:
        return _begin_undo(world, tx, recorder, fence, instance)
    # 5. The policy revision lives, and no switch forbids it.
    forbidden = _forbidden(tx, row, proposal)
    if forbidden:
        return forbidden
    # 6. Every target is ours.
    holder = _lock(tx, row.id, proposal)
    if holder:
        if recorder.state is State.GRANTED:
            recorder.due(Due.DISPATCH, now + world.settings.timing.redispatch_ms)
        return f"TARGET_BUSY{{{holder}}}"
    _begin_apply(world, tx, recorder, work, fence, instance)
    return ""


def _forbidden(tx: Tx, row: ActionRow, proposal: Proposal) -> str:
    if tx.revisions().get(row.revision) == "withdrawn":
        return "REVISION_WITHDRAWN"
    for switch in tx.switches():
        if covers(switch, row.agent, proposal):
            return "GATEWAY_STOPPED" if switch.kind == "stop" else "GATEWAY_FROZEN"
    return ""


def _lock(tx: Tx, action: str, proposal: Proposal) -> str:
    """Take every lock in sorted order; returns the holder of the first that is busy, releasing what was taken."""
    if proposal.reads:
        return ""
    before = {t for t, holder in tx.locks().items() if holder == action}
    for target in proposal.targets:
        holder = tx.lock(target, action)
        if holder is not None:
            if not before:
                tx.unlock(action)
            return holder
    return ""


def _begin_apply(world: World, tx: Tx, recorder: Recorder, work: WorkView, fence: int, instance: str) -> None:
    now = world.clock.now_ms()
    step = work.first_step
    attempt = (K.ATTEMPT, {"purpose": "apply", "fence": fence, "instance": instance, "at_ms": now})
    intent = (K.INTENT, {"step": step, "fence": fence})
    tx.put_step(StepRow(recorder.row.id, step, "intended", fence))
    tx.delete_due(recorder.row.id, Due.DISPATCH)
    tx.delete_due(recorder.row.id, Due.GRANT_EXPIRY)
    # Arm before apply: whatever is lost from here on, this timer finds out what happened.
    recorder.due(Due.ATTEMPT_DEADLINE, work.deadline_ms + world.settings.timing.attempt_margin_ms)
    recorder.advance(Event.BEGIN_ATTEMPT, Guard.HOLDS, attempt, intent, fence=fence)
    recorder.save()


def _begin_undo(world: World, tx: Tx, recorder: Recorder, fence: int, instance: str) -> str:
    """Begin an undo: it ignores withdrawal and stop, since what was begun can be taken back; a freeze forbids it."""
    row = recorder.row
    if any(s.kind == "freeze" and covers(s, row.agent, read_proposal(tx, row)) for s in tx.switches()):
        return "GATEWAY_FROZEN"
    now = world.clock.now_ms()
    attempt = (K.ATTEMPT, {"purpose": "undo", "fence": fence, "instance": instance, "at_ms": now})
    timing = world.settings.timing
    recorder.due(Due.UNDO, now + timing.attempt_ms + timing.attempt_margin_ms)
    recorder.advance(Event.BEGIN_ATTEMPT, Guard.HOLDS, attempt, fence=fence, reason=row.reason)
    recorder.save()
    return ""
