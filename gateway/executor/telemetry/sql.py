"""Numbers from PostgreSQL: {"name": a query of the configuration, "params": {name: value}}.

The statement itself is in this executor's configuration: work that arrives can choose one and fill it in, never write
one.
"""

import asyncio
from collections.abc import Callable, Mapping

import psycopg

from gateway.core.canonical import Json
from gateway.errors import TargetFault
from gateway.executor.config import NamedQuery, SqlSource, SqlType
from gateway.executor.targets.postgres_db import Database, reason
from gateway.executor.telemetry.query import members, number, text

_TYPES: Mapping[SqlType, Callable[[Json], str | int | float]] = {"text": str, "int": int, "float": float}


class SqlTelemetry:
    """Named queries behind the Telemetry port."""

    def __init__(self, source: SqlSource) -> None:
        self._database = Database(source.scope)
        self._queries = source.queries

    async def sample(self, query: Mapping[str, Json]) -> float | None:
        """Return the first column of the first row; None when there is no row or the value is NULL."""
        members(query, frozenset({"name", "params"}))
        named = self._queries.get(text(query, "name"))
        if named is None:
            raise TargetFault("QUERY_UNKNOWN", "no query of this name is configured")
        params = _params(named, query.get("params", {}))
        try:
            async with asyncio.timeout(self._database.hard_timeout_s):
                async with self._database.session(role=self._database.scope.read_role) as conn:
                    await conn.set_read_only(True)
                    async with conn.transaction():
                        row = await conn.execute(named.sql.encode(), params)
                        found = await row.fetchone()
        except psycopg.Error as exc:
            raise TargetFault(*reason(exc)) from exc
        except TimeoutError as exc:
            raise TargetFault("TARGET_TIMEOUT", "the server did not answer in time") from exc
        return None if found is None else number(found[0])


def _params(named: NamedQuery, given: Json) -> dict[str, str | int | float]:
    if not isinstance(given, Mapping) or set(given) != set(named.params):
        raise TargetFault("QUERY_MALFORMED", f"the query takes {', '.join(sorted(named.params)) or 'no parameters'}")
    try:
        return {name: _TYPES[kind](given[name]) for name, kind in named.params.items()}
    except (TypeError, ValueError) as exc:
        raise TargetFault("QUERY_MALFORMED", "a parameter has the wrong type") from exc
