"""What is known beside single actions: incidents, evidence, history, switches, revisions, exporters' places."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from gateway.adapters.store_sql import columns, select, upsert, values
from gateway.adapters.store_tx_base import BaseTx, from_array, to_array
from gateway.ports import History, IncidentRow, ReadRow, SwitchRow

V = TypeVar("V")

_INCIDENT = columns(IncidentRow)
_incident_values = values(IncidentRow)
_UPSERT_INCIDENT = upsert("incidents", _INCIDENT, ("id",))
_SELECT_INCIDENT = select("incidents", _INCIDENT)
_INCIDENT_BY_ID = f"{_SELECT_INCIDENT} WHERE id = ?"
_INCIDENTS = f"{_SELECT_INCIDENT} WHERE (? = '' OR id < ?) ORDER BY id DESC LIMIT ?"
_INCIDENTS_OPEN = f"{_SELECT_INCIDENT} WHERE status = 'open' AND (? = '' OR id < ?) ORDER BY id DESC LIMIT ?"

_INSERT_READ = """
INSERT INTO reads (incident, seq, action, hypothesis, targets, at_ms, outcome)
SELECT ?1, COALESCE(MAX(seq) + 1, 0), ?2, ?3, ?4, ?5, ?6 FROM reads WHERE incident = ?1"""
_READS = f"{select('reads', columns(ReadRow))} WHERE incident = ? ORDER BY seq"
_READ_TARGETS = columns(ReadRow).index("targets")

_SWITCH = columns(SwitchRow)
_switch_values = values(SwitchRow)
_UPSERT_SWITCH = upsert("switches", _SWITCH, ("kind", "agent", "environment"))
_SWITCHES = f"{select('switches', _SWITCH)} ORDER BY at_ms, kind, agent, environment"

_REVISIONS = "SELECT revision, status FROM revisions ORDER BY revision"
_UPSERT_REVISION = upsert("revisions", ("revision", "status"), ("revision",))
_UPSERT_CURSOR = upsert("cursors", ("sink", "next"), ("sink",))
_UPSERT_LETTER = upsert("dead_letters", ("sink", "idx", "error", "at_ms"), ("sink", "idx"))
_LETTERS = "SELECT idx, error, at_ms FROM dead_letters WHERE sink = ? ORDER BY idx"

_NOTE_APPLIED = """
INSERT INTO applied (action, agent, at_ms, undone_ms) VALUES (?, ?, ?, 0)
ON CONFLICT (action) DO UPDATE SET at_ms = MAX(at_ms, excluded.at_ms)"""
_NOTE_TARGET = "INSERT INTO applied_targets (target, action) VALUES (?, ?) ON CONFLICT DO NOTHING"
_HISTORY = """
SELECT COUNT(*) FILTER (WHERE at_ms >= ?1), COUNT(*) FILTER (WHERE undone_ms >= ?1),
       COALESCE(MAX(at_ms) FILTER (WHERE at_ms >= ?1), 0)
FROM applied WHERE (at_ms >= ?1 OR undone_ms >= ?1)"""
_OF_AGENT = " AND agent = ?2"
_OF_TARGET = " AND action IN (SELECT action FROM applied_targets WHERE target = ?3)"


class FactsTx(BaseTx):
    """The part of a unit of work that concerns everything around actions."""

    _memory: dict[str, Any] | None = None
    """Small tables that every decision looks at, as the writer last read them; None for a reader."""

    def put_incident(self, row: IncidentRow) -> None:
        """Insert or replace an incident."""
        self._run(_UPSERT_INCIDENT, *_incident_values(row))

    def incident(self, incident: str) -> IncidentRow | None:
        """Return an incident."""
        found = self._one(_INCIDENT_BY_ID, incident)
        return IncidentRow(*found) if found else None

    def incidents(self, *, open_only: bool = False, before: str = "", limit: int = 50) -> list[IncidentRow]:
        """Return incidents newest first (ids sort by time)."""
        found = self._all(_INCIDENTS_OPEN if open_only else _INCIDENTS, before, before, limit)
        return [IncidentRow(*row) for row in found]

    def put_read(self, row: ReadRow) -> None:
        """Append a read to an incident's evidence."""
        targets = to_array(row.targets)
        self._run(_INSERT_READ, row.incident, row.action, row.hypothesis, targets, row.at_ms, row.outcome)

    def reads(self, incident: str) -> list[ReadRow]:
        """Return the evidence of an incident in the order it was recorded."""
        return [_read(found) for found in self._all(_READS, incident)]

    def history(self, *, agent: str = "", target: str = "", since_ms: int) -> History:
        """Count actions applied, and actions undone, at or after `since_ms`; `last_applied_ms` is 0 for none."""
        sql = _HISTORY + (_OF_AGENT if agent else "") + (_OF_TARGET if target else "")
        # undone_ms is 0 while a write stands: a window must not reach that far back.
        args = (max(since_ms, 1), agent, target)[: 3 if target else 2 if agent else 1]
        (counts,) = self._all(sql, *args)
        return History(*counts)

    def note_applied(self, action: str, agent: str, targets: Sequence[str], at_ms: int) -> None:
        """Count an action's write once, at its latest time; its targets add up."""
        self._run(_NOTE_APPLIED, action, agent, at_ms)
        for target in targets:
            self._run(_NOTE_TARGET, target, action)

    def note_undone(self, action: str, at_ms: int) -> None:
        """Mark a counted write as undone."""
        self._run("UPDATE applied SET undone_ms = ? WHERE action = ?", at_ms, action)

    def put_switch(self, row: SwitchRow) -> None:
        """Insert or replace a stop or freeze."""
        self._run(_UPSERT_SWITCH, *_switch_values(row))
        self._forget("switches")

    def delete_switch(self, kind: str, agent: str, environment: str) -> None:
        """Lift a stop or freeze."""
        self._run("DELETE FROM switches WHERE kind = ? AND agent = ? AND environment = ?", kind, agent, environment)
        self._forget("switches")

    def switches(self) -> list[SwitchRow]:
        """Return every stop and freeze, oldest first."""
        return [*self._remembered("switches", lambda: [SwitchRow(*found) for found in self._all(_SWITCHES)])]

    def put_revision(self, revision: str, status: Literal["active", "superseded", "withdrawn"]) -> None:
        """Record the status of a policy revision."""
        self._run(_UPSERT_REVISION, revision, status)
        self._forget("revisions")

    def revisions(self) -> dict[str, str]:
        """Return revision → status."""
        return {**self._remembered("revisions", lambda: dict(self._all(_REVISIONS)))}

    def cursor(self, sink: str) -> int:
        """Return the index of the next leaf this sink is to get."""
        return self._cell("SELECT next FROM cursors WHERE sink = ?", int, sink) or 0

    def set_cursor(self, sink: str, index: int) -> None:
        """Record the index of the next leaf this sink is to get."""
        self._run(_UPSERT_CURSOR, sink, index)

    def put_dead_letter(self, sink: str, index: int, error: str, at_ms: int) -> None:
        """Record that a sink would not take a leaf."""
        self._run(_UPSERT_LETTER, sink, index, error, at_ms)

    def dead_letters(self, sink: str) -> list[tuple[int, str, int]]:
        """Return (index, error, at_ms) of what this sink would not take, in order of index."""
        return [(index, error, at_ms) for index, error, at_ms in self._all(_LETTERS, sink)]

    def _remembered(self, table: str, read: Callable[[], V]) -> V:
        if self._memory is None:
            return read()
        if table not in self._memory:
            self._memory[table] = read()
        found: V = self._memory[table]
        return found

    def _forget(self, table: str) -> None:
        if self._memory is not None:
            self._memory.pop(table, None)


def _read(found: tuple[Any, ...]) -> ReadRow:
    args = list(found)
    args[_READ_TARGETS] = from_array(args[_READ_TARGETS])
    return ReadRow(*args)
