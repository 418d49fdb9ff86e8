"""What the parts of a SQLite unit of work share: the connection and a few one-line queries."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, TypeVar

V = TypeVar("V")


class BaseTx:
    """One connection inside one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def _run(self, sql: str, *args: Any) -> int:
        """Run a statement and return how many rows it changed."""
        return self._connection.execute(sql, args).rowcount

    def _one(self, sql: str, *args: Any) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._connection.execute(sql, args).fetchone()
        return row

    def _cell(self, sql: str, kind: type[V], *args: Any) -> V | None:
        """Return the first column of the first row; None for no row and for NULL."""
        row = self._one(sql, *args)
        if row is None or row[0] is None:
            return None
        assert isinstance(row[0], kind)
        return row[0]

    def _all(self, sql: str, *args: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, args).fetchall()


def to_array(items: Sequence[str]) -> str:
    """Return the column text of a tuple of strings."""
    return json.dumps(list(items), ensure_ascii=False, separators=(",", ":")) if items else "[]"


def from_array(text: str) -> tuple[str, ...]:
    """Read the column text of a tuple of strings; of what is none, the text: a row with it has another digest."""
    try:
        found = json.loads(text) if text != "[]" else []
    except (ValueError, RecursionError):
        found = None
    return tuple(found) if isinstance(found, list) and all(isinstance(item, str) for item in found) else (text,)
