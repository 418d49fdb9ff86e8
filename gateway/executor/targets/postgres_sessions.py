"""Ending sessions: `sessions.cancel` and `sessions.terminate`, params {"sessions": [{"pid", "backend_start"?}]}.

A pid is reused, so a session is (pid, backend_start). The pair is resolved at observation, before the decision, and
the one statement that signals names both: a session that came later under the same pid is never touched.
"""

# ruff: noqa: ARG002  # the methods have the signatures of the Target port

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import psycopg

from gateway.core.canonical import Json
from gateway.core.effect import Undo
from gateway.core.step import Step
from gateway.errors import TargetFault
from gateway.executor.output import OnChunk
from gateway.executor.targets import seen
from gateway.executor.targets.postgres_db import Connection, Database, reason
from gateway.ports import Clock
from gateway.ports_target import Applied, Observed, Undone

_START = "to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')"
_OBSERVE = f"""
SELECT a.pid, {_START}, a.backend_type, a.usename, a.datname, a.application_name, a.state, a.wait_event_type,
       (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint,
       (extract(epoch FROM clock_timestamp() - a.state_change) * 1000)::bigint,
       length(a.query), coalesce(r.rolsuper, false),
       (SELECT count(*) FROM pg_stat_activity b
         WHERE b.wait_event_type = 'Lock' AND a.pid = ANY(pg_blocking_pids(b.pid)))
  FROM unnest(%s::int[], %s::timestamptz[]) AS wanted(pid, started)
  JOIN pg_stat_activity a ON a.pid = wanted.pid AND (wanted.started IS NULL OR a.backend_start = wanted.started)
  LEFT JOIN pg_roles r ON r.oid = a.usesysid
"""  # noqa: S608  # the only part that is put in is the constant above
_FIELDS = (
    "backend_start", "backend_type", "user", "database", "application", "state", "wait",
    "transaction_age_ms", "state_age_ms", "query_chars", "superuser", "blocks",
)  # fmt: skip
_SIGNAL = """
SELECT a.pid, {function}(a.pid)
  FROM unnest(%s::int[], %s::timestamptz[]) AS wanted(pid, started)
  JOIN pg_stat_activity a ON a.pid = wanted.pid AND a.backend_start = wanted.started
 WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
"""
_PRESENT = """
SELECT a.pid, a.state = 'active'
  FROM unnest(%s::int[], %s::timestamptz[]) AS wanted(pid, started)
  JOIN pg_stat_activity a ON a.pid = wanted.pid AND a.backend_start = wanted.started
"""
_SETTLE_S, _POLLS = 0.1, 30


@dataclass(frozen=True, slots=True)
class _Session:
    pid: int
    started: str | None
    """None in a step that names only the pid, and in the snapshot of a session that was not there."""


class Sessions:
    """End the query (cancel) or the connection (terminate) of exactly the sessions that were observed."""

    def __init__(self, database: Database, clock: Clock, signal: Literal["cancel", "terminate"]) -> None:
        self._database = database
        self._clock = clock
        self._signal = signal

    async def observe(self, step: Step) -> Observed:
        """Resolve every pid to its backend_start; a session that is not there is a fact too."""
        wanted = _sessions(step.params)
        async with self._database.session() as conn:
            try:
                cursor = await conn.execute(_OBSERVE.encode(), _arrays(wanted))
                found = {row[0]: dict(zip(_FIELDS, row[1:], strict=True)) for row in await cursor.fetchall()}
            except psycopg.DataError as exc:
                raise TargetFault("SESSION_MALFORMED", "a backend_start is not a time") from exc
            except psycopg.Error as exc:
                raise TargetFault(*reason(exc)) from exc
        now = self._clock.now_ms()
        facts = tuple(
            seen.known(_target(step, s), now, {"exists": s.pid in found, "pid": s.pid} | found.get(s.pid, {}))
            for s in wanted
        )
        snapshot = [{"pid": s.pid, "backend_start": found.get(s.pid, {}).get("backend_start")} for s in wanted]
        changes = [seen.change(f"/sessions/{s.pid}", "present", self._goal()) for s in wanted if s.pid in found]
        tried = seen.preflight("ok" if changes else "failed", changes, targets=len(changes), code=_code(changes))
        return Observed(facts, tried, {"sessions": snapshot}, Undo.NEUTRAL.value)

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:
        """Signal the sessions of the snapshot that are still the same; those that are gone are left alone."""
        wanted = _resolved(snapshot)
        if not wanted:
            return Applied("not_applied", "SESSION_GONE", "no session of the snapshot was there")
        try:
            async with asyncio.timeout(self._database.hard_timeout_s):
                async with self._database.session() as conn:
                    return await self._end(conn, wanted)
        except TargetFault as exc:
            return Applied("not_applied", exc.code, exc.message)  # no session, so no signal was sent
        except TimeoutError:
            return Applied("unknown", "TARGET_TIMEOUT", "the server did not answer in time")

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Tell by the sessions themselves: all gone (cancel: or idle) is applied, all as before is not."""
        wanted = _resolved(snapshot)
        if not wanted:
            return Applied("not_applied", "SESSION_GONE", "no session of the snapshot was there")
        async with self._database.session() as conn:
            try:
                present = await self._present(conn, wanted)
            except psycopg.Error as exc:
                raise TargetFault(*reason(exc)) from exc
        after = _after(wanted, present, frozenset())
        if not present:
            return Applied("applied", after=after)
        if len(present) == len(wanted):
            return Applied("not_applied", "SESSIONS_PRESENT", after=after)
        return Applied("unknown", "SESSIONS_PARTLY_GONE", "some sessions are there, some are not", after=after)

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Return that an ended session cannot be brought back; its client connects again by itself."""
        return Undone("impossible", "UNDO_NEUTRAL", "a session that was ended cannot be brought back")

    async def _end(self, conn: Connection, wanted: Sequence[_Session]) -> Applied:
        query = _SIGNAL.format(function=f"pg_{self._signal}_backend")
        try:
            cursor = await conn.execute(query.encode(), _arrays(wanted))
            signalled = frozenset(pid for pid, sent in await cursor.fetchall() if sent)
        except psycopg.Error as exc:
            # One session: the error came instead of the signal. Several: an earlier one may have been signalled.
            return Applied("not_applied" if len(wanted) == 1 and exc.sqlstate else "unknown", *reason(exc))
        if not signalled:
            return Applied("not_applied", "SESSION_GONE", "no session of the snapshot is there any more")
        after = _after(wanted, await self._settled(conn, wanted, signalled), signalled)
        return Applied("applied", after=after)

    async def _settled(self, conn: Connection, wanted: Sequence[_Session], signalled: frozenset[int]) -> frozenset[int]:
        """Return who is present once no signalled session is, or after three seconds."""
        present = await self._present(conn, wanted)
        for _ in range(_POLLS):
            if not present & signalled:
                break
            await asyncio.sleep(_SETTLE_S)
            present = await self._present(conn, wanted)
        return present

    async def _present(self, conn: Connection, wanted: Sequence[_Session]) -> frozenset[int]:
        """Return the pids that still do what is to be ended: exist, or (cancel) run a query."""
        cursor = await conn.execute(_PRESENT.encode(), _arrays(wanted))
        rows = await cursor.fetchall()
        return frozenset(pid for pid, active in rows if active or self._signal == "terminate")

    def _goal(self) -> str:
        return "absent" if self._signal == "terminate" else "idle"


def _sessions(params: Mapping[str, Json]) -> tuple[_Session, ...]:
    return tuple(_Session(int(item["pid"]), item.get("backend_start")) for item in params["sessions"])


def _resolved(snapshot: Mapping[str, Json]) -> tuple[_Session, ...]:
    return tuple(s for s in _sessions(snapshot) if s.started is not None)


def _arrays(sessions: Sequence[_Session]) -> tuple[list[int], list[str | None]]:
    return [s.pid for s in sessions], [s.started for s in sessions]


def _target(step: Step, session: _Session) -> str:
    """Return the id that a step on this session alone would have: the list of pids is the id's last part."""
    return f"{step.target.id.rpartition('/')[0]}/{session.pid}"


def _code(changes: Sequence[object]) -> str:
    return "" if changes else "SESSION_GONE"


def _after(wanted: Sequence[_Session], present: frozenset[int], signalled: frozenset[int]) -> dict[str, Json]:
    return {
        "sessions": [
            {"pid": s.pid, "backend_start": s.started, "signalled": s.pid in signalled, "present": s.pid in present}
            for s in wanted
        ]
    }
