"""Checkpoints: the signed head of the log (C2SP tlog-checkpoint and signed-note).

    countermand.example/log          origin
    1234                             number of leaves
    <base64 of the root hash>
                                     (empty line)
    — countermand.example/log <base64 of 4-byte key hash and Ed25519 signature>

The signature covers the three lines with their newlines. The signer's name is the origin.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core import b64
from gateway.core.keys import Alg, VerifyKey
from gateway.core.merkle import HASH_BYTES
from gateway.core.statement import Refused

MAX_NOTE_CHARS = 16_384
_ED25519 = b"\x01"
_HASH_BYTES = 4
_DASH = "\N{EM DASH}"
_ORIGIN = re.compile(r"[!-*,-~]{1,255}")  # printable ASCII without space and plus, as a signer's name must be
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_LINE = re.compile(rf"{_DASH} ([^\s+]{{1,255}}) ([A-Za-z0-9+/]+={{0,2}})")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size and root of a log; `extensions` are further signed lines, which nothing here reads."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _ORIGIN.fullmatch(self.origin):
            raise ValueError("an origin is printable ASCII without space or plus")
        if self.size < 0 or len(self.root) != HASH_BYTES:
            raise ValueError("a checkpoint has a size and a root of 32 bytes")

    def body(self) -> bytes:
        """Return the bytes that are signed."""
        lines = (self.origin, str(self.size), b64.encode(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines).encode()

    @classmethod
    def parse(cls, note: str) -> "Checkpoint":
        """Read the checkpoint inside a signed note without checking signatures; raises ValueError."""
        return _split(note)[0]


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line of a note."""

    name: str
    key_hash: bytes
    sig: bytes


def key_hash(name: str, key: VerifyKey) -> bytes:
    """Return the 4 bytes that name a key in a note; raises ValueError for any key but Ed25519."""
    if key.alg is not Alg.ED25519:
        raise ValueError("a log is signed with Ed25519")
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + key.public).digest()[:_HASH_BYTES]


def signed_note(checkpoint: Checkpoint, key: VerifyKey, sig: bytes) -> str:
    """Return the note of a checkpoint whose `body()` was signed."""
    line = b64.encode(key_hash(checkpoint.origin, key) + sig)
    return f"{checkpoint.body().decode()}\n{_DASH} {checkpoint.origin} {line}\n"


def note_signatures(note: str) -> tuple[NoteSignature, ...]:
    """Return all signatures of a note, those of witnesses too; raises ValueError when the note is malformed."""
    return _split(note)[1]


def open_checkpoint(note: str, *, origin: str, keys: Mapping[str, VerifyKey]) -> Checkpoint | Refused:
    """Check that one of our keys signed the checkpoint of this log, and return it.

    Signatures by unknown keys are passed over, as the specification demands; a known key's must hold. Expired keys are
    accepted, revoked ones are not: whoever holds a revoked key may still sign.
    """
    try:
        checkpoint, signatures = _split(note)
    except ValueError as exc:
        return Refused("CHECKPOINT_MALFORMED", str(exc))
    if checkpoint.origin != origin:
        return Refused("CHECKPOINT_ORIGIN", f"the checkpoint is of another log: {checkpoint.origin}")
    known = {key_hash(origin, key): key for key in keys.values() if key.alg is Alg.ED25519}
    ours = [s for s in signatures if s.name == origin and s.key_hash in known]
    if not ours:
        return Refused("CHECKPOINT_KEY_UNKNOWN", "no trusted key signed the checkpoint")
    for signature in ours:
        key = known[signature.key_hash]
        if key.revoked_ms is not None:
            return Refused("CHECKPOINT_KEY_REVOKED", "a revoked key signed the checkpoint")
        if not key.verify(signature.sig, checkpoint.body()):
            return Refused("CHECKPOINT_SIGNATURE", "the signature does not match")
    return checkpoint


def _split(note: str) -> tuple[Checkpoint, tuple[NoteSignature, ...]]:
    if len(note) > MAX_NOTE_CHARS or not note.endswith("\n"):
        raise ValueError("a note ends with a newline and is not too long")
    body, separator, lines = note.rpartition("\n\n")
    if not separator or not lines:
        raise ValueError("a note has an empty line before its signatures")
    # Each line has one spelling, so `body()` gives back exactly the text that was signed.
    return _checkpoint(body.split("\n")), tuple(_signature(line) for line in lines.removesuffix("\n").split("\n"))


def _checkpoint(lines: list[str]) -> Checkpoint:
    if len(lines) < 3 or not all(lines) or not _SIZE.fullmatch(lines[1]):  # origin, size, root
        raise ValueError("a checkpoint has an origin, a size and a root")
    return Checkpoint(lines[0], int(lines[1]), b64.decode(lines[2]), tuple(lines[3:]))


def _signature(line: str) -> NoteSignature:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("a signature line is malformed")
    data = b64.decode(found[2])
    if len(data) <= _HASH_BYTES:
        raise ValueError("a signature is too short")
    return NoteSignature(found[1], data[:_HASH_BYTES], data[_HASH_BYTES:])
