"""Aligned text, as kubectl's tab writer makes it, from the server's Table form (meta.k8s.io/v1)."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.core.canonical import Json

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
_GAP = 3
_NARROWEST = 6
_BREAK = re.compile(r"[\n\f\r]")
_CONTROL = {ord("\x1b"): "^[", ord("\r"): "\\r"}
_AGE = {"name": "Age", "type": "string", "priority": 0}


@dataclass(frozen=True, slots=True)
class Columns:
    """What a table shows besides the server's columns."""

    wide: bool = False
    namespace: bool = False
    labels: bool = False
    label_columns: tuple[str, ...] = ()
    prefix: str = ""
    """Put before the name where several kinds are listed: `deployment.apps/`."""

    @property
    def metadata(self) -> bool:
        """Tell whether rows must carry their object's metadata."""
        return self.namespace or self.labels or bool(self.label_columns)


def rows_of(table: Mapping[str, Any], columns: Columns) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a Table."""
    defined = table["columnDefinitions"]
    shown = [at for at, column in enumerate(defined) if columns.wide or not column.get("priority")]
    header = [str(defined[at]["name"]).upper() for at in shown]
    cells: Callable[[Sequence[Json]], list[str]] = lambda row: [cell(row[at]) for at in shown]  # noqa: E731  # one use
    rows = [cells(row["cells"]) for row in table.get("rows") or ()]
    if columns.prefix:
        for row in rows:
            row[0] = columns.prefix + row[0]
    if columns.metadata:
        metadata = [(row.get("object") or {}).get("metadata") or {} for row in table.get("rows") or ()]
        rows = [_with(row, meta, columns) for row, meta in zip(rows, metadata, strict=True)]
        header = _header(header, columns)
    return header, rows


def plain(items: Sequence[Mapping[str, Any]], age: Callable[[str], str]) -> dict[str, Any]:
    """Return a Table of names and ages, for what a server cannot print itself."""
    rows = [
        {
            "cells": [item["metadata"]["name"], age(str(item["metadata"].get("creationTimestamp") or ""))],
            "object": {"metadata": item["metadata"]},
        }
        for item in items
    ]
    return {"columnDefinitions": [{"name": "Name", "priority": 0}, _AGE], "rows": rows}


def cell(value: Json) -> str:
    """Return a cell on one line, without what could drive a terminal."""
    if not isinstance(value, str):
        return "<none>" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    found = _BREAK.search(value)
    text = value if found is None else value[: found.start()] + "..."
    return text.translate(_CONTROL)


def aligned(lines: Iterable[Sequence[str]], *, gap: int = _GAP, narrowest: int = _NARROWEST) -> list[str]:
    """Return lines whose cells stand below each other; the last cell of a line is not padded."""
    rows = list(lines)
    count = max(map(len, rows), default=0)
    widths = [max((len(row[at]) for row in rows if at < len(row) - 1), default=0) for at in range(count)]
    widths = [max(width + gap, narrowest) for width in widths]
    made = []
    for row in rows:
        padded = [text.ljust(width) for text, width in zip(row[:-1], widths, strict=False)]
        made.append("".join((*padded, *row[-1:])))
    return made


def labels_text(labels: Mapping[str, str] | None) -> str:
    """Return labels as `a=b,c=d`."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or "<none>"


def _header(header: list[str], columns: Columns) -> list[str]:
    head = ["NAMESPACE", *header] if columns.namespace else header
    head = [*head, *(key.rpartition("/")[2].upper() for key in columns.label_columns)]
    return [*head, "LABELS"] if columns.labels else head


def _with(row: list[str], metadata: Mapping[str, Any], columns: Columns) -> list[str]:
    labels = metadata.get("labels") or {}
    made = [str(metadata.get("namespace", "")), *row] if columns.namespace else row
    made = [*made, *(str(labels.get(key, "")) for key in columns.label_columns)]
    return [*made, labels_text(labels)] if columns.labels else made
