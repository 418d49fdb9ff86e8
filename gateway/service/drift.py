"""The drift ledger: every change outside its owner in code is an entry until it is reverted, ends, or is proposed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gateway.core.canonical import canonical, digest_bytes, loads_strict
from gateway.core.drift import CodeOwner, Drift, Drifting, code_owner, drifting, proposal
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, State
from gateway.core.principal import Principal
from gateway.core.receipt import StepStatus
from gateway.errors import Edited, InvalidRequest, NotFound, Precondition
from gateway.ports import ActionRow, DriftRow, Tx
from gateway.service.once import once
from gateway.service.people import people_only
from gateway.service.progress import noted_parts
from gateway.service.proposal import Proposal
from gateway.service.record import Recorder
from gateway.service.recorded import told
from gateway.service.sealed import open_json
from gateway.service.views import DriftView
from gateway.service.world import World

_LEAVES = 512
"""How many of the newest leaves about drift of an action are looked at: it has few entries, seldom written of."""


def follow_drift(
    world: World, tx: Tx, recorder: Recorder, before: ActionRow, proposal_: Proposal,
    statuses: Mapping[int, StepStatus],
) -> None:  # fmt: skip
    """Open and close the entries of an action as its steps are applied and taken back, and as its lease changes."""
    if proposal_.reads:
        return
    if before.lease_end_ms and recorder.row.lease_end_ms != before.lease_end_ms:
        _due_again(world, tx, recorder)
    for step, status in sorted(statuses.items()):
        if status in {"applied", "partly"}:
            _open(world, tx, recorder, proposal_, step, parts=noted_parts(world, tx, recorder.row.id, step))
    undone = {step for step, status in statuses.items() if status == "undone"}
    if undone:
        how = "lease_ended" if recorder.row.reason == "LEASE_ENDED" else "reverted"
        _close(world, tx, recorder, (e for e in tx.drift_of(recorder.row.id) if e.step in undone), how)
    if recorder.state is State.RESOLVED and recorder.row.reason == "UNDONE_BY_HAND":
        _close(world, tx, recorder, tx.drift_of(recorder.row.id), "reverted")


def close_superseded(world: World, tx: Tx, recorder: Recorder) -> None:
    """Close the entries of an action that another one has overwritten; that one has its own."""
    _close(world, tx, recorder, tx.drift_of(recorder.row.id), "superseded")


async def list_drift(
    world: World, *, entry: str, open_only: bool, page_size: int, before: str
) -> tuple[list[DriftView], str]:
    """Return one entry, or a page of entries newest first with the token of the next; raises NotFound.

    An entry of a page that is not as it was recorded only says so.
    """

    def unit(tx: Tx) -> tuple[list[DriftView], str]:
        if entry:
            return [_shown(tx, _load(tx, entry))], ""
        rows = tx.drift(status="open" if open_only else "", before=before, limit=page_size + 1)
        token = rows[page_size - 1].id if len(rows) > page_size else ""
        return [_listed(tx, row) for row in rows[:page_size]], token

    return await (world.store.read if entry else world.store.scan)(unit)


async def drift_due(world: World, action: str) -> None:
    """Page on-call about entries of an action that should be closed by now; each is told once."""

    def unit(tx: Tx) -> None:
        recorder = Recorder.load(world, tx, action)
        late = [e for e in tx.drift_of(action) if e.status == "open" and e.due_ms <= world.clock.now_ms()]
        tx.delete_due(action, Due.DRIFT)
        if late:
            targets = sorted({entry.target for entry in late})
            page = {"to": "oncall", "code": "DRIFT_OVERDUE", "action": action, "targets": targets}
            recorder.note(K.NOTIFICATION, page)

    await world.store.write(unit)
    await world.bus.logged()


async def close_drift(world: World, principal: Principal, request_id: str, entry: str, reference: str) -> DriftView:
    """Close an entry whose proposal was handed to the owner; `reference` says where, and the leaf has its digest."""
    people_only(principal)
    if not reference.strip():
        raise InvalidRequest("REFERENCE_MISSING", "name the pull request or ticket that carries the proposal")

    def unit(tx: Tx) -> str:
        row = _load(tx, entry)
        if row.status != "open":
            raise Precondition("DRIFT_CLOSED", f"the entry is closed already: {row.how}", entry=entry)
        recorder = Recorder.load(world, tx, row.action)
        _close(world, tx, recorder, (row,), "proposed", by=principal.id, reference=world.redactor.text(reference))
        return entry

    await once(world, principal, request_id, {"close_drift": entry, "reference": reference}, unit)
    [view], _ = await list_drift(world, entry=entry, open_only=False, page_size=1, before="")
    return view


def _shown(tx: Tx, row: DriftRow) -> DriftView:
    """Return an entry; raises Edited when it is not the one that its newest leaf records."""
    recorded = next((b for b in told(tx, row.action, K.DRIFT, _LEAVES) if b.get("entry") == row.id), {})
    if recorded.get("row") != row.digest:
        raise Edited("DRIFT_EDITED", f"entry {row.id} of the drift ledger is not as it was recorded", subject=row.id)
    return drift_view(row)


def _listed(tx: Tx, row: DriftRow) -> DriftView:
    try:
        return _shown(tx, row)
    except Edited as exc:
        return _only_named(row, exc)


def _only_named(row: DriftRow, why: Edited) -> DriftView:
    """Return what is shown of an entry that is not as it was recorded: that it is there, and the reason."""
    return DriftView(
        id=row.id, action=row.action, step=0, target="", path="", before="null", after="null", manager="", name="",
        file="", owner="", status="edited", how=why.code, by="", reference="", opened_ms=0, due_ms=0, closed_ms=0,
        proposal="",
    )  # fmt: skip


def drift_view(row: DriftRow) -> DriftView:
    """Return an entry with the text of its proposal."""
    return DriftView(
        id=row.id, action=row.action, step=row.step, target=row.target, path=row.path, before=row.before,
        after=row.after, manager=row.manager, name=row.name, file=row.file, owner=row.owner, status=row.status,
        how=row.how, by=row.by, reference=row.reference, opened_ms=row.opened_ms, due_ms=row.due_ms,
        closed_ms=row.closed_ms, proposal=proposal(_drift(row)),
    )  # fmt: skip


def _open(world: World, tx: Tx, recorder: Recorder, proposal_: Proposal, step: int, *, parts: Sequence[str]) -> None:
    seen = open_json(world, tx, recorder.row.id, "observation")["steps"][step]
    if code_owner(seen["facts"]) is None:
        return
    objects = open_json(world, tx, recorder.row.id, "snapshot")["steps"][step].get("objects", ())
    target = str(proposal_.steps[step]["step"]["target"]["id"])
    for one in drifting(target, seen, objects, parts):
        earlier = next((e for e in tx.drift_on(one.target) if e.path == one.path), None)
        coded = one.before if earlier is None else loads_strict(earlier.before.encode())
        if coded != one.after:  # what sets a field to what code says drifts from nothing
            _put(world, tx, recorder, replace(one, before=coded), step)


def _put(world: World, tx: Tx, recorder: Recorder, one: Drifting, step: int) -> None:
    now = world.clock.now_ms()
    row = DriftRow(
        id=world.ids.new("dft"), action=recorder.row.id, step=step, target=one.target, path=one.path,
        before=canonical(one.before).decode(), after=canonical(one.after).decode(), manager=one.owner.manager,
        name=one.owner.name, file=one.owner.file, owner=one.owner.team, opened_ms=now,
        due_ms=recorder.row.lease_end_ms or now + world.settings.timing.drift_due_ms,
    )  # fmt: skip
    tx.put_drift(row)
    recorder.due(Due.DRIFT, row.due_ms)
    body = {
        "change": "opened", "entry": row.id, "step": step, "target": row.target, "path": row.path,
        "manager": row.manager, "name": row.name, "file": row.file, "owner": row.owner, "due_ms": row.due_ms,
        "before": one.before, "after": one.after, "row": row.digest,
    }  # fmt: skip
    recorder.note(K.DRIFT, body)


def _due_again(world: World, tx: Tx, recorder: Recorder) -> None:
    """Let the entries of a lease that was renewed or kept be due when it ends, or like any other."""
    due_ms = recorder.row.lease_end_ms or world.clock.now_ms() + world.settings.timing.drift_due_ms
    for row in tx.drift_of(recorder.row.id):
        if row.status == "open":
            moved = replace(row, due_ms=due_ms)
            tx.put_drift(moved)
            recorder.due(Due.DRIFT, due_ms)
            recorder.note(K.DRIFT, {"change": "due", "entry": row.id, "due_ms": due_ms, "row": moved.digest})


def _close(
    world: World, tx: Tx, recorder: Recorder, rows: Iterable[DriftRow], how: str, *, by: str = "", reference: str = ""
) -> None:
    for row in [row for row in rows if row.status == "open"]:
        closed = replace(row, status="closed", how=how, by=by, reference=reference, closed_ms=world.clock.now_ms())
        tx.put_drift(closed)
        body = {"change": "closed", "entry": row.id, "step": row.step, "target": row.target, "path": row.path,
                "how": how, "row": closed.digest}  # fmt: skip
        if by:
            text = proposal(_drift(row))
            body |= {"by": by, "reference": reference, "proposal": digest_bytes(text.encode())}
        recorder.note(K.DRIFT, body)


def _load(tx: Tx, entry: str) -> DriftRow:
    row = tx.drift_entry(entry)
    if row is None:
        raise NotFound("DRIFT_UNKNOWN", f"there is no entry {entry}")
    return row


def _drift(row: DriftRow) -> Drift:
    owner = CodeOwner(row.manager, row.name, row.file, row.owner)
    before, after = loads_strict(row.before.encode()), loads_strict(row.after.encode())
    return Drift(row.action, row.target, row.path, before, after, owner, row.opened_ms, row.due_ms)
