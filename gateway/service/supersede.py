"""Supersession: a change that overwrites all that an earlier one changed takes over its way back.

An action covers another when the fields that it writes, by target, contain every field that the other would restore.
Its own way back is signed before its first attempt: to the state before the other one where that was a lease (a lease
would have ended), to what was observed otherwise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gateway.core import snapshot as core
from gateway.core.canonical import Json, canonical, digest_bytes, loads_strict
from gateway.core.dsse import Envelope
from gateway.core.effect import Undo, weakest
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import State
from gateway.core.receipt import StepStatus
from gateway.core.snapshot import restored_by
from gateway.core.statement import Statement
from gateway.ports import ActionRow, Tx
from gateway.service.common import reads_only
from gateway.service.grants import sign
from gateway.service.proposal import Proposal
from gateway.service.query import read_proposal
from gateway.service.record import LeafBody, document
from gateway.service.sealed import open_json, open_sealed, put_sealed
from gateway.service.settle import Case, read_case
from gateway.service.world import World

Field = tuple[str, str]
"""(target id, path of a field)."""
_RESTORED = {Undo.EXACT, Undo.COMPENSATING}
_INHERITED, _LEASES, _GRANT = "way_back", "way_back_of", "grant_undo/inherited"


@dataclass(frozen=True, slots=True)
class Inherited:
    """A way back that ends at the state before the leases that an action is about to overwrite."""

    snapshot: bytes
    grant: bytes
    leases: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of an action: where, whether it can be taken back, and what its way back needs."""

    target: str
    restores: bool
    saved: Mapping[str, Json]


def way_back(world: World, tx: Tx, action: str) -> tuple[bytes, bytes]:
    """Return (undo grant, the snapshot that it is bound to) of an action; empty bytes when there is none.

    It ends before the leases that the action was to overwrite once it has: until then they stand for themselves.
    """
    grant = tx.document(action, _GRANT)
    leases = loads_strict(open_sealed(world, tx, action, _LEASES) or b"[]")
    if grant is not None and all(_is_superseded(tx, lease) for lease in leases):
        return grant, open_sealed(world, tx, action, _INHERITED) or b""
    return tx.document(action, "grant_undo") or b"", open_sealed(world, tx, action, "snapshot") or b""


async def inherit(world: World, action: str) -> Inherited | None:
    """Sign the way back of an action that is about to overwrite leases; None when it overwrites none."""

    def load(tx: Tx) -> tuple[frozenset[str], Json, bytes] | None:
        row = tx.action(action)
        grant = tx.document(action, "grant_undo")
        if row is None or row.state != State.GRANTED or grant is None:
            return None
        leases, snapshot = _inheritance(world, tx, row)
        return (leases, snapshot, grant) if leases else None

    loaded = await world.store.read(load)
    if loaded is None:
        return None
    leases, snapshot, grant = loaded
    data = canonical(snapshot)
    claim = Statement.from_bytes(Envelope.from_bytes(grant).payload)
    fresh = {"grantId": world.ids.new("grt"), "nonce": world.ids.nonce(), "undoPlanDigest": digest_bytes(data)}
    claim = replace(claim, predicate={**claim.predicate, **fresh})
    return Inherited(data, await sign(world, claim.to_bytes()), leases)


def take_over(world: World, tx: Tx, row: ActionRow, inherited: Inherited | None) -> tuple[LeafBody, ...] | None:
    """Store the way back with the attempt that it was signed for; None when the leases are others by now."""
    leases, _ = _inheritance(world, tx, row)
    if leases != (inherited.leases if inherited is not None else frozenset()):
        return None
    if inherited is None:
        return ()
    put_sealed(world, tx, row.id, _INHERITED, inherited.snapshot)
    put_sealed(world, tx, row.id, _LEASES, canonical(sorted(leases)))
    envelope = document(tx, row.id, _GRANT, inherited.grant)
    return ((K.GRANT, {"purpose": "undo", "undo_envelope": envelope}),)


def superseded(world: World, tx: Tx, case: Case, statuses: Mapping[int, StepStatus]) -> tuple[Case, ...]:
    """Return the actions whose every field is overwritten once these steps are applied, oldest first.

    A lease is only among them when its way back was taken over: else it has to end by itself.
    """
    if case.proposal.reads:
        return ()
    applied = [i for i, status in {**case.statuses, **statuses}.items() if status == "applied"]
    written = _fields(world, tx, case.row, case.proposal, applied)
    inherited = tx.document(case.row.id, _GRANT) is not None
    covered = _covered(world, tx, case.row.id, written)
    return tuple(read_case(tx, row) for row in covered if inherited or row.state != State.LEASED)


def _is_superseded(tx: Tx, action: str) -> bool:
    row = tx.action(action)
    return row is not None and row.state == State.SUPERSEDED


def _inheritance(world: World, tx: Tx, row: ActionRow) -> tuple[frozenset[str], Json]:
    """Return the leases that an action is about to overwrite, and its snapshot with their ways back.

    None of them where one way back cannot be taken over, as of several objects at once.
    """
    written = _fields(world, tx, row, read_proposal(tx, row))
    leases = [covered for covered in _covered(world, tx, row.id, written) if covered.state == State.LEASED]
    steps = _steps(world, tx, row)
    for lease in reversed(leases):  # the oldest last: what was there before any of them
        for theirs in _steps(world, tx, lease):
            for position, mine in enumerate(steps):
                if mine.target != theirs.target or not mine.restores or not theirs.restores:
                    continue
                taken = core.inherit(mine.saved, theirs.saved)
                if taken is None:
                    return frozenset(), None
                steps[position] = replace(mine, saved=taken)
    return frozenset(lease.id for lease in leases), {"steps": [step.saved for step in steps]}


def _covered(world: World, tx: Tx, action: str, written: Iterable[Field]) -> list[ActionRow]:
    """Return the committed and leased actions all of whose fields are among those written, oldest first."""
    fields, now = set(written), world.clock.now_ms()
    standing = {row.id: row for target in {t for t, _ in fields} for row in tx.standing(target, now)}
    found = []
    for row in sorted(standing.values(), key=lambda r: r.id):
        theirs = _fields(world, tx, row, read_proposal(tx, row)) if row.id != action else frozenset()
        if theirs and theirs <= fields:
            found.append(row)
    return found


def _fields(
    world: World, tx: Tx, row: ActionRow, proposal: Proposal, only: Iterable[int] | None = None
) -> frozenset[Field]:
    """Return the fields that an action restores when it is taken back; of some of its steps only."""
    taken = set(range(len(proposal.steps))) if only is None else set(only)
    steps = enumerate(_steps(world, tx, row))
    return frozenset((s.target, path) for i, s in steps if i in taken and s.restores for path in restored_by(s.saved))


def _steps(world: World, tx: Tx, row: ActionRow) -> list[_Step]:
    """Return each step of an action with what takes it back; none when that is not known any more."""
    _, snapshot = way_back(world, tx, row.id)
    if not snapshot:
        return []
    proposal = read_proposal(tx, row)
    seen = open_json(world, tx, row.id, "observation")["steps"]
    return [
        _Step(str(step["step"]["target"]["id"]), not reads_only(step) and _restorable(step, seen), saved)
        for step, saved in zip(proposal.steps, loads_strict(snapshot)["steps"], strict=True)
    ]


def _restorable(step: Mapping[str, Json], seen: Json) -> bool:
    return weakest((Undo(step["undo"]), Undo(seen[step["i"]]["undo_class"]))) in _RESTORED
