"""The judge: what the targets' own histories and the log say of a site, and nothing that Countermand says of itself."""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path

from gateway.core.auditfold import StoredRow, compare, fold_log
from gateway.core.lifecycle import FINAL, State
from gateway.ports import ActionRow
from tests.chaos.history import Write
from tests.chaos.process import until
from tests.chaos.site import OLD, Ground, Intended, Site

_NOTHING_DONE = frozenset({State.NOT_APPLIED, State.EXPIRED, State.CANCELLED, State.REVOKED, State.REFUSED})
# State → how often the change and its way back must be in the target's history.
_DEEDS: Mapping[State, tuple[int, int]] = {
    State.COMMITTED: (1, 0), State.SUPERSEDED: (1, 0), State.UNDONE: (1, 1), **dict.fromkeys(_NOTHING_DONE, (0, 0)),
}  # fmt: skip
_REST = frozenset({"undo_window"})
"""Timers that an action may keep for ever: they delete what was sealed."""


@dataclass(frozen=True, slots=True)
class Database:
    """The gateway's database as it lies on disk."""

    leaves: list[bytes]
    rows: dict[str, ActionRow]
    due: list[tuple[str, str]]
    locks: dict[str, str]


def read_database(path: Path) -> Database:
    """Read everything the judge looks at."""
    names = [f.name for f in fields(ActionRow)]
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        db.execute("BEGIN")  # one snapshot
        leaves = [bytes(body) for (body,) in db.execute("SELECT body FROM leaves ORDER BY idx")]
        rows = [dict(zip(names, r, strict=True)) for r in db.execute(f"SELECT {', '.join(names)} FROM actions")]
        due = [(str(a), str(k)) for a, k in db.execute("SELECT action, kind FROM due")]
        locks = {str(t): str(a) for t, a in db.execute("SELECT target, action FROM locks")}
    read = [ActionRow(**{**row, "environments": tuple(json.loads(row["environments"]))}) for row in rows]
    return Database(leaves, {row.id: row for row in read}, due, locks)


def state_of(site: Ground, intended: Intended) -> State:
    """Return the state of an action as its row says."""
    with closing(sqlite3.connect(f"file:{site.database}?mode=ro", uri=True)) as db:
        [state] = db.execute("SELECT state FROM actions WHERE id = ?", (intended.action,)).fetchone()
    return State(state)


def ends(site: Ground, timeout_s: float = 90) -> None:
    """Return once every action is final; what is not by then is the judge's to say."""
    with contextlib.suppress(AssertionError):
        until(lambda: all(state_of(site, i) in FINAL for i in site.intended), "every action is final", timeout_s)


def judge(site: Site) -> list[str]:
    """Return everything that is wrong; empty when every action ended, once."""
    database = read_database(site.database)
    return [*records(site, database), *_targets(site, database)]


def records(site: Ground, database: Database) -> list[str]:
    """Return what is wrong in the log, its rows and what is left over."""
    return [*_log(database), *_rest(site.intended, database)]


def _log(database: Database) -> Iterator[str]:
    folded = fold_log(database.leaves)
    rows = {row.id: StoredRow(row.state, row.version, row.digest) for row in database.rows.values()}
    for v in (*folded.violations, *compare(folded, rows)):
        yield f"log: {v.code} {v.action} leaf {v.index}: {v.detail}"


def _rest(intended: Iterable[Intended], database: Database) -> Iterator[str]:
    for i in intended:
        row = database.rows.get(i.action)
        if row is None:
            yield f"{i}: accepted, and lost"
        elif row.state not in FINAL:
            yield f"{i}: {row.state} is not final ({row.reason})"
    for action, kind in database.due:
        if kind not in _REST:
            yield f"a timer is left: {kind} of {action}"
    for target, action in database.locks.items():
        yield f"a lock is left: {target} held by {action}"


def _targets(site: Site, database: Database) -> Iterator[str]:
    by_target: dict[str, list[Intended]] = {}
    for i in site.intended:
        by_target.setdefault(i.target, []).append(i)
    written = [*site.roles.history(), *site.plans.history()]
    for write in written:
        if write.target not in by_target:
            yield f"{write}: nobody proposed a change of this target"
    for target, of_it in by_target.items():
        history = [w for w in written if w.target == target]
        now = (site.roles if of_it[0].tool == "postgres" else site.plans).value(target)
        yield from one_target(of_it, history, now, database.rows)


def one_target(
    of_it: Sequence[Intended], history: Sequence[Write], now: int, rows: Mapping[str, ActionRow], old: int = OLD
) -> Iterator[str]:
    """Replay a target's history: each write is somebody's change, or the way back from the change that stands."""
    owner = {i.new: i for i in of_it}
    done = {i.action: [0, 0] for i in of_it}
    under, stands = {}, old
    for write in history:
        if write.value in owner and write.value not in under:
            under[write.value] = stands
            done[owner[write.value].action][0] += 1
        elif stands in under and write.value == under[stands]:
            done[owner[stands].action][1] += 1
        elif write.value in owner:
            done[owner[write.value].action][0] += 1
        else:
            yield f"{write}: neither a change nor the way back from {stands}"
        stands = write.value
    if now != stands:
        yield f"{of_it[0].target} is {now}, its history says {stands}"
    for i in of_it:
        row = rows.get(i.action)
        wanted = _DEEDS.get(State(row.state)) if row is not None else None
        if wanted is not None and tuple(done[i.action]) != wanted:
            values = [w.value for w in history]
            yield f"{i}: {row and row.state}, but applied and undone {done[i.action]} times: {values}"
