"""Print a value as JSON or as text; the same way for every command."""

import base64
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import click

from gateway.cli.text import safe

_DOCUMENTS = frozenset({"receipt", "leaf"})
"""Members of bytes that are themselves JSON."""


def emit(value: Any, *, as_json: bool, text: str) -> None:
    """Print a value as one JSON document, or its text."""
    shown = to_json(value) if as_json else safe(text.rstrip("\n"))
    if shown:
        click.echo(shown)


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """Return a frozen value, or a tree of them, as JSON."""
    return json.dumps(plain(value), indent=indent, ensure_ascii=False)


def plain(value: Any) -> Any:
    """Return a value made of JSON types; bytes become their text, or base64 when they are none."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _member(f.name, getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return _bytes(value) if isinstance(value, bytes) else value


def _member(name: str, value: Any) -> Any:
    if name in _DOCUMENTS and isinstance(value, bytes):
        return json.loads(value) if value else None
    return plain(value)


def _bytes(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
