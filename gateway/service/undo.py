"""Undo: one path for every rollback, in reverse order, under the undo grant that was signed with the action."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.core.canonical import Json, canonical, loads_strict
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.core.undo import Way, compare, fields_of
from gateway.crash import point
from gateway.errors import InvalidRequest
from gateway.ports import Tx
from gateway.service.common import foreign, page, pending_undo
from gateway.service.mishaps import MEANT
from gateway.service.progress import edits_of, note_edits, progress_of, redacted, tell
from gateway.service.readback import written
from gateway.service.recheck import ask_to_recheck, recheck_until_ms, rechecks, start_recheck, wants_recheck
from gateway.service.record import Recorder
from gateway.service.regrant import lasting
from gateway.service.report import reason_code
from gateway.service.reports import UndoReport
from gateway.service.sealed import open_json, open_sealed
from gateway.service.settle import Case, Choice, read_case, settle
from gateway.service.supersede import way_back
from gateway.service.work import make_work, offer
from gateway.service.world import World

_BACKOFF_MS = (500, 1_000, 2_000, 5_000, 10_000, 30_000)


async def ask_to_undo(world: World, action: str) -> None:
    """Send the undo to an executor under the next fence; the undo timer offers it again until it is done."""

    def load(tx: Tx) -> tuple[Case, bytes, bytes, bytes, bytes, bool] | None:
        row = tx.action(action)
        if row is None or row.state != State.UNDOING:
            return None
        case = read_case(tx, row)
        grant, snapshot = way_back(world, tx, action)
        plan = open_sealed(world, tx, action, "plan") or b""
        progress = progress_of(world, tx, action, len(case.proposal.steps))
        return case, grant, plan, snapshot, progress, rechecks(world, tx, action)

    loaded = await world.store.read(load)
    if loaded is None:
        return
    case, grant, plan, snapshot, progress, again = loaded
    pending = pending_undo(case)
    if not pending and again:
        await ask_to_recheck(world, action)
        return
    if not pending:
        await _finish_empty(world, action)
        return
    grant = await lasting(world, action, grant)
    work = make_work(
        world, case.row, "undo", grant=grant, plan=plan, fence=case.row.fence + 1, snapshot=snapshot,
        first_step=pending[0], progress=progress,
    )  # fmt: skip
    if offer(world, case.row, work):
        point("undo_sent", "gateway")


async def undo_reported(world: World, action: str, fence: int, instance: str, body: UndoReport) -> tuple[bool, str]:
    """Record the outcome of taking one step back; returns (proceed, reason).

    Steps that do not stand (reads, and what is taken back already) are passed by, whatever is said about them.
    """
    if body.status == "undone":
        point("undone_unreported", "gateway")
    stale, more = "", False
    said = replace(body, code=reason_code(body.code))

    def choose(tx: Tx, case: Case) -> Choice | None:
        nonlocal stale, more
        stale = "REPORT_FOREIGN" if foreign(tx, case, fence, "undo", instance) else _stale(case, fence, said)
        more = bool(pending_undo(case)[1:])
        if stale:
            return None
        if said.status != "undone":
            return _failed(world, tx, case, fence, said)
        equal = _restored(world, tx, case, said)
        if equal is False:
            return _failed(world, tx, case, fence, replace(said, status="conflict", code="READ_BACK_DIFFERS"))
        return _undone(world, tx, case, fence, said, equal)

    state = await settle(world, action, choose)
    if state is None:
        return stale in {"REPORT_REPEATED", "STEP_NOT_APPLIED"}, stale
    return more and state is State.UNDOING and body.status == "undone", ""


def _stale(case: Case, fence: int, body: UndoReport) -> str:
    """Return why a report changes nothing, or an empty string."""
    if case.state is not State.UNDOING or case.row.fence != fence:
        return "FENCE_STALE"
    pending = pending_undo(case)
    if body.step in pending:
        return "" if body.step == pending[0] else "STEP_UNEXPECTED"
    return "REPORT_REPEATED" if case.statuses.get(body.step) == "undone" else "STEP_NOT_APPLIED"


def _restored(world: World, tx: Tx, case: Case, body: UndoReport) -> bool | None:
    """Compare what was read back with the snapshot, field by field; None when they share no field."""
    back = _json(body.read_back)
    before = fields_of(loads_strict(way_back(world, tx, case.row.id)[1])["steps"][body.step])
    shared = sorted(back.keys() & before.keys()) if isinstance(back, Mapping) else []
    if not shared:
        return None
    old = {k: before[k] for k in shared}
    return compare(old, old, back).way is Way.ALREADY


def _undone(world: World, tx: Tx, case: Case, fence: int, body: UndoReport, equal: bool | None) -> Choice:  # noqa: FBT001
    read_back = (K.READ_BACK, {"step": body.step, "equal": equal, "read_back": _json(body.read_back)})
    guard = Guard.MORE if pending_undo(case)[1:] else Guard.RECHECK if wants_recheck(world, tx, case) else Guard.LAST
    counted = guard is not Guard.MORE and case.row.reason not in MEANT
    until_ms = recheck_until_ms(world, tx, case) if guard is Guard.RECHECK else 0
    told = {"counted": True} if counted else {}
    deadline = {"deadline_ms": until_ms} if until_ms else {}
    outcome = (K.UNDO_OUTCOME, {"step": body.step, "status": "undone", "fence": fence, "code": body.code,
                                **told, **deadline})  # fmt: skip

    def also(tx: Tx, recorder: Recorder) -> None:
        if edits_of(_json(body.read_back)):  # told with the try before, which put them on record
            tell(world, tx, case.row.id, body.step, f"taken back: {body.detail}")
        if counted:
            tx.note_undone(case.row.id, recorder.row.updated_ms)
        if until_ms:
            start_recheck(world, tx, recorder, case, until_ms)

    return Choice(
        Event.STEP_UNDONE, guard, (outcome, read_back), cause=case.row.reason or "undo",
        reason=case.row.reason, statuses={body.step: "undone"}, code=body.code, also=also,
    )  # fmt: skip


def _failed(world: World, tx: Tx, case: Case, fence: int, body: UndoReport) -> Choice:
    detail = world.redactor.text(body.detail)
    edits = edits_of(_json(body.read_back)) or _edited(world, tx, case, body)
    told = {"edits": [redacted(world, each) for each in edits]} if edits else {}
    outcome = (K.UNDO_OUTCOME, {"step": body.step, "status": body.status, "fence": fence, "code": body.code,
                                "detail": detail} | told)  # fmt: skip
    if body.status == "retry":
        attempt = (K.ATTEMPT, {"purpose": "undo", "fence": fence, "code": body.code, "status": "retry"})

        def again(tx: Tx, recorder: Recorder) -> None:
            if edits:  # on record with this leaf: the next try may delete what they were made to
                note_edits(world, tx, case.row.id, body.step, edits)
                tell(world, tx, case.row.id, body.step, body.detail, edits)
            wait = _BACKOFF_MS[min(case.row.fence, len(_BACKOFF_MS)) - 1]
            recorder.due(Due.UNDO, world.clock.now_ms() + wait)

        return Choice(Event.UNDO_FAILED, Guard.TRANSIENT, (attempt, outcome), reason=case.row.reason, also=again)
    code = body.code or ("UNDO_CONFLICT" if body.status == "conflict" else "UNDO_IMPOSSIBLE")
    if body.status == "conflict":
        conflict = (K.CONFLICT, {"step": body.step, "code": code, "theirs": _json(body.read_back), "detail": detail}
                    | ({"ours": {str(e["path"]): e.get("was") for e in edits}} if edits else {}))  # fmt: skip
        return Choice(
            Event.UNDO_FAILED, Guard.EDITED, (conflict, outcome, page(case, code)), reason=code,
            also=lambda tx, _: tell(world, tx, case.row.id, body.step, f"not taken back: {body.detail}", edits),
        )  # fmt: skip
    return Choice(Event.UNDO_FAILED, Guard.IMPOSSIBLE, (outcome, page(case, code)), reason=code)


def _edited(world: World, tx: Tx, case: Case, body: UndoReport) -> list[Mapping[str, Json]]:
    """Return the fields that hold neither what was there before nor what we wrote, as far as they were read back."""
    now = _json(body.read_back)
    if body.status != "conflict" or not isinstance(now, Mapping):
        return []
    saved = loads_strict(way_back(world, tx, case.row.id)[1])["steps"][body.step]
    seen = open_json(world, tx, case.row.id, "observation")["steps"][body.step]
    before, ours = written(saved, seen["preflight"])
    edited = [path for path in ours if path in now and now[path] not in (ours[path], before[path])]
    return [{"path": path, "ours": True, "was": ours[path], "now": now[path]} for path in sorted(edited)]


async def undo_deadline(world: World, action: str) -> None:
    """Hand an undo that took too long to people."""

    def choose(_: Tx, case: Case) -> Choice | None:
        if case.state is not State.UNDOING:
            return None
        expiry = (K.EXPIRY, {"timer": "undo_deadline", "reason": "UNDO_DEADLINE"})
        return Choice(Event.UNDO_DEADLINE, None, (expiry, page(case, "UNDO_DEADLINE")), reason="UNDO_DEADLINE")

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


def _json(data: bytes) -> Json:
    try:
        value = loads_strict(data) if data else None
        canonical(value)  # what has no canonical form cannot be recorded
    except ValueError as exc:
        raise InvalidRequest("READ_BACK_MALFORMED", f"what was read back is no JSON: {exc}") from exc
    return value
