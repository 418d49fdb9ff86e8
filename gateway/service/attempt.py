"""BeginAttempt: one transaction that lets an attempt touch a target, or says why not (DESIGN §5).

What commits before it wins: a stop, a withdrawal or a cancellation that is on disk is seen here; what comes later is an
abort.
"""

import logging
from contextlib import suppress

from gateway.core.dsse import Envelope
from gateway.core.grant import Purpose
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.core.statement import Statement
from gateway.crash import point
from gateway.errors import Edited
from gateway.ports import ActionRow, Tx
from gateway.service.begin import begin
from gateway.service.common import halts, in_flight, next_step
from gateway.service.context import SWITCH_CODE, covers, is_withdrawn
from gateway.service.grant_key import key_refusal
from gateway.service.incidents import note_write
from gateway.service.keyring import revoke_late
from gateway.service.proposal import Proposal
from gateway.service.query import read_journal, read_proposal
from gateway.service.record import LeafBody, Recorder
from gateway.service.recorded import tell_edited, unrecorded
from gateway.service.regrant import record_signed_again
from gateway.service.room import full
from gateway.service.settle import Case
from gateway.service.supersede import Inherited, inherit, take_over
from gateway.service.views import WorkView
from gateway.service.world import World

_LOG = logging.getLogger(__name__)
_READING = {Purpose.OBSERVE, Purpose.PROBE, Purpose.SAMPLE}
_IN_STATE = {
    Purpose.OBSERVE: {State.PROPOSED, State.AWAITING_APPROVAL},
    Purpose.PROBE: {State.EXECUTING},
    Purpose.SAMPLE: {State.VERIFYING, State.UNDOING},
    Purpose.APPLY: {State.GRANTED, State.EXECUTING},
    Purpose.UNDO: {State.UNDOING},
}


async def begin_attempt(
    world: World, *, work_id: str, action: str, purpose: str, nonce: str, fence: int, instance: str
) -> tuple[bool, str]:
    """Return (begun, reason); begun only once the intent is on disk."""
    work = world.hub.work(work_id, action)
    if work is None or work.purpose != purpose or world.hub.instance(work_id) != instance:
        return False, "WORK_UNKNOWN"
    inherited = None
    if purpose == "apply":
        point("before_intent", "gateway")
        with suppress(Edited):  # as told below, where it is the row or the proposal of this action
            inherited = await inherit(world, action) if work.snapshot else None
    try:
        await world.store.write(
            lambda tx: _begin(world, tx, work, Purpose(purpose), inherited, nonce=nonce, fence=fence, instance=instance)
        )
    except Edited as exc:
        world.hub.finish(work_id)
        _LOG.error("%s does not begin: %s: %s %s", action, exc.code, exc.message, dict(exc.args_))
        return False, exc.code
    except _NotBegun as exc:
        world.hub.finish(work_id)
        if exc.edited is not None:
            await tell_edited(world, exc.edited, exc.reason, purpose)
        if exc.reason.startswith("GRANT_KEY_") and purpose == "apply":
            await revoke_late(world, action)
        return False, exc.reason
    if purpose == "apply":
        world.hub.begun(action)
        point("begin_attempt", "gateway")
    world.bus.changed(action)
    world.bus.armed(world.clock.now_ms() + world.settings.timing.attempt_ms)
    return True, ""


class _NotBegun(Exception):  # noqa: N818  # an answer, not a fault
    """Why an attempt may not begin; raised inside the unit of work, so that nothing of it stays.

    `edited` is a row that is not the one that the log tells.
    """

    def __init__(self, reason: str, edited: ActionRow | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.edited = edited


def _begin(
    world: World, tx: Tx, work: WorkView, purpose: Purpose, inherited: Inherited | None, *, nonce: str, fence: int,
    instance: str,
) -> None:  # fmt: skip
    """Write the intent of an attempt; raises _NotBegun with the first check that failed."""
    recorder = Recorder.load(world, tx, work.action)
    row = recorder.row
    # 1. The action is in a state in which this purpose makes sense.
    if recorder.state not in _IN_STATE[purpose]:
        raise _NotBegun(row.reason if recorder.state is State.REVOKED else "STATE_CHANGED")
    # 2. The work, its grant and the key that signed it are still in time.
    predicate = Statement.from_bytes(Envelope.from_bytes(work.grant).payload).predicate
    _check_time(world.clock.now_ms(), work.deadline_ms, int(predicate["expires"]))
    refused = key_refusal(world, work.grant)
    if refused:
        raise _NotBegun(refused)
    # 3. The fence is the one that the work was offered under.
    if fence != work.fence:
        raise _NotBegun("FENCE_STALE")
    # 4. The nonce is the one that was signed, and was never used for this purpose under this fence.
    if nonce != predicate["nonce"] or not tx.consume_nonce(row.id, purpose, nonce, fence):
        raise _NotBegun("NONCE_REPLAYED")
    if purpose in _READING:
        return
    # 5. The row is the one that the log tells: the database alone is not believed.
    edited = unrecorded(world, tx, row)
    if edited:
        raise _NotBegun(edited, row)
    # 6. The fence is the next one; a lower one belongs to an attempt that was given up.
    if fence != row.fence + 1:
        raise _NotBegun("FENCE_STALE")
    proposal = read_proposal(tx, row)
    # 7. No switch forbids it, and (but for an undo) the policy revision lives.
    _check_allowed(tx, row, proposal, purpose)
    if purpose is Purpose.UNDO:
        _begin_undo(world, recorder, nonce, fence, instance, record_signed_again(tx, row.id, work.grant))
        return
    # 8. No step of it is in flight, and nobody asked it to end.
    _check_free(world, tx, row, proposal, work.first_step)
    # 9. There is room for one more, and every target is ours.
    _lock(world, tx, row, proposal)
    # 10. The way back that was signed is the one from here.
    granted = take_over(world, tx, row, inherited) if work.snapshot and recorder.state is State.GRANTED else ()
    if granted is None:
        raise _NotBegun("LEASE_CHANGED")
    _begin_apply(world, tx, recorder, work, proposal, granted, fence, instance)


def _check_time(now_ms: int, deadline_ms: int, expires_ms: int) -> None:
    if now_ms >= deadline_ms:
        raise _NotBegun("WORK_EXPIRED")
    if now_ms >= expires_ms:
        raise _NotBegun("GRANT_EXPIRED")


def _check_allowed(tx: Tx, row: ActionRow, proposal: Proposal, purpose: Purpose) -> None:
    """Refuse what a withdrawal or a switch forbids; an undo is stopped by a freeze only: what was begun can end."""
    undo = purpose is Purpose.UNDO
    if not undo and is_withdrawn(tx, row.revision):
        raise _NotBegun("REVISION_WITHDRAWN")
    for switch in tx.switches():
        if covers(switch, row.agent, proposal) and (switch.kind == "freeze" or not undo):
            raise _NotBegun(SWITCH_CODE[switch.kind])


def _check_free(world: World, tx: Tx, row: ActionRow, proposal: Proposal, step: int) -> None:
    """Refuse to run beside an attempt whose outcome is not known, and to go on with what was aborted."""
    case = Case(row, proposal, read_journal(tx, row.id))
    if in_flight(case) or step != next_step(case.statuses):
        raise _NotBegun("ATTEMPT_RUNNING")
    code = halts(world, tx, case).code
    if code:
        raise _NotBegun(code)


def _lock(world: World, tx: Tx, row: ActionRow, proposal: Proposal) -> None:
    """Take every lock, in sorted order, if there is room for one more change; reads need none."""
    if proposal.reads:
        return
    crowded = full(world, tx, row)
    if crowded:
        raise _NotBegun(crowded)
    for target in proposal.targets:
        holder = tx.lock(target, row.id)
        if holder is not None:
            raise _NotBegun(f"TARGET_BUSY{{{holder}}}")


def _begin_apply(
    world: World, tx: Tx, recorder: Recorder, work: WorkView, proposal: Proposal, granted: tuple[LeafBody, ...],
    fence: int, instance: str,
) -> None:  # fmt: skip
    counted = note_write(tx, recorder.row.incident) if recorder.row.incident and not proposal.reads else {}
    tx.delete_due(recorder.row.id, Due.DISPATCH)
    tx.delete_due(recorder.row.id, Due.GRANT_EXPIRY)
    lease_end_ms = 0
    asked = 0 if proposal.reads else int(proposal.doc["lease_s"])
    if asked and not recorder.row.lease_end_ms:
        # The way back is armed before the change: from its report on, the lease is counted anew.
        lease_end_ms = world.clock.now_ms() + asked * 1000
        recorder.due(Due.LEASE_END, lease_end_ms)
    begin(
        world, recorder, step=work.first_step, fence=fence, instance=instance, deadline_ms=work.deadline_ms,
        told=counted, granted=granted, lease_end_ms=lease_end_ms,
    )  # fmt: skip
    recorder.save()


def _begin_undo(
    world: World, recorder: Recorder, nonce: str, fence: int, instance: str, granted: tuple[LeafBody, ...]
) -> None:
    now, timing = world.clock.now_ms(), world.settings.timing
    attempt = (K.ATTEMPT, {"purpose": "undo", "fence": fence, "instance": instance, "at_ms": now, "nonce": nonce})
    recorder.due(Due.UNDO, now + timing.attempt_ms + timing.attempt_margin_ms)
    recorder.advance(Event.BEGIN_ATTEMPT, Guard.HOLDS, attempt, *granted, fence=fence, reason=recorder.row.reason)
    recorder.save()
