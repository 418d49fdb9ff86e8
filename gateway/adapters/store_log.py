"""The log inside the SQLite store: dense leaves, the Merkle frontier that moves with them, checkpoints."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.adapters.store_tx_base import BaseTx
from gateway.core.merkle import HASH_BYTES, Frontier, Range, completed, leaf_hash, node_hash
from gateway.errors import StoreFault
from gateway.ports import LogHead

_APPEND = "INSERT INTO leaves (idx, hash, body, action, kind, completes) VALUES (?, ?, ?, ?, ?, ?)"
_NODE = "SELECT SUBSTR(completes, ?, ?) FROM leaves WHERE idx = ?"
_LOAD = "SELECT size, root, frontier FROM log_head WHERE id = 0"
_SAVE = """
INSERT INTO log_head (id, size, root, frontier) VALUES (0, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET size = excluded.size, root = excluded.root, frontier = excluded.frontier"""
_LAST = "SELECT idx, hash FROM leaves ORDER BY idx DESC LIMIT 1"
_LEAF_OF = "SELECT MAX(idx) FROM leaves WHERE action = ? AND kind = ?"
_LEAVES_OF = """
SELECT idx, body FROM leaves WHERE idx IN (SELECT idx FROM leaves WHERE action = ? ORDER BY idx DESC LIMIT ?)
ORDER BY idx DESC"""
_LEAVES_OF_KIND = "SELECT idx, body FROM leaves WHERE action = ? AND kind = ? ORDER BY idx DESC LIMIT ?"
_PUT_CHECKPOINT = """
INSERT INTO checkpoints (size, root, note) VALUES (?, ?, ?)
ON CONFLICT (size) DO UPDATE SET note = excluded.note WHERE root = excluded.root"""
_CHECKPOINT = "SELECT size, note FROM checkpoints WHERE size >= ? ORDER BY size DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The end of the log: the frontier of everything before, and the hash of the last leaf."""

    frontier: Frontier
    last: bytes


@dataclass(slots=True)
class LogTail:
    """The writer's copy of the end of the log: ahead of the database inside a transaction, equal to it outside."""

    end: LogEnd
    saved: LogEnd

    def append(self, leaf: bytes) -> tuple[int, bytes, bytes]:
        """Move the end by one leaf; returns its index, its hash, and the roots of the subtrees it completes."""
        before, digest = self.end.frontier, leaf_hash(leaf)
        nodes = completed(before, digest)
        self.end = LogEnd(before.grown(digest, nodes), digest)
        return before.size, digest, b"".join([root for _, _, root in nodes])


def load_tail(connection: sqlite3.Connection) -> LogTail:
    """Read the end of the log; raises StoreFault when the head row and the leaves do not fit together."""
    head = connection.execute(_LOAD).fetchone()
    last = connection.execute(_LAST).fetchone()
    index, digest = last or (-1, b"")
    size, root, packed = head or (0, Frontier().root(), Frontier().to_bytes())
    try:
        frontier = Frontier.from_bytes(packed)
    except ValueError as exc:
        raise _damaged("the stored frontier is malformed") from exc
    if not frontier.size == size == index + 1 or frontier.root() != root:
        raise _damaged(f"the head says {size} leaves, the last leaf is {index}")
    end = LogEnd(frontier, digest)
    return LogTail(end, end)


def save_tail(connection: sqlite3.Connection, tail: LogTail) -> None:
    """Write the end of the log into the transaction that moved it."""
    if tail.end is not tail.saved:
        frontier = tail.end.frontier
        connection.execute(_SAVE, (frontier.size, frontier.root(), frontier.to_bytes()))


class LogTx(BaseTx):
    """The part of a unit of work that concerns the log."""

    _tail: LogTail | None = None

    def append_leaf(self, leaf: bytes, *, action: str, kind: str) -> int:
        """Append a leaf and return its index."""
        if self._tail is None:
            raise StoreFault("STORE_READ_ONLY", "a unit of work that reads cannot append")
        index, digest, completes = self._tail.append(leaf)
        self._run(_APPEND, index, digest, leaf, action, kind, completes)
        return index

    def last_leaf_hash(self) -> bytes:
        """Return the hash of the newest leaf; empty when the log is."""
        if self._tail is not None:
            return self._tail.end.last
        found = self._one(_LAST)
        return bytes(found[1]) if found else b""

    def log_head(self) -> LogHead:
        """Return size and root, counting leaves of this unit of work."""
        if self._tail is not None:
            frontier = self._tail.end.frontier
            return LogHead(frontier.size, frontier.root())
        found = self._one(_LOAD)
        return LogHead(found[0], found[1]) if found else LogHead(0, Frontier().root())

    def leaves(self, first: int, limit: int) -> list[tuple[int, bytes]]:
        """Return (index, leaf) from `first` on."""
        rows = self._all("SELECT idx, body FROM leaves WHERE idx >= ? ORDER BY idx LIMIT ?", first, limit)
        return [(index, body) for index, body in rows]

    def leaf_hashes(self, first: int, last: int) -> list[bytes]:
        """Return the RFC 6962 leaf hashes of [first, last)."""
        rows = self._all("SELECT hash FROM leaves WHERE idx >= ? AND idx < ? ORDER BY idx", first, last)
        return [row[0] for row in rows]

    def range_roots(self, ranges: Sequence[Range]) -> list[bytes]:
        """Return the root of each range [first, last) of leaves from the roots of its complete subtrees."""
        size = self.log_head().size
        for first, last in ranges:
            if not 0 <= first < last <= size:
                raise ValueError(f"[{first}, {last}) is no range of {size} leaves")
        return [self._root(first, last) for first, last in ranges]

    def _root(self, first: int, last: int) -> bytes:
        level = (last - first - 1).bit_length()
        if last - first == 1 << level and first % (1 << level) == 0:
            return self._subtree(level, first >> level)
        middle = first + (1 << level - 1)
        return node_hash(self._root(first, middle), self._root(middle, last))

    def _subtree(self, level: int, index: int) -> bytes:
        if level == 0:
            found = self._cell("SELECT hash FROM leaves WHERE idx = ?", bytes, index)
        else:
            last = (index + 1 << level) - 1  # the leaf that completes it
            found = self._cell(_NODE, bytes, (level - 1) * HASH_BYTES + 1, HASH_BYTES, last)
        if found is None or len(found) != HASH_BYTES:
            raise _damaged(f"the root of subtree {index} at level {level} is missing")
        return found

    def leaf_of(self, action: str, kind: str) -> int | None:
        """Return the index of the newest leaf of this kind for an action."""
        return self._cell(_LEAF_OF, int, action, kind)

    def leaves_of(self, action: str, limit: int, *, kind: str = "") -> list[tuple[int, bytes]]:
        """Return the newest leaves of an action, newest first."""
        rows = self._all(_LEAVES_OF_KIND, action, kind, limit) if kind else self._all(_LEAVES_OF, action, limit)
        return [(index, body) for index, body in rows]

    def put_checkpoint(self, size: int, root: bytes, note: str) -> None:
        """Record a signed checkpoint; raises StoreFault for a second root of one size, or a size not reached."""
        if size > self.log_head().size:
            raise StoreFault("CHECKPOINT_AHEAD", f"the log has not {size} leaves yet")
        if self._run(_PUT_CHECKPOINT, size, root, note) != 1:
            raise StoreFault("CHECKPOINT_FORK", f"another root is on record for {size} leaves")

    def checkpoint(self, min_size: int = 0) -> tuple[int, str] | None:
        """Return (size, note) of the newest checkpoint that covers at least `min_size` leaves."""
        found = self._one(_CHECKPOINT, min_size)
        return (found[0], found[1]) if found else None


def _damaged(text: str) -> StoreFault:
    return StoreFault("STORE_LOG_DAMAGED", f"the log does not add up: {text}; run: countermand audit verify")
