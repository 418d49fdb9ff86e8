"""Check what a gateway says about its log: signed checkpoints (C2SP) and proofs (RFC 6962); pure.

A checkpoint is a signed note:

    <origin>
    <number of leaves>
    <base64 of the root hash>
                                  (an empty line)
    — <origin> <base64 of 4 bytes of key hash and an Ed25519 signature over the three lines>
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent_client.keys import TrustedKey, read_keys
from agent_client.strict import from_base64
from agent_client.types import Proof

_SIGNATURE: Final = re.compile("\N{EM DASH} ([^\\s+]+) ([A-Za-z0-9+/=]+)")
_SIZE: Final = re.compile("0|[1-9][0-9]{0,18}")
_KEY_HASH_BYTES: Final = 4
_ED25519: Final = b"\x01"


class ProofError(Exception):
    """A receipt, a proof or a checkpoint does not hold; `reason` names the first check that failed."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log that one of its keys signed."""

    origin: str
    size: int
    root: bytes


def check_checkpoint(note: str, jwks: bytes, origin: str) -> Checkpoint:
    """Return the checkpoint of a log that is signed by one of its keys; raises ProofError.

    Lines of keys that are not in the set, those of witnesses, are passed over.
    """
    # 1. The note is a checkpoint of this log.
    try:
        keys = read_keys(jwks)
        body, checkpoint, signatures = _split(note)
    except ValueError as exc:
        raise ProofError("CHECKPOINT_MALFORMED", str(exc)) from exc
    if checkpoint.origin != origin:
        raise ProofError("CHECKPOINT_ORIGIN", f"the checkpoint is of `{checkpoint.origin}`, not of `{origin}`")
    # 2. At least one of our keys signed it.
    known = _by_key_hash(origin, keys)
    ours = [(known[data[:_KEY_HASH_BYTES]], data[_KEY_HASH_BYTES:]) for name, data in signatures
            if name == origin and data[:_KEY_HASH_BYTES] in known]  # fmt: skip
    if not ours:
        raise ProofError("CHECKPOINT_KEY_UNKNOWN", "no key of the set signed the checkpoint")
    for key, signature in ours:
        # 3. None of them is revoked: whoever has a revoked key may still sign with it.
        if key.revoked_ms is not None:
            raise ProofError("CHECKPOINT_KEY_REVOKED", "a revoked key signed the checkpoint")
        # 4. Every signature of ours holds over the bytes as received.
        if not key.verifies(signature, body):
            raise ProofError("CHECKPOINT_SIGNATURE", "the signature does not match")
    return checkpoint


def check_inclusion(proof: Proof, jwks: bytes, origin: str) -> Checkpoint:
    """Return the checkpoint in which the leaf of a proof is included; raises ProofError."""
    checkpoint = check_checkpoint(proof.checkpoint, jwks, origin)
    if not _includes(checkpoint, proof.index, hashlib.sha256(b"\x00" + proof.leaf).digest(), proof.hashes):
        raise ProofError("INCLUSION", f"the proof does not lead from leaf {proof.index} to the checkpoint")
    return checkpoint


def check_consistency(older: Checkpoint, proof: Proof, jwks: bytes) -> Checkpoint:
    """Return the newer checkpoint of a proof, if its log continues the older one; raises ProofError.

    Keep the newest checkpoint that was checked: a log that was cut or rewritten since cannot prove this.
    """
    newer = check_checkpoint(proof.checkpoint, jwks, older.origin)
    if not _continues(older, newer, proof.hashes):
        raise ProofError("CONSISTENCY", f"the log of {newer.size} leaves does not continue that of {older.size}")
    return newer


def _includes(head: Checkpoint, index: int, leaf: bytes, hashes: Sequence[bytes]) -> bool:
    """Follow RFC 9162 §2.1.3.2 from a leaf hash to the root."""
    if not 0 <= index < head.size:
        return False
    node, last, found = index, head.size - 1, leaf
    for sibling in hashes:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = _node(sibling, found)
            node, last = _skip_right_edge(node, last)
        else:
            found = _node(found, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and found == head.root


def _continues(older: Checkpoint, newer: Checkpoint, hashes: Sequence[bytes]) -> bool:
    """Follow RFC 9162 §2.1.4.2 to both roots."""
    if older.size == newer.size:
        return not hashes and older.root == newer.root
    if not 0 < older.size < newer.size:
        return False
    full = older.size & (older.size - 1) == 0
    path = [older.root, *hashes] if full else list(hashes)
    if not path:
        return False
    node, last = older.size - 1, newer.size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = _node(sibling, first), _node(sibling, second)
            node, last = _skip_right_edge(node, last)
        else:
            second = _node(second, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and first == older.root and second == newer.root


def _skip_right_edge(node: int, last: int) -> tuple[int, int]:
    """Climb while a node on the right edge has no sibling."""
    while node and not node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(note: str) -> tuple[bytes, Checkpoint, list[tuple[str, bytes]]]:
    """Return the signed bytes, what they say, and (name, key hash + signature) of each line; raises ValueError."""
    body, separator, lines = note.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise ValueError("a note is lines, an empty line and signatures")
    head = body.split("\n")
    if len(head) < 3 or not all(head) or not _SIZE.fullmatch(head[1]):
        raise ValueError("a checkpoint has an origin, a size and a root")
    root = from_base64(head[2])
    if len(root) != hashlib.sha256().digest_size:
        raise ValueError("a root has 32 bytes")
    signatures = []
    for line in lines.removesuffix("\n").split("\n"):
        found = _SIGNATURE.fullmatch(line)
        if found is None:
            raise ValueError("a signature line is malformed")
        signatures.append((found[1], from_base64(found[2])))
    return f"{body}\n".encode(), Checkpoint(head[0], int(head[1]), root), signatures


def _by_key_hash(origin: str, keys: Mapping[str, TrustedKey]) -> dict[bytes, TrustedKey]:
    found = {}
    for key in keys.values():
        if isinstance(key.public, Ed25519PublicKey):
            named = origin.encode() + b"\n" + _ED25519 + key.public.public_bytes_raw()
            found[hashlib.sha256(named).digest()[:_KEY_HASH_BYTES]] = key
    return found
