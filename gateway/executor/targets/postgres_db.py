"""Sessions on one PostgreSQL database: settings that the parser relies on, and one place that reads SQLSTATEs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from gateway.errors import TargetFault
from gateway.executor.config import PostgresScope
from gateway.executor.deadline import left_s

Connection = psycopg.AsyncConnection[TupleRow]

# SQLSTATE (or its class) → reason code; everything else is SQL_ERROR.
_CODES = {
    "57014": "STATEMENT_TIMEOUT",
    "55P03": "LOCK_TIMEOUT",
    "42501": "TARGET_FORBIDDEN",
    "28": "TARGET_FORBIDDEN",
    "25006": "READ_ONLY_VIOLATED",
    "53300": "TARGET_BUSY",
    "08": "TARGET_UNREACHABLE",
    "57P": "TARGET_UNREACHABLE",
}
# Classes of errors whose text is about the statement or the server. Others quote values of rows: a cast that fails says
# of what, and a read that counts would show them one by one.
_TOLD = frozenset({"08", "25", "28", "3D", "3F", "42", "53", "55", "57"})
_MARGIN_S = 2.0


def reason(exc: psycopg.Error) -> tuple[str, str]:
    """Return (reason code, text for people) of an error; never the statement, a value, or the connection string."""
    state = exc.sqlstate
    if state is None:
        return "TARGET_UNREACHABLE", type(exc).__name__
    code = next((_CODES[state[:n]] for n in (5, 3, 2) if state[:n] in _CODES), "SQL_ERROR")
    said = exc.diag.message_primary if state[:2] in _TOLD else None
    return code, f"{state}: {said or type(exc).__name__}"


class Database:
    """One database that is connected to for each step anew, so that no step inherits another's session."""

    def __init__(self, scope: PostgresScope) -> None:
        self.scope = scope
        self.hard_timeout_s = scope.connect_timeout_s + scope.statement_timeout_ms / 1_000 + _MARGIN_S
        """No statement outlives this, whatever the server does: the client gives up."""

    @asynccontextmanager
    async def session(self, *, role: str = "") -> AsyncIterator[Connection]:
        """Open an autocommit session with pinned settings; raises TargetFault when it cannot be opened."""
        try:
            conn = await psycopg.AsyncConnection.connect(
                self.scope.dsn.reveal(),
                autocommit=True,
                connect_timeout=self.scope.connect_timeout_s,
                application_name="countermand-executor",
                prepare_threshold=None,
            )
        except psycopg.Error as exc:
            code, detail = reason(exc)
            raise TargetFault(code, detail) from exc
        try:
            await self._pin(conn, role)
            yield conn
        finally:
            await conn.close()  # never a commit that was not asked for: the server rolls back what is open

    async def _pin(self, conn: Connection, role: str) -> None:
        """Make the server read statements as the parser did: names from pg_catalog first, standard strings."""
        # The server, too, stops at the deadline of the work, also when the connection is lost meanwhile.
        timeout_ms = max(1, int(min(self.scope.statement_timeout_ms, left_s() * 1_000)))
        settings = {
            "search_path": "pg_catalog, public",
            "standard_conforming_strings": "on",
            "statement_timeout": f"{timeout_ms}ms",
            "lock_timeout": f"{self.scope.lock_timeout_ms}ms",
            "idle_in_transaction_session_timeout": f"{timeout_ms}ms",
            "DateStyle": "ISO, MDY",
            "IntervalStyle": "iso_8601",
            "TimeZone": "UTC",
            "bytea_output": "hex",
        }
        pin = "SELECT " + ", ".join(["pg_catalog.set_config(%s, %s, false)"] * len(settings))
        try:
            await conn.execute(pin.encode(), [word for item in settings.items() for word in item])
            if role:
                await conn.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        except psycopg.Error as exc:
            code, detail = reason(exc)
            raise TargetFault(code, detail) from exc


async def one_row(conn: Connection, query: str, params: tuple[Any, ...]) -> TupleRow | None:
    """Return the first row of a query, or None."""
    cursor = await conn.execute(query.encode(), params)
    return await cursor.fetchone()
