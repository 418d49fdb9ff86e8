"""Fold the log through the lifecycle table: what the state rows of the database must say, and where the log is wrong.

The table alone decides: a leaf stores event and guard, so no facts are needed to replay it. After a violation the fold
goes on from what the leaf claims, so that one wrong leaf is one finding and not a thousand.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from gateway.core.canonical import Json, digest
from gateway.core.events import Leaf, read_leaf
from gateway.core.kinds import LeafKind
from gateway.core.lifecycle import ANYTIME, LifecycleError, Row, advance
from gateway.core.merkle import leaf_hash
from gateway.core.states import Event, State


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that the gateway would never have written; `index` is the leaf, -1 when it is about a state row."""

    index: int
    action: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A record of an action: its kind, its leaf, the digest of its body and those of the documents that it names."""

    kind: LeafKind
    index: int
    digest: str
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionFold:
    """An action as the log tells it."""

    state: State
    version: int
    row: str
    """The digest of its state row, as the last transition told it; empty when it told none."""
    journal: str
    """The digest of its steps, as the last transition that touched them told it; empty when none did."""
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A state row of the database; `digest` is taken over it as the writer of the leaf took it."""

    state: str
    version: int
    digest: str
    lease_end_ms: int = 0
    undo_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class LogFold:
    """All actions of a log and all that is wrong with it, in the order of leaves."""

    actions: Mapping[str, ActionFold]
    violations: tuple[Violation, ...]
    leaves: int
    facts: tuple[Fact, ...] = ()
    """Records of no action that name documents."""


@dataclass(slots=True)
class _Open:
    """An action while it is folded; `due` are the kinds that its last transition still has to write."""

    state: State | None = None
    version: int = 0
    row: Row | None = None
    due: set[LeafKind] = field(default_factory=set)
    last: int = -1
    digest: str = ""
    journal: str = ""
    facts: list[Fact] = field(default_factory=list)


_DOCUMENTS = ("doc_digest", "decision_digest", "observation", "envelope", "undo_envelope")
"""Members of bodies that name a write-once document by its digest."""


def _documents(body: Mapping[str, Json]) -> tuple[str, ...]:
    found = (body.get(name) for name in _DOCUMENTS)
    return tuple(name for name in found if isinstance(name, str) and name.startswith("sha256:"))


def fold_log(leaves: Iterable[bytes], also: Callable[[Leaf], None] = lambda _: None) -> LogFold:
    """Fold a whole log, from its first leaf on; `also` is given every leaf that can be read."""
    folder = _Folder(also)
    for index, data in enumerate(leaves):
        folder.take(index, data)
    return folder.close()


def compare(log: LogFold, rows: Mapping[str, StoredRow]) -> tuple[Violation, ...]:
    """Compare the state rows of the database, by action, with the log."""
    both = ((action, log.actions.get(action), rows.get(action)) for action in sorted({*log.actions, *rows}))
    return tuple(found for action, told, stored in both if (found := _difference(action, told, stored)) is not None)


def _difference(action: str, told: ActionFold | None, stored: StoredRow | None) -> Violation | None:
    if told is None:
        return Violation(-1, action, "ROW_WITHOUT_LEAVES", "the log knows no such action")
    if stored is None:
        return Violation(-1, action, "ROW_MISSING", f"the log says {told.state} at version {told.version}")
    if (stored.state, stored.version) != (told.state.value, told.version):
        detail = f"the row says {stored.state} at version {stored.version}, the log {told.state} at {told.version}"
        return Violation(-1, action, "ROW_DIFFERS", detail)
    if told.row and stored.digest != told.row:
        return Violation(-1, action, "ROW_EDITED", "the row is not the one that its last transition left")
    return None


class _Folder:
    """The fold as it goes."""

    def __init__(self, also: Callable[[Leaf], None]) -> None:
        self._also = also
        self._actions: dict[str, _Open] = {}
        self._violations: list[Violation] = []
        self._prev = ""
        self._count = 0
        self._facts: list[Fact] = []

    def take(self, index: int, data: bytes) -> None:
        prev, self._prev, self._count = self._prev, leaf_hash(data).hex(), index + 1
        try:
            leaf = read_leaf(data)
        except ValueError as exc:
            self._note(index, "", "LEAF_MALFORMED", str(exc))
            return
        self._also(leaf)
        if leaf.prev != prev:
            self._note(index, leaf.action, "LEAF_CHAIN", "the leaf does not name the one before it")
        if not leaf.action:
            self._about_none(index, leaf)
            return
        action = self._actions.setdefault(leaf.action, _Open())
        if leaf.event is None:
            self._companion(index, leaf, action)
        else:
            self._transition(index, leaf, leaf.event, action)
        action.due.discard(leaf.kind)
        action.last = index
        action.facts.append(Fact(leaf.kind, index, digest(leaf.body), _documents(leaf.body)))

    def close(self) -> LogFold:
        for name, action in self._actions.items():
            self._settled(name, action)
        folded = {
            n: ActionFold(a.state, a.version, a.digest, a.journal, tuple(a.facts))
            for n, a in self._actions.items()
            if a.state
        }
        violations = tuple(sorted(self._violations, key=lambda v: v.index))
        return LogFold(folded, violations, self._count, tuple(self._facts))

    def _about_none(self, index: int, leaf: Leaf) -> None:
        if (leaf.version, leaf.event, leaf.guard, leaf.state_before, leaf.state_after) != (0, None, None, None, None):
            self._note(index, "", "LEAF_GLOBAL", "a leaf of no action moves none")
        if named := _documents(leaf.body):
            self._facts.append(Fact(leaf.kind, index, digest(leaf.body), named))

    def _transition(self, index: int, leaf: Leaf, event: Event, action: _Open) -> None:
        self._settled(leaf.action, action)
        if leaf.state_before != action.state or leaf.version != action.version + 1:
            was = f"{action.state} at version {action.version}"
            self._note(
                index, leaf.action, "LEAF_STATE", f"from {leaf.state_before} to version {leaf.version}, was {was}"
            )
        action.row = self._row(index, leaf, event)
        action.due = set(action.row.records) if action.row else set()
        self._kind(index, leaf, action)
        action.state, action.version, action.digest = leaf.state_after, leaf.version, leaf.row
        action.journal = leaf.journal or action.journal

    def _row(self, index: int, leaf: Leaf, event: Event) -> Row | None:
        try:
            row = advance(leaf.state_before, event, leaf.guard)
        except LifecycleError as exc:
            self._note(index, leaf.action, "LEAF_TRANSITION", exc.message)
            return None
        if leaf.state_after != row.next:
            self._note(index, leaf.action, "LEAF_AFTER", f"{event} leads to {row.next}, not {leaf.state_after}")
        return row

    def _companion(self, index: int, leaf: Leaf, action: _Open) -> None:
        here = (action.state, action.state, action.version, None)
        if action.state is None or (leaf.state_before, leaf.state_after, leaf.version, leaf.guard) != here:
            detail = f"a record of {leaf.state_after} at version {leaf.version}, was {action.state} at {action.version}"
            self._note(index, leaf.action, "LEAF_STATE", detail)
            action.state, action.version = leaf.state_after, leaf.version
        self._kind(index, leaf, action)

    def _kind(self, index: int, leaf: Leaf, action: _Open) -> None:
        row = action.row
        if row is not None and leaf.kind not in {*row.records, *row.optional, *ANYTIME}:
            self._note(index, leaf.action, "LEAF_KIND", f"{row.event} writes no {leaf.kind.name.lower()}")

    def _settled(self, name: str, action: _Open) -> None:
        """A transition is over when the next begins or the log ends: everything it had to write must be there."""
        if action.due:
            missing = ", ".join(sorted(kind.name.lower() for kind in action.due))
            self._note(action.last, name, "LEAF_MISSING", f"the transition wrote no {missing}")
            action.due = set()

    def _note(self, index: int, action: str, code: str, detail: str) -> None:
        self._violations.append(Violation(index, action, code, detail))
