"""The only code that writes a state: row, leaf and timers of one transition, in one unit of work."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.core.canonical import Json, digest_bytes
from gateway.core.events import leaf
from gateway.core.kinds import LeafKind
from gateway.core.lifecycle import ANYTIME, FINAL, Due, Event, Guard, LifecycleError, Row, State, advance
from gateway.core.timers import fits
from gateway.errors import Precondition
from gateway.ports import ActionRow, DueRow, StepRow, Tx, journal_digest
from gateway.service.settings import Timing
from gateway.service.world import World

LeafBody = tuple[LeafKind, Mapping[str, Json]]


class Recorder:
    """Record what happens to one action inside one unit of work.

    The first leaf of a transition carries the event and the new version; the leaves that follow describe it.
    """

    def __init__(self, world: World, tx: Tx, row: ActionRow) -> None:
        self._tx = tx
        self._redactor = world.redactor
        self._stored_version = row.version
        self._armed = row.version > 0
        """Whether it may have timers; a new action has none."""
        self._now = world.clock.now_ms()
        self._keep_ms = kept_ms(world.settings.timing)
        self.row = row

    @classmethod
    def load(cls, world: World, tx: Tx, action: str) -> "Recorder":
        """Open an action for change; raises Precondition when it does not exist."""
        row = tx.action(action)
        if row is None:
            raise Precondition("ACTION_UNKNOWN", "no such action", action=action)
        return cls(world, tx, row)

    @property
    def state(self) -> State:
        """Return the state as of now, transitions of this unit included."""
        return State(self.row.state)

    def advance(
        self, event: Event, guard: Guard | None, *leaves: LeafBody, reason: str = "",
        journal: Sequence[StepRow] = (), **changes: Any,
    ) -> None:  # fmt: skip
        """Take one row of the lifecycle table and write the leaves it demands, and the steps that it touches.

        The first leaf carries the event, and the digest of the whole journal where a step was touched. Raises
        LifecycleError when the table has no such row, or when the leaves are not the ones that it records.
        """
        before = State(self.row.state) if self.row.version else None
        taken = advance(before, event, guard)
        _check(taken, leaves)
        self.row = self.row.changed(
            state=taken.next.value,
            version=self.row.version + 1,
            updated_ms=self._now,
            reason=reason,
            **changes,
        )
        steps = self._journal(journal)
        for i, (kind, body) in enumerate(leaves):
            if i == 0:
                self._leaf(kind, body, before, event, guard, steps)
            else:
                self._leaf(kind, body, taken.next, None, None)
        if self._armed and before is not None and taken.next is not before:
            self._drop_foreign_timers(taken.next)
        if taken.next in FINAL:
            self.due(Due.UNDO_WINDOW, max(self._now + self._keep_ms, self.row.undo_until_ms))

    def note(self, kind: LeafKind, body: Mapping[str, Json]) -> int:
        """Append a leaf that describes the action without moving it; returns its index."""
        return self._leaf(kind, body, State(self.row.state), None, None)

    def due(self, kind: str, at_ms: int, payload: str = "") -> None:
        """Set a timer of the action."""
        self._tx.put_due(DueRow(self.row.id, kind, at_ms, payload))
        self._armed = True

    def _journal(self, rows: Sequence[StepRow]) -> str:
        """Write steps; returns the digest of all of the action, empty when none was touched."""
        for row in rows:
            self._tx.put_step(row)
        return journal_digest(self._tx.steps(self.row.id)) if rows else ""

    def _drop_foreign_timers(self, state: State) -> None:
        for due in self._tx.due_of(self.row.id):
            if not fits(due.kind, state):
                self._tx.delete_due(self.row.id, due.kind)

    def expect(self, version: int) -> None:
        """Raise Precondition when the action changed since it was read."""
        if self._stored_version != version:
            raise Precondition("ACTION_MOVED", "the action changed meanwhile", action=self.row.id)

    def insert(self) -> None:
        """Store a new action."""
        self._tx.insert_action(self.row)

    def save(self) -> None:
        """Store the changes; raises Precondition when another unit of work was faster."""
        if not self._tx.update_action(self.row, expect_version=self._stored_version):
            raise Precondition("ACTION_MOVED", "the action changed meanwhile", action=self.row.id)

    def _leaf(
        self, kind: LeafKind, body: Mapping[str, Json], before: State | None, event: Event | None, guard: Guard | None,
        journal: str = "",
    ) -> int:  # fmt: skip
        data = leaf(
            kind,
            action=self.row.id,
            at_ms=self._now,
            state_before=before,
            event=event,
            guard=guard,
            state_after=State(self.row.state),
            version=self.row.version,
            body=body,
            prev_leaf=self._tx.last_leaf_hash(),
            redactor=self._redactor,
            row_digest=self.row.digest if event is not None else "",
            journal=journal,
        )
        return self._tx.append_leaf(data, action=self.row.id, kind=kind.value)


def _check(row: Row, leaves: Sequence[LeafBody]) -> None:
    kinds = [kind for kind, _ in leaves]
    missing = set(row.records) - set(kinds)
    foreign = set(kinds) - set(row.records) - set(row.optional) - ANYTIME
    if missing or foreign or not kinds:
        raise LifecycleError("LIFECYCLE_LEAVES", f"{row.state} {row.event}: missing {missing}, foreign {foreign}")


def kept_ms(timing: Timing) -> int:
    """Return how long what is sealed is kept after a final state: at least as long as a rollback needs it."""
    return max(timing.sealed_keep_ms, timing.undo_window_ms)


def global_leaf(world: World, tx: Tx, kind: LeafKind, body: Mapping[str, Json]) -> int:
    """Append a leaf that is about no action (switches, keys, bundles, incidents); returns its index."""
    data = leaf(
        kind, action="", at_ms=world.clock.now_ms(), state_before=None, event=None, guard=None, state_after=None,
        version=0, body=body, prev_leaf=tx.last_leaf_hash(), redactor=world.redactor,
    )  # fmt: skip
    return tx.append_leaf(data, action="", kind=kind.value)


def document(tx: Tx, action: str, kind: str, data: bytes) -> str:
    """Store a write-once document and return its digest, for the leaf that names it."""
    tx.put_document(action, kind, data)
    return digest_bytes(data)
