"""SQL text for rows that are dataclasses: built once at import from field names, never from a value."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from operator import attrgetter
from typing import Any


def columns(row: type[Any]) -> tuple[str, ...]:
    """Return the column names of a row type: its fields, in order."""
    return tuple(field.name for field in fields(row))


def values(row: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Return the function from a row to its column values (a dataclass of one field is not supported)."""
    return attrgetter(*columns(row))


def select(table: str, names: Iterable[str]) -> str:
    """Return `SELECT … FROM table`."""
    return f"SELECT {_list(names)} FROM {table}"  # noqa: S608 - names of this package, no values


def insert(table: str, names: Iterable[str]) -> str:
    """Return an INSERT with one mark a column."""
    names = tuple(names)
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({_list(names)}) VALUES ({marks})"  # noqa: S608 - names of this package


def insert_new(table: str, names: Iterable[str]) -> str:
    """Return an INSERT that does nothing when the key is taken; rowcount tells."""
    return f"{insert(table, names)} ON CONFLICT DO NOTHING"


def upsert(table: str, names: Iterable[str], key: Iterable[str]) -> str:
    """Return an INSERT that replaces the row with the same key."""
    names, key = tuple(names), tuple(key)
    changes = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in names if name not in key)
    return f"{insert(table, names)} ON CONFLICT ({_list(key)}) DO UPDATE SET {changes}"


def update(table: str, names: Iterable[str], where: str) -> str:
    """Return an UPDATE of every named column."""
    changes = ", ".join(f"{_quoted(name)} = ?" for name in names)
    return f"UPDATE {table} SET {changes} WHERE {where}"  # noqa: S608 - names of this package, no values


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    return f'"{name}"'
