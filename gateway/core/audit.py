"""Audit a log from what is stored, without trusting any of it but the public keys.

1  leaves have the indexes 0, 1, 2, … and their stored hashes and columns (LEAF_GAP, LEAF_HASH, LEAF_COLUMNS)
2  each is canonical, names the one before it, and the table allows its transition (auditfold: LEAF_*)
3  the stored roots of subtrees and the head are those of the leaves (NODE_*, HEAD_DIFFERS)
4  every checkpoint is signed by a trusted key and has the root of the leaves at its size (CHECKPOINT_*); none is of
   more leaves than there are (LOG_TRUNCATED)
5  every state row is what the leaves fold to (ROW_*), every document is one that its action's leaves name and every
   one they name is there (DOCUMENT_*); steps, votes, switches, incidents, revisions, locks, timers and ledgers are
   what the leaves tell of them (audittables, audittimers, auditledger)
6  a checkpoint kept elsewhere is of a log that this one extends (SINCE_*, LOG_TRUNCATED, LOG_REWRITTEN)
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from gateway.core.auditdocs import check_documents
from gateway.core.auditfold import LogFold, StoredRow, Violation, compare, fold_log
from gateway.core.audittables import StoredTables, TableFold, compare_tables
from gateway.core.audittree import StoredLeaf, StoredNode, Tree
from gateway.core.checkpoint import Checkpoint, open_checkpoint
from gateway.core.keys import VerifyKey
from gateway.core.statement import Refused

__all__ = ["Evidence", "Report", "StoredCheckpoint", "StoredHead", "StoredLeaf", "StoredNode", "audit"]

_CONSEQUENCES = {"LEAF_CHAIN"}


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A checkpoint as it is stored; `root` is None where only notes are kept."""

    size: int
    root: bytes | None
    note: str


@dataclass(frozen=True, slots=True)
class StoredHead:
    """The stored end of the log."""

    size: int
    root: bytes
    frontier: bytes


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is to audit; a part that is None is not looked at. Iterables are read once, leaves first."""

    leaves: Iterable[StoredLeaf]
    checkpoints: Iterable[StoredCheckpoint] = ()
    head: StoredHead | None = None
    nodes: Iterable[StoredNode] | None = None
    """In the order in which leaves complete them."""
    rows: Mapping[str, StoredRow] | None = None
    documents: Iterable[tuple[str, str, bytes]] | None = None
    """(action, kind, bytes)."""
    tables: StoredTables | None = None
    now_ms: int | None = None
    """What the clock says, if it is to be believed: how far ahead timers may lie that no leaf tells the time of."""
    since: str = ""
    """A signed checkpoint that was kept elsewhere."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit found; it holds when there are no violations."""

    violations: tuple[Violation, ...]
    leaves: int
    root: str
    """Hex of the root over all leaves."""
    signed: int
    """How many leaves the newest good checkpoint covers."""
    checkpoints: int
    actions: int

    @property
    def holds(self) -> bool:
        """Tell whether everything that was looked at is as the gateway wrote it."""
        return not self.violations


def audit(evidence: Evidence, *, keys: Mapping[str, VerifyKey], origin: str = "") -> Report:
    """Audit what is stored; `origin` defaults to that of the first checkpoint. Never raises for what it reads."""
    checkpoints = [_Opened.of(c, keys, origin) for c in evidence.checkpoints]
    origin = origin or next((c.checkpoint.origin for c in checkpoints if c.checkpoint), "")
    since = _Opened.of(StoredCheckpoint(-1, None, evidence.since), keys, origin) if evidence.since else None
    tree = Tree({c.checkpoint.size for c in (*checkpoints, *filter(None, [since])) if c.checkpoint})
    tree.nodes = None if evidence.nodes is None else iter(evidence.nodes)
    if evidence.head is not None:
        tree.wanted.add(evidence.head.size)
    tables = TableFold()
    log = fold_log(tree.read(evidence.leaves), tables.take)
    tree.close()
    found = [*tree.placed(log.violations), *tree.found]
    if evidence.head is None:
        # An export may end inside a unit of work; what is missing there comes with the next page.
        found = [v for v in found if (v.code, v.index) != ("LEAF_MISSING", tree.last)]
    good = [c for c in checkpoints if _check(c, tree, origin, found)]
    found += _revoked(checkpoints, good)
    if since is not None and _check_since(since, tree, found):
        good.append(since)
    if evidence.head is not None:
        _check_head(evidence.head, tree, found)
    _check_state(evidence, log, tables, found)
    return Report(
        violations=_told(found),
        leaves=tree.stored.size,
        root=tree.stored.root().hex(),
        signed=max((c.checkpoint.size for c in good if c.checkpoint), default=0),
        checkpoints=len(checkpoints),
        actions=len(log.actions),
    )


@dataclass(frozen=True, slots=True)
class _Opened:
    """A checkpoint whose signature was checked."""

    stored: StoredCheckpoint
    checkpoint: Checkpoint | None
    refused: Refused | None
    revoked: bool = False
    """Its signature holds, by a key that was revoked since: not proof by itself."""

    @classmethod
    def of(cls, stored: StoredCheckpoint, keys: Mapping[str, VerifyKey], origin: str) -> "_Opened":
        try:
            origin = origin or Checkpoint.parse(stored.note).origin
        except ValueError as exc:
            return cls(stored, None, Refused("CHECKPOINT_MALFORMED", str(exc)))
        opened = open_checkpoint(stored.note, origin=origin, keys=keys)
        if isinstance(opened, Checkpoint):
            return cls(stored, opened, None)
        once = {kid: replace(key, revoked_ms=None) for kid, key in keys.items()}
        told = (
            open_checkpoint(stored.note, origin=origin, keys=once)
            if opened.code == "CHECKPOINT_KEY_REVOKED"
            else opened
        )
        return cls(stored, None, opened) if isinstance(told, Refused) else cls(stored, told, opened, revoked=True)


def _check(opened: _Opened, tree: Tree, origin: str, found: list[Violation]) -> bool:
    """Check one stored checkpoint; tell whether it holds."""
    stored, checkpoint = opened.stored, opened.checkpoint

    def wrong(code: str, detail: str) -> bool:
        found.append(Violation(-1, "", code, f"checkpoint of {stored.size} leaves: {detail}"))
        return False

    if checkpoint is None:
        refused = opened.refused or Refused("CHECKPOINT_MALFORMED", "")
        return wrong(refused.code, refused.detail)
    if checkpoint.origin != origin:
        return wrong("CHECKPOINT_ORIGIN", f"it is of another log: {checkpoint.origin}")
    if checkpoint.size != stored.size or stored.root not in {None, checkpoint.root}:
        return wrong("CHECKPOINT_ROW", "its signed note says something else")
    if checkpoint.size > tree.stored.size:
        return wrong("LOG_TRUNCATED", f"the log has only {tree.stored.size}")
    if checkpoint.root not in tree.roots[checkpoint.size]:
        return wrong("CHECKPOINT_ROOT", "the leaves before it have another root")
    return True


def _revoked(checkpoints: list[_Opened], good: list[_Opened]) -> Iterator[Violation]:
    """Yield the checkpoints of revoked keys that no later one of a trusted key covers.

    Whoever holds a revoked key may still sign; a trusted checkpoint of more leaves, which these extend to, vouches for
    those that were signed before.
    """
    vouched = max((c.checkpoint.size for c in good if c.checkpoint and not c.revoked), default=-1)
    for opened in checkpoints:
        if opened.revoked and opened.checkpoint and opened.checkpoint.size > vouched:
            detail = f"checkpoint of {opened.stored.size} leaves: a revoked key signed it, and no trusted one since"
            yield Violation(-1, "", "CHECKPOINT_KEY_REVOKED", detail)
    good[:] = [c for c in good if c.checkpoint and (not c.revoked or c.checkpoint.size <= vouched)]


def _check_since(since: _Opened, tree: Tree, found: list[Violation]) -> bool:
    """Check the checkpoint that was kept elsewhere; tell whether it holds."""
    checkpoint = None if since.revoked else since.checkpoint

    def wrong(index: int, code: str, detail: str) -> bool:
        found.append(Violation(index, "", code, detail))
        return False

    if checkpoint is None:
        refused = since.refused or Refused("CHECKPOINT_MALFORMED", "")
        return wrong(-1, "SINCE_" + refused.code.removeprefix("CHECKPOINT_"), refused.detail)
    if checkpoint.size > tree.stored.size:
        detail = f"{checkpoint.size} leaves were signed, {tree.stored.size} are left"
        return wrong(tree.stored.size, "LOG_TRUNCATED", detail)
    if checkpoint.root not in tree.roots[checkpoint.size]:
        return wrong(-1, "LOG_REWRITTEN", f"the first {checkpoint.size} leaves are not those that were signed")
    return True


def _check_head(head: StoredHead, tree: Tree, found: list[Violation]) -> None:
    frontiers = {tree.stored.to_bytes(), tree.actual.to_bytes()}
    size = tree.stored.size
    if head.size != size or head.root not in tree.roots.get(size, ()) or head.frontier not in frontiers:
        found.append(Violation(-1, "", "HEAD_DIFFERS", f"the head says {head.size} leaves, there are {size}"))


def _check_state(evidence: Evidence, log: LogFold, tables: TableFold, found: list[Violation]) -> None:
    if evidence.rows is not None:
        found += compare(log, evidence.rows)
    if evidence.documents is not None:
        found += check_documents(log, evidence.documents)
    if evidence.tables is not None:
        found += compare_tables(tables, log.actions, evidence.rows or {}, evidence.tables, evidence.now_ms)


def _told(found: list[Violation]) -> tuple[Violation, ...]:
    """Order violations by leaf and leave out what only follows from a leaf that is named already."""
    named = {v.index for v in found if v.code == "LEAF_HASH"}
    kept = [v for v in found if not (v.code in _CONSEQUENCES and {v.index - 1, v.index} & named)]
    return tuple(sorted(_blamed(kept), key=lambda v: (v.index < 0, v.index)))


def _blamed(found: list[Violation]) -> Iterator[Violation]:
    """Move a broken chain to the leaf that was changed: `prev` of the next leaf tells what it was."""
    broken = {v.index for v in found if v.code == "LEAF_CHAIN"}
    for violation in found:
        if violation.code != "LEAF_CHAIN" or violation.index + 1 in broken or violation.index == 0:
            yield violation
        elif violation.index - 1 not in broken:
            detail = f"the leaf is not the one that leaf {violation.index} was written after"
            yield replace(violation, index=violation.index - 1, action="", detail=detail)
