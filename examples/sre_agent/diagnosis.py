"""Which account, which statement, which line: pure functions from observations to conclusions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .observations import Lock, Session, Traffic, inserted_table

_ROW_LOCKS = {"RowExclusiveLock", "RowShareLock"}
SURGE = 1.5
"""Traffic that grew less than this does not explain anything."""


@dataclass(frozen=True, slots=True)
class Jam:
    """Sessions that hold locks and do nothing, and those that wait behind them."""

    user: str
    application: str
    query: str
    """The statement that waits."""
    table: str
    holders: tuple[Session, ...]
    waiting: int
    total: int
    """Sessions of this user."""


@dataclass(frozen=True, slots=True)
class Clue:
    """What the locks of the holders have in common, as a text that the source must contain."""

    text: str
    words: str
    """For people."""


def surge(traffic: Sequence[Traffic]) -> Traffic | None:
    """Return the service whose traffic grew most, if any grew enough to matter."""
    grown = max(traffic, key=lambda t: t.growth, default=None)
    return grown if grown is not None and grown.growth >= SURGE else None


def jam(sessions: Sequence[Session]) -> Jam | None:
    """Return the jam of the user with most sessions, or None when nobody of it waits for anybody."""
    counts = Counter(s.user for s in sessions if s.user)
    if not counts:
        return None
    user, total = counts.most_common(1)[0]
    mine = [s for s in sessions if s.user == user]
    waiting = [s for s in mine if s.waits_for_lock]
    blocking = {pid for s in waiting for pid in s.blocked_by}
    holders = tuple(s for s in mine if s.pid in blocking and s.state == "idle in transaction")
    if not waiting or not holders:
        return None
    query = Counter(s.query for s in waiting).most_common(1)[0][0]
    return Jam(user, waiting[0].application, query, inserted_table(query), holders, len(waiting), total)


def abandoned(jammed: Jam, longer_than_s: float = 2.0) -> tuple[Session, ...]:
    """Return the holders that have been idle inside their transaction for too long to come back."""
    return tuple(s for s in jammed.holders if s.transaction_s >= longer_than_s)


def clues(jammed: Jam, locks: Sequence[Lock]) -> list[Clue]:
    """Return what the holders have locked besides the rows they inserted, most telling first."""
    granted = [lock for lock in locks if lock.granted]
    keys = Counter(lock.advisory_key for lock in granted if lock.kind == "advisory")
    relations = Counter(
        lock.relation
        for lock in granted
        if lock.kind == "relation" and lock.mode in _ROW_LOCKS and lock.relation not in {"", jammed.table}
    )
    found = [Clue(f"({key},", f"the advisory lock {key}") for key, _ in keys.most_common()]
    return found + [Clue(name, f"rows of {name}") for name, _ in relations.most_common()]


def code_lines(hits: Sequence[tuple[str, int, str]]) -> list[tuple[str, int, str]]:
    """Leave out comments; what is left are statements."""
    return [hit for hit in hits if not hit[2].startswith("--")]
