"""ULIDs behind the Ids port."""

import secrets
from base64 import urlsafe_b64encode
from threading import Lock

from gateway.ports import Clock

_ALPHABET = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32."""
_OF_BYTE = _ALPHABET * 8
"""A character for each byte, every one as likely: a random byte makes 5 random bits."""
_RANDOM_CHARACTERS = 16
_NONCE_BYTES = 16
_BLOCK_BYTES = 4096
"""Asked of the system at once: every question gives the interpreter away, and a busy one has to be won back."""
_PAIRS = tuple(chr(a) + chr(b) for a in _ALPHABET for b in _ALPHABET)
_TIME_SHIFTS = (40, 30, 20, 10, 0)
"""48 bits of time are 10 characters: 5 pairs."""


class UlidIds:
    """Ids of 48 bits of time and 80 random bits (github.com/ulid/spec), ordered even if the clock steps back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest_ms = 0
        self._time = _base32(0)
        self._block = b""
        self._used = 0
        self._lock = Lock()

    def new(self, prefix: str) -> str:
        """Return `<prefix>_<ULID>`; ids of one millisecond come in no order."""
        with self._lock:
            now = self._clock.now_ms()
            if now > self._latest_ms:
                self._latest_ms, self._time = now, _base32(now)
            time, random = self._time, self._random(_RANDOM_CHARACTERS)
        return f"{prefix}_{time}{random.translate(_OF_BYTE).decode()}"

    def nonce(self) -> str:
        """Return 128 random bits as 22 URL-safe characters."""
        with self._lock:
            return urlsafe_b64encode(self._random(_NONCE_BYTES)).rstrip(b"=").decode()

    def _random(self, size: int) -> bytes:
        """Return bytes that nobody was given before; the lock is held."""
        if self._used + size > len(self._block):
            self._block, self._used = secrets.token_bytes(_BLOCK_BYTES), 0
        start = self._used
        self._used += size
        return self._block[start : self._used]


def _base32(time_ms: int) -> str:
    return "".join([_PAIRS[time_ms >> shift & 1023] for shift in _TIME_SHIFTS])
