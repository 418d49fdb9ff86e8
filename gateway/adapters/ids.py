"""ULIDs behind the Ids port."""

import secrets
from base64 import b32hexencode
from threading import Lock

from gateway.ports import Clock

_ALPHABET = bytes.maketrans(b"0123456789ABCDEFGHIJKLMNOPQRSTUV", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")
"""From RFC 4648's base32hex, which the standard library writes, to Crockford's base32."""
_RANDOM_BITS = 80
_LENGTH = 26


class UlidIds:
    """Ids of 48 bits of time and 80 random bits (github.com/ulid/spec), ordered even if the clock steps back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest_ms = 0
        self._lock = Lock()

    def new(self, prefix: str) -> str:
        """Return `<prefix>_<ULID>`; ids of one millisecond come in no order."""
        with self._lock:
            self._latest_ms = max(self._latest_ms, self._clock.now_ms())
            at_ms = self._latest_ms
        return f"{prefix}_{_base32(at_ms << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS))}"

    def nonce(self) -> str:
        """Return 128 random bits as 22 URL-safe characters."""
        return secrets.token_urlsafe(16)


def _base32(value: int) -> str:
    # 26 characters are 130 bits; the standard library writes whole bytes: 20 of them are 32 characters.
    written = b32hexencode((value << 30).to_bytes(20, "big"))
    return written[:_LENGTH].translate(_ALPHABET).decode()
