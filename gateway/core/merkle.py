"""The Merkle tree of the log: RFC 6962 §2.1 hashes, inclusion proofs and consistency proofs.

A proof is a list of node hashes, each the root of a range of leaves; `inclusion_ranges` and `consistency_ranges` say
which, so that a store that keeps node hashes need not hand over its leaves.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
Range = tuple[int, int]
_SIZE_BYTES = 8


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf's bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The roots of the full subtrees of a tree, largest first: all that appending and signing need."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} leaves does not have {len(self.peaks)} peaks")

    def append(self, leaf: bytes) -> "Frontier":
        """Return the frontier after one more leaf hash."""
        return self.grown(leaf, completed(self, leaf))

    def grown(self, leaf: bytes, nodes: Sequence[tuple[int, int, bytes]]) -> "Frontier":
        """Return the frontier after one more leaf hash that completes these subtrees (`completed`)."""
        peak = nodes[-1][2] if nodes else leaf
        return Frontier(self.size + 1, (*self.peaks[: len(self.peaks) - len(nodes)], peak))

    def extend(self, leaf_hashes: Iterable[bytes]) -> "Frontier":
        """Return the frontier after more leaf hashes.

        A frontier whose root was signed, extended by the leaves since, proves by its root that a tree extends it.
        """
        frontier = self
        for leaf in leaf_hashes:
            frontier = frontier.append(leaf)
        return frontier

    def root(self) -> bytes:
        """Return the root of the tree; the empty tree has one too."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def to_bytes(self) -> bytes:
        """Return the size (8 bytes, big-endian) and the peaks."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Frontier":
        """Read the form of `to_bytes`; raises ValueError when it is malformed."""
        if len(data) < _SIZE_BYTES or (len(data) - _SIZE_BYTES) % HASH_BYTES:
            raise ValueError("a frontier is a size and 32-byte hashes")
        starts = range(_SIZE_BYTES, len(data), HASH_BYTES)
        return cls(int.from_bytes(data[:_SIZE_BYTES], "big"), tuple(data[i : i + HASH_BYTES] for i in starts))


def completed(before: Frontier, leaf: bytes) -> list[tuple[int, int, bytes]]:
    """Return (level, index, root) of the subtrees that one more leaf hash completes, smallest first.

    Subtree (level, index) covers the 2^level leaves from index * 2^level on; single leaves are not listed.
    """
    nodes = []
    node, level = leaf, 0
    while before.size >> level & 1:
        node = node_hash(before.peaks[-1 - level], node)
        level += 1
        nodes.append((level, before.size >> level, node))
    return nodes


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the root of a whole tree, or of one range of its leaves."""
    return Frontier().extend(leaf_hashes).root()


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Return the ranges whose roots prove leaf `index` in a tree of `size`, lowest first; raises ValueError outside."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    ranges: list[Range] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return ranges[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """Return the ranges whose roots prove that a tree of `second` leaves extends one of `first`; raises ValueError."""
    if not 0 < first <= second:
        raise ValueError(f"a tree of {second} leaves does not extend one of {first}")
    ranges: list[Range] = []
    low, high, whole = 0, second, True
    while first < high:
        middle = low + _split(high - low)
        if first <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low, whole = middle, False
    if not whole:
        ranges.append((low, high))
    return ranges[::-1]


def inclusion_proof(index: int, size: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of the first `size` leaves."""
    return [_range_root(leaf_hashes, size, r) for r in inclusion_ranges(index, size)]


def consistency_proof(first: int, second: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """Return the proof that the tree of the first `second` leaves extends that of the first `first`."""
    return [_range_root(leaf_hashes, second, r) for r in consistency_ranges(first, second)]


def verify_inclusion(index: int, size: int, leaf: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether the proof leads from a leaf hash to the root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last = index, size - 1
    result = leaf
    for step in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            result = node_hash(step, result)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, step)
        node, last = node >> 1, last >> 1
    return last == 0 and result == root


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether the proof shows that the second tree extends the first (RFC 9162 §2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _split(size: int) -> int:
    """Return the largest power of two below `size` (at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_root(leaf_hashes: Sequence[bytes], size: int, part: Range) -> bytes:
    if len(leaf_hashes) < size:
        raise ValueError(f"{len(leaf_hashes)} leaf hashes are too few for a tree of {size}")
    return root_of(leaf_hashes[part[0] : part[1]])
