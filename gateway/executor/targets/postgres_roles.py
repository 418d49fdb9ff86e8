"""`roles.connection_limit`, params {"role", "limit"}: a compare-and-swap on pg_authid.rolconnlimit, exact to undo.

ALTER ROLE has no WHERE, so reading and writing share a transaction that holds pg_authid against other writers. A
login that may not lock pg_authid (not a superuser) still compares, but without the lock: its undo is compensating.
"""

# ruff: noqa: ARG002  # the methods have the signatures of the Target port

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import sql

from gateway.core.canonical import Json
from gateway.core.effect import Undo
from gateway.core.step import Step
from gateway.core.undo import Probed, probed
from gateway.errors import TargetFault
from gateway.executor.output import OnChunk
from gateway.executor.targets import seen
from gateway.executor.targets.postgres_db import Connection, Database, one_row, reason
from gateway.ports import Clock
from gateway.ports_target import Applied, Observed, Undone

_READ = "SELECT rolconnlimit, rolsuper, rolcanlogin FROM pg_roles WHERE rolname = %s"
_MAY_LOCK = "SELECT has_table_privilege('pg_catalog.pg_authid', 'UPDATE')"
_LOCK = b"LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE"


@dataclass(frozen=True, slots=True)
class _Swap:
    """How a compare-and-swap ended; `found` is what was read under the lock (None: no such role)."""

    outcome: Literal["swapped", "differs", "failed", "unknown"]
    found: int | None = None
    code: str = ""
    detail: str = ""


class ConnectionLimit:
    """Cap the number of connections of a role; sessions that are open stay open."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def observe(self, step: Step) -> Observed:
        """Read the limit as it is now."""
        role, limit = _params(step)
        try:
            async with self._database.session() as conn:
                row = await one_row(conn, _READ, (role,))
                may_lock = await one_row(conn, _MAY_LOCK, ())
        except psycopg.Error as exc:
            raise TargetFault(*reason(exc)) from exc
        now = self._clock.now_ms()
        if row is None:
            fact = seen.known(step.target.id, now, {"exists": False})
            return Observed((fact,), seen.preflight("failed", code="ROLE_NOT_FOUND"), {}, Undo.NONE.value)
        value = {"exists": True, "connection_limit": row[0], "superuser": row[1], "can_login": row[2]}
        return Observed(
            (seen.known(step.target.id, now, value),),
            seen.preflight("ok", [seen.change("/connection_limit", row[0], limit)]),
            {"connection_limit": row[0]},
            (Undo.EXACT if may_lock and may_lock[0] else Undo.COMPENSATING).value,
        )

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:
        """Set the limit if it still is what was observed."""
        if "connection_limit" not in snapshot:
            return Applied("not_applied", "SNAPSHOT_MISSING", "the step was not observed")
        role, limit = _params(step)
        swap = await self._swap(role, int(snapshot["connection_limit"]), limit)
        match swap.outcome:
            case "swapped":
                return Applied("applied", after={"connection_limit": limit})
            case "differs":
                return Applied("not_applied", "STATE_CHANGED", f"the limit is {swap.found} now")
            case "failed":
                return Applied("not_applied", swap.code, swap.detail)
            case _:
                return Applied("unknown", swap.code, swap.detail)

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Compare the limit with what was wanted and what was there before."""
        role, limit = _params(step)
        found = await self._read(role)
        told = probed(snapshot, {"connection_limit": limit}, _value(found))
        return Applied(told.value, "STATE_CHANGED" if told is Probed.UNKNOWN else "", after=_value(found))

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Set the old limit if the limit is still ours, and read it back."""
        if "connection_limit" not in snapshot:
            return Undone("impossible", "SNAPSHOT_MISSING", "the step was not observed")
        role, limit = _params(step)
        old = int(snapshot["connection_limit"])
        swap = await self._swap(role, limit, old)
        if swap.outcome in {"failed", "unknown"}:
            return Undone("retry", swap.code, swap.detail)
        if swap.outcome == "differs" and swap.found != old:
            return Undone("conflict", "STATE_CHANGED", f"the limit is {swap.found} now", _value(swap.found))
        try:
            found = await self._read(role)
        except TargetFault as exc:
            return Undone("retry", exc.code, exc.message)
        if found != old:
            return Undone("conflict", "READ_BACK_DIFFERS", f"the limit is {found} after the undo", _value(found))
        return Undone("undone", read_back=_value(found))

    async def _read(self, role: str) -> int | None:
        try:
            async with self._database.session() as conn:
                row = await one_row(conn, _READ, (role,))
        except psycopg.Error as exc:
            raise TargetFault(*reason(exc)) from exc
        return None if row is None else int(row[0])

    async def _swap(self, role: str, expected: int, new: int) -> _Swap:
        """Write `new` if the limit is `expected`, in one transaction."""
        try:
            async with asyncio.timeout(self._database.hard_timeout_s):
                async with self._database.session() as conn:
                    return await _swap_in(conn, role, expected, new)
        except TargetFault as exc:
            return _Swap("failed", None, exc.code, exc.message)  # no session, so nothing was sent
        except TimeoutError:
            return _Swap("unknown", None, "TARGET_TIMEOUT", "the server did not answer in time")


async def _swap_in(conn: Connection, role: str, expected: int, new: int) -> _Swap:
    try:
        await conn.execute(b"BEGIN")
        may_lock = await one_row(conn, _MAY_LOCK, ())
        if may_lock and may_lock[0]:
            await conn.execute(_LOCK)
        row = await one_row(conn, _READ, (role,))
        found = None if row is None else int(row[0])
        if found != expected:
            await conn.execute(b"ROLLBACK")
            return _Swap("differs", found)
        alter = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(sql.Identifier(role), sql.Literal(new))
        await conn.execute(alter)
    except psycopg.Error as exc:
        return _Swap("failed", None, *reason(exc))  # COMMIT was not sent: the server rolls back
    try:
        await conn.execute(b"COMMIT")
    except psycopg.Error as exc:
        return _Swap("unknown", None, *reason(exc))
    return _Swap("swapped", found)


def _params(step: Step) -> tuple[str, int]:
    return str(step.params["role"]), int(step.params["limit"])


def _value(limit: int | None) -> dict[str, Json]:
    return {"connection_limit": limit}
