"""Read a SQLite store for an audit: every byte as it is stored, nothing of it trusted to be well-formed."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from gateway.adapters.store_audit_tables import UNREADABLE, stored_tables
from gateway.adapters.store_files import existing
from gateway.adapters.store_sql import columns, select
from gateway.core.audit import Evidence, StoredCheckpoint, StoredHead, StoredLeaf, StoredNode
from gateway.core.auditfold import StoredRow
from gateway.core.canonical import canonical, digest_bytes
from gateway.core.merkle import EMPTY_ROOT, HASH_BYTES, Frontier
from gateway.errors import StoreFault
from gateway.ports import ActionRow

_ROW = columns(ActionRow)
_LEAVES = "SELECT idx, body, hash, action, kind FROM leaves ORDER BY idx"
_CHECKPOINTS = "SELECT size, root, note FROM checkpoints ORDER BY size"
_HEAD = "SELECT size, root, frontier FROM log_head WHERE id = 0"
_MAX_LEVEL = 64
"""No leaf completes more subtrees; an edited row may claim so."""
_NODES = "SELECT idx, completes FROM leaves WHERE completes <> x'' ORDER BY idx"
_DOCUMENTS = "SELECT action, kind, data FROM documents ORDER BY action, kind"


@contextmanager
def stored_evidence(path: Path) -> Iterator[Evidence]:
    """Give one consistent snapshot of a database, also while its gateway runs.

    Raises StoreFault STORE_UNREADABLE for a file that is missing, no database, or damaged as a file; also from the
    iterables inside the evidence.
    """
    if not path.is_file():
        raise StoreFault("STORE_UNREADABLE", f"there is no database `{path}`")
    try:
        with closing(existing(path).connect(read_only=True)) as connection:
            yield evidence_of(connection)
    except sqlite3.Error as exc:
        raise StoreFault("STORE_UNREADABLE", f"`{path}`: {exc}") from exc


def evidence_of(connection: sqlite3.Connection) -> Evidence:
    """Return the evidence that one connection sees; it is read on while the evidence is used."""
    connection.text_factory = _text
    if not connection.in_transaction:
        connection.execute("BEGIN")
    head = connection.execute(_HEAD).fetchone()
    return Evidence(
        leaves=(StoredLeaf(*row) for row in connection.execute(_LEAVES)),
        checkpoints=[StoredCheckpoint(*row) for row in connection.execute(_CHECKPOINTS)],
        head=StoredHead(0, EMPTY_ROOT, Frontier().to_bytes()) if head is None else StoredHead(*head),
        nodes=(node for row in connection.execute(_NODES) for node in _nodes(*row)),
        rows={row[0]: _row(dict(zip(_ROW, row, strict=True))) for row in connection.execute(select("actions", _ROW))},
        tables=stored_tables(connection),
        documents=((action, kind, data) for action, kind, data in connection.execute(_DOCUMENTS)),
    )


def _nodes(leaf: int, completes: bytes) -> Iterator[StoredNode]:
    """Yield the subtrees that end with a leaf; what is no whole number of hashes ends in a short one."""
    ends = min(len(completes), _MAX_LEVEL * HASH_BYTES)
    for level, start in enumerate(range(0, ends, HASH_BYTES), 1):
        yield StoredNode(level, leaf >> level, completes[start : start + HASH_BYTES])


def _row(row: dict[str, Any]) -> StoredRow:
    """Take the digest of a row as `ActionRow.digest` does; what was edited into nonsense has none."""
    try:
        row["environments"] = json.loads(row["environments"])
        found = digest_bytes(canonical(row))
    except ValueError:
        found = UNREADABLE
    return StoredRow(row["state"], row["version"], found, row["lease_end_ms"], row["undo_until_ms"])


def _text(data: bytes) -> str:
    """Decode text that an attacker may have edited: what is not UTF-8 can only differ from what was written."""
    return data.decode(errors="replace")
