"""Undo: one path for every rollback, in reverse order, under the undo grant that was signed with the action."""

from gateway.core.canonical import loads_strict
from gateway.core.effect import Effect, only_reads
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.crash import point
from gateway.ports import StepRow, Tx
from gateway.service.common import page
from gateway.service.query import read_proposal
from gateway.service.record import Recorder
from gateway.service.reports import UndoReport
from gateway.service.sealed import open_sealed
from gateway.service.settle import Case, Choice, settle
from gateway.service.work import make_work, offer
from gateway.service.world import World

_BACKOFF_MS = (500, 1_000, 2_000, 5_000, 10_000, 30_000)


async def ask_to_undo(world: World, action: str) -> None:
    """Send the undo to an executor under the next fence; the undo timer offers it again until it is done."""

    def load(tx: Tx) -> tuple[Case, bytes, bytes, bytes] | None:
        row = tx.action(action)
        if row is None or row.state != State.UNDOING:
            return None
        case = Case(row, read_proposal(tx, row), {s.step: s.status for s in tx.steps(action)})
        grant = tx.document(action, "grant_undo") or b""
        plan = open_sealed(world, tx, action, "plan") or b""
        return case, grant, plan, open_sealed(world, tx, action, "snapshot") or b""

    loaded = await world.store.read(load)
    if loaded is None:
        return
    case, grant, plan, snapshot = loaded
    pending = pending_undo(case)
    if not pending:
        await _finish_empty(world, action)
        return
    work = make_work(
        world, case.row, "undo", grant=grant, plan=plan, fence=case.row.fence + 1, snapshot=snapshot,
        first_step=pending[-1],
    )  # fmt: skip
    if offer(world, case.row, work):
        point("undo_sent", "gateway")


def pending_undo(case: Case) -> list[int]:
    """Return the indexes of applied writes in the order in which they are taken back."""
    return [
        s["i"]
        for s in reversed(case.proposal.steps)
        if case.statuses.get(s["i"]) in {"applied", "unknown", "intended"}
        and not only_reads(Effect(e) for e in s["effects"])
    ]


async def undo_reported(world: World, action: str, fence: int, body: UndoReport) -> tuple[bool, str]:
    """Record the outcome of taking one step back; returns (proceed, reason)."""
    if body.status == "undone":
        point("undone_unreported", "gateway")
    stale = ""

    def choose(_: Tx, case: Case) -> Choice | None:
        nonlocal stale
        if case.state is not State.UNDOING or case.row.fence != fence:
            stale = "FENCE_STALE"
            return None
        if body.step not in pending_undo(case):
            stale = "REPORT_REPEATED" if case.statuses.get(body.step) == "undone" else "STEP_NOT_APPLIED"
            return None
        return _undone(world, case, fence, body) if body.status == "undone" else _failed(world, case, fence, body)

    state = await settle(world, action, choose)
    skipped = stale in {"REPORT_REPEATED", "STEP_NOT_APPLIED"}
    return ((state is State.UNDOING or skipped) and body.status == "undone", stale)


def _undone(world: World, case: Case, fence: int, body: UndoReport) -> Choice:
    left = [i for i in pending_undo(case) if i != body.step]
    outcome = (K.UNDO_OUTCOME, {"step": body.step, "status": "undone", "fence": fence, "code": body.code})
    read_back = (K.READ_BACK, {"step": body.step, "equal": True, "read_back": _json(body.read_back)})

    def also(tx: Tx, recorder: Recorder) -> None:
        tx.put_step(StepRow(case.row.id, body.step, "undone", fence, body.code))
        if recorder.state is State.UNDONE:
            tx.note_undone(case.row.id, world.clock.now_ms())

    return Choice(
        Event.STEP_UNDONE, Guard.MORE if left else Guard.LAST, (outcome, read_back), cause=case.row.reason or "undo",
        reason=case.row.reason, statuses={body.step: "undone"}, also=also,
    )  # fmt: skip


def _failed(world: World, case: Case, fence: int, body: UndoReport) -> Choice:
    detail = world.redactor.text(body.detail)
    outcome = (K.UNDO_OUTCOME, {"step": body.step, "status": body.status, "fence": fence, "code": body.code,
                                "detail": detail})  # fmt: skip
    if body.status == "retry":
        attempt = (K.ATTEMPT, {"purpose": "undo", "fence": fence, "code": body.code, "status": "retry"})

        def again(_: Tx, recorder: Recorder) -> None:
            wait = _BACKOFF_MS[min(case.row.fence, len(_BACKOFF_MS)) - 1]
            recorder.due(Due.UNDO, world.clock.now_ms() + wait)

        return Choice(Event.UNDO_FAILED, Guard.TRANSIENT, (attempt, outcome), reason=case.row.reason, also=again)
    code = body.code or ("UNDO_CONFLICT" if body.status == "conflict" else "UNDO_IMPOSSIBLE")

    def stop(tx: Tx, recorder: Recorder) -> None:
        tx.delete_due(recorder.row.id)

    if body.status == "conflict":
        conflict = (K.CONFLICT, {"step": body.step, "code": code, "theirs": _json(body.read_back), "detail": detail})
        return Choice(Event.UNDO_FAILED, Guard.EDITED, (conflict, outcome, page(case, code)), reason=code, also=stop)
    return Choice(Event.UNDO_FAILED, Guard.IMPOSSIBLE, (outcome, page(case, code)), reason=code, also=stop)


async def undo_deadline(world: World, action: str) -> None:
    """Hand an undo that took too long to people."""

    def choose(_: Tx, case: Case) -> Choice | None:
        if case.state is not State.UNDOING:
            return None
        expiry = (K.EXPIRY, {"timer": "undo_deadline", "reason": "UNDO_DEADLINE"})
        return Choice(
            Event.UNDO_DEADLINE, None, (expiry, page(case, "UNDO_DEADLINE")), reason="UNDO_DEADLINE",
            also=lambda tx, recorder: tx.delete_due(recorder.row.id),
        )  # fmt: skip

    await settle(world, action, choose)


async def _finish_empty(world: World, action: str) -> None:
    """Nothing is left to take back (every step was undone before a crash): the last report was lost, not its effect."""

    def choose(_: Tx, case: Case) -> Choice | None:
        if case.state is not State.UNDOING or pending_undo(case):
            return None
        last = max(case.statuses, default=0)
        outcome = (K.UNDO_OUTCOME, {"step": last, "status": "undone", "fence": case.row.fence, "code": "RECORDED"})
        read_back = (K.READ_BACK, {"step": last, "equal": True})
        return Choice(Event.STEP_UNDONE, Guard.LAST, (outcome, read_back), cause=case.row.reason or "undo",
                      reason=case.row.reason)  # fmt: skip

    await settle(world, action, choose)


def _json(data: bytes) -> object:
    return loads_strict(data) if data else None
