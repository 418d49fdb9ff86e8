"""The tree of a stored log, grown while its leaves pass by: hashes, indexes, subtrees."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from gateway.core.auditfold import Violation
from gateway.core.merkle import Frontier, completed, leaf_hash


@dataclass(frozen=True, slots=True)
class StoredLeaf:
    """A leaf as it is stored; `hash` is None where only leaves are kept (an export)."""

    index: int
    data: bytes
    hash: bytes | None = None
    action: str | None = None
    kind: str | None = None
    """The columns that the gateway finds it by, which its hash does not cover; None where there are none."""


@dataclass(frozen=True, slots=True)
class StoredNode:
    """A stored root of a complete subtree."""

    level: int
    index: int
    hash: bytes


@dataclass(slots=True)
class Tree:
    """The tree of the leaves, grown while they pass by; and that of their stored hashes, should they differ.

    A leaf whose stored hash is not its own has been named already: checkpoints need only agree with one of the two.
    """

    wanted: set[int]
    nodes: Iterator[StoredNode] | None = None
    stored: Frontier = field(default_factory=Frontier)
    actual: Frontier = field(default_factory=Frontier)
    roots: dict[int, set[bytes]] = field(default_factory=dict)
    found: list[Violation] = field(default_factory=list)
    _breaks: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])
    _node: StoredNode | None = None
    last: int = -1

    def __post_init__(self) -> None:
        self.actual = self.stored

    def read(self, leaves: Iterable[StoredLeaf]) -> Iterator[bytes]:
        """Yield the bytes of leaves after they were checked and hashed."""
        self._node = self._next_node()
        self._mark()
        for leaf in leaves:
            if leaf.index != self.last + 1:
                self._note(self.last + 1, "LEAF_GAP", f"leaf {leaf.index} follows leaf {self.last}")
                self._breaks.append((self.stored.size, leaf.index))
            self.last = leaf.index
            self._take(leaf)
            if not _found_by_its_own(leaf):
                self._note(leaf.index, "LEAF_COLUMNS", "the leaf is stored under another action or kind than its own")
            yield leaf.data

    def close(self) -> None:
        """Report stored nodes that no leaf completes."""
        while self._node is not None:
            self._note_node(self._node, "NODE_UNKNOWN", "there are not so many leaves")
            self._node = self._next_node()

    def placed(self, violations: Iterable[Violation]) -> Iterator[Violation]:
        """Give violations the stored indexes: the fold only counts."""
        starts = [position for position, _ in self._breaks]
        for violation in violations:
            position, index = self._breaks[bisect_right(starts, violation.index) - 1]
            yield replace(violation, index=index + violation.index - position)

    def _take(self, leaf: StoredLeaf) -> None:
        actual = leaf_hash(leaf.data)
        stored = actual if leaf.hash is None else leaf.hash
        if stored != actual:
            self._note(leaf.index, "LEAF_HASH", "the leaf does not have the hash that is stored with it")
        if self.nodes is not None:
            self._check_nodes(actual, stored)
        same = stored == actual and self.stored is self.actual
        self.stored = self.stored.append(stored)
        self.actual = self.stored if same else self.actual.append(actual)
        self._mark()

    def _mark(self) -> None:
        if self.stored.size in self.wanted:
            self.roots[self.stored.size] = {self.stored.root(), self.actual.root()}

    def _check_nodes(self, actual: bytes, stored: bytes) -> None:
        for one, other in zip(completed(self.stored, stored), completed(self.actual, actual), strict=True):
            level, index, root = one
            place = _completes(level, index)
            while self._node is not None and _completes(self._node.level, self._node.index) < place:
                self._note_node(self._node, "NODE_UNKNOWN", "no leaf completes it")
                self._node = self._next_node()
            if self._node is None or (self._node.level, self._node.index) != (level, index):
                self._note_node(StoredNode(level, index, b""), "NODE_MISSING", "it is not stored")
                continue
            if self._node.hash not in {root, other[2]}:
                self._note_node(self._node, "NODE_HASH", "it is not the root of its leaves")
            self._node = self._next_node()

    def _next_node(self) -> StoredNode | None:
        return None if self.nodes is None else next(self.nodes, None)

    def _note(self, index: int, code: str, detail: str) -> None:
        self.found.append(Violation(index, "", code, detail))

    def _note_node(self, node: StoredNode, code: str, detail: str) -> None:
        first = node.index << node.level
        self._note(-1, code, f"subtree of leaves {first} to {first + (1 << node.level) - 1}: {detail}")


def _completes(level: int, index: int) -> tuple[int, int]:
    """Return after how many leaves a subtree is complete, and its level: the order of completion."""
    return (index + 1) << level, level


def _found_by_its_own(leaf: StoredLeaf) -> bool:
    """Tell whether the columns of a leaf say what its canonical bytes do; what cannot be read is named elsewhere."""
    if leaf.action is None or leaf.kind is None:
        return True
    named = b'{"action":"%b","at_ms":' % leaf.action.encode(errors="replace")
    return leaf.data.startswith(named) and b'"kind":"%b"' % leaf.kind.encode(errors="replace") in leaf.data
