"""The tables beside the state rows, as an audit reads them: nothing of a row is trusted to be well-formed."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from gateway.adapters.store_sql import columns, select
from gateway.core.auditledger import StoredLedgers
from gateway.core.audittables import StoredTables
from gateway.core.audittimers import StoredTimer
from gateway.core.canonical import canonical, digest_bytes
from gateway.ports import DriftRow, DueRow, IncidentRow, RequestRow, StepRow, SwitchRow, VoteRow, journal_digest

UNREADABLE = "unreadable"
"""In the place of the digest of a row that was edited into nonsense."""
_VOTE, _SWITCH, _INCIDENT, _STEP = (columns(row) for row in (VoteRow, SwitchRow, IncidentRow, StepRow))
_DRIFT, _REQUEST, _DUE = (columns(row) for row in (DriftRow, RequestRow, DueRow))


def stored_tables(connection: sqlite3.Connection) -> StoredTables:
    """Read the tables that one connection sees."""

    def rows(statement: str) -> list[tuple[Any, ...]]:
        return connection.execute(statement).fetchall()

    return StoredTables(
        journals=_journals(rows(f"{select('steps', _STEP)} ORDER BY action, step")),
        votes=_digests(rows(select("votes", _VOTE)), _VOTE, ("action", "nonce", "subject"), _vote),
        switches=_digests(rows(select("switches", _SWITCH)), _SWITCH, ("kind", "agent", "environment"), dict),
        incidents={
            key[0]: found
            for key, found in _digests(rows(select("incidents", _INCIDENT)), _INCIDENT, ("id",), dict).items()
        },
        revisions=dict(rows("SELECT revision, status FROM revisions")),
        locks=dict(rows("SELECT target, action FROM locks")),
        timers=[StoredTimer(*row) for row in rows(select("due", _DUE))],
        reads=[
            (incident, action, outcome, _targets(targets))
            for incident, action, outcome, targets in rows("SELECT incident, action, outcome, targets FROM reads")
        ],
        ledgers=_ledgers(rows),
    )


def _ledgers(rows: Callable[[str], list[tuple[Any, ...]]]) -> StoredLedgers:
    applied = rows("SELECT action, agent, at_ms, undone_ms FROM applied")
    mishaps = rows("SELECT action, environment, operation, agent, at_ms FROM mishaps")
    return StoredLedgers(
        applied={action: (agent, at_ms, undone_ms) for action, agent, at_ms, undone_ms in applied},
        applied_targets=frozenset(rows("SELECT target, action FROM applied_targets")),
        mishaps={(action, where, what): (agent, at_ms) for action, where, what, agent, at_ms in mishaps},
        drift=_digests(rows(select("drift", _DRIFT)), _DRIFT, ("action", "id"), dict),
        nonces=frozenset(rows("SELECT action, purpose, nonce, fence FROM nonces")),
        requests=_digests(rows(select("requests", _REQUEST)), _REQUEST, ("caller", "request_id"), dict),
        letters=frozenset(rows("SELECT sink, idx FROM dead_letters")),
        cursors=dict(rows("SELECT sink, next FROM cursors")),
    )


def _journals(rows: Sequence[tuple[Any, ...]]) -> dict[str, str]:
    return {action: _journal(steps) for action, steps in groupby(rows, key=itemgetter(0))}


def _journal(rows: Iterable[tuple[Any, ...]]) -> str:
    return _digest(lambda: journal_digest(StepRow(*row) for row in rows))


def _digests(
    rows: Sequence[tuple[Any, ...]], names: Sequence[str], key: Sequence[str],
    read: Callable[[dict[str, Any]], dict[str, Any]],
) -> dict[tuple[str, ...], str]:  # fmt: skip
    """Return key → digest of every row, as its dataclass would take it."""
    found = {}
    for values in rows:
        row = dict(zip(names, values, strict=True))
        found[tuple(str(row[name]) for name in key)] = _digest(lambda row=row: digest_bytes(canonical(read(row))))  # type: ignore[misc]
    return found


def _vote(row: dict[str, Any]) -> dict[str, Any]:
    if row["approve"] not in {0, 1}:
        raise ValueError("a vote is for or against")
    return {**row, "groups": json.loads(row["groups"]), "approve": bool(row["approve"])}


def _targets(text: str) -> frozenset[str]:
    try:
        return frozenset(map(str, json.loads(text)))
    except (ValueError, TypeError, RecursionError):
        return frozenset({UNREADABLE})


def _digest(take: Callable[[], str]) -> str:
    try:
        return take()
    except (ValueError, RecursionError):
        return UNREADABLE
