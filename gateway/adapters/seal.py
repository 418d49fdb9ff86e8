"""Sealing of blobs that must be restorable and deletable: AES-256-GCM under one key file."""

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import ConfigFault, StoreFault
from gateway.private_files import create_private, read_private

_KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = b"\x01"


class Sealer:
    """Seals bytes to a key and a context; a blob is `01 ‖ nonce(12) ‖ ciphertext ‖ tag(16)`."""

    def __init__(self, key: bytes) -> None:
        """Take a key of 32 bytes; raises ConfigFault for any other length."""
        if len(key) != _KEY_BYTES:
            raise ConfigFault("SEAL_KEY_LENGTH", f"the sealing key has {len(key)} bytes, {_KEY_BYTES} are needed")
        self._cipher = AESGCM(key)

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """Return the sealed bytes; `aad` says what they are (action and kind) and is needed to open them."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, plaintext, _FORMAT + aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """Return what was sealed; raises StoreFault when key, context or any byte differs."""
        start = len(_FORMAT) + _NONCE_BYTES
        if not sealed.startswith(_FORMAT):
            raise StoreFault("SEALED_UNREADABLE", "the sealed blob has an unknown format")
        try:
            return self._cipher.decrypt(sealed[len(_FORMAT) : start], sealed[start:], _FORMAT + aad)
        except (InvalidTag, ValueError) as exc:
            raise StoreFault("SEALED_UNREADABLE", "the sealed blob was changed, or sealed by another key") from exc


def sealer_from(path: Path) -> Sealer:
    """Return the sealer of a key file (32 raw bytes, mode 0600); creates the file on first start."""
    if not path.exists():
        create_private(path, secrets.token_bytes(_KEY_BYTES))
    return Sealer(read_private(path))
