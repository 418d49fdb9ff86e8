"""Reads: one statement in a READ ONLY transaction, sent by the extended protocol, rows as JSON lines."""

# ruff: noqa: ARG002  # the methods have the signatures of the Target port

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast

import orjson
import psycopg
from psycopg.rows import TupleRow
from psycopg.types.string import TextLoader

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.errors import TargetFault
from gateway.executor.output import OnChunk, Output
from gateway.executor.targets import seen
from gateway.executor.targets.postgres_db import Connection, Database, reason
from gateway.ports_target import Applied, Observed, Undone

_BATCH_ROWS = 200
_SAFE_INT = 2**53 - 1
# These are shown as PostgreSQL writes them: Python has no 'infinity' timestamp and JSON has no exact decimals.
_AS_TEXT = ("date", "time", "timetz", "timestamp", "timestamptz", "interval", "numeric", "bytea", "uuid")


class Select:
    """`sql.select`, `sql.explain`, `sql.show`, params {"sql"}; rows come back as JSON objects, one a line."""

    def __init__(self, database: Database, output_bytes: int) -> None:
        self._database = database
        self._output_bytes = output_bytes

    async def observe(self, step: Step) -> Observed:
        """Return that nothing changes."""
        return seen.read_only()

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:
        """Run the query; a failure is always `not_applied`, because a read leaves nothing behind."""
        output = Output(self._output_bytes, on_chunk)
        try:
            async with asyncio.timeout(self._database.hard_timeout_s):
                async with self._database.session(role=self._database.scope.read_role) as conn:
                    await self._stream(conn, str(step.params["sql"]), output)
        except TargetFault as exc:
            return Applied("not_applied", exc.code, exc.message)
        except psycopg.Error as exc:
            return Applied("not_applied", *reason(exc))
        except TimeoutError:
            return Applied("not_applied", "TARGET_TIMEOUT", "the server did not answer in time")
        return Applied("applied", output=await output.finish(), truncated=output.truncated)

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Return that a lost read had no effect."""
        return Applied("not_applied", "READ_LOST", "a read leaves nothing behind")

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Return that there is nothing to undo."""
        return Undone("undone", read_back={})

    async def _stream(self, conn: Connection, query: str, output: Output) -> None:
        await conn.set_read_only(True)
        for name in _AS_TEXT:
            conn.adapters.register_loader(name, TextLoader)
        rows = 0
        async with conn.transaction(), conn.cursor() as cursor:
            # No parameters: psycopg then leaves `%` alone; `stream` always uses the extended protocol.
            found = cast("AsyncGenerator[TupleRow, None]", cursor.stream(query.encode(), size=_BATCH_ROWS))
            async with aclosing(found):
                async for row in found:
                    if rows >= self._database.scope.max_rows or not await output.add_line(_line(cursor, row)):
                        output.truncated = True
                        break
                    rows += 1


def _line(cursor: psycopg.AsyncCursor[Any], row: Sequence[Any]) -> bytes:
    names = _unique([column.name for column in cursor.description or ()])
    return orjson.dumps(dict(zip(names, map(_plain, row), strict=True)), default=str, option=orjson.OPT_APPEND_NEWLINE)


def _unique(names: Sequence[str]) -> list[str]:
    """Number repeated column names: count, count_2 and so on."""
    taken: set[str] = set()
    unique = []
    for name in names:
        number, candidate = 1, name
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        unique.append(candidate)
    return unique


def _plain(value: Json) -> Json:
    """Return a value that JSON readers cannot misread: integers beyond 2^53 travel as text."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _SAFE_INT:
        return str(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
