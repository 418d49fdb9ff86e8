"""ULIDs behind the Ids port."""

import secrets
from threading import Lock

from gateway.ports import Clock

_ALPHABET = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32."""
_OF_BYTE = _ALPHABET * 8
"""A character for each byte, every one as likely: a random byte makes 5 random bits."""
_RANDOM_CHARACTERS = 16
_PAIRS = tuple(chr(a) + chr(b) for a in _ALPHABET for b in _ALPHABET)
_TIME_SHIFTS = (40, 30, 20, 10, 0)
"""48 bits of time are 10 characters: 5 pairs."""


class UlidIds:
    """Ids of 48 bits of time and 80 random bits (github.com/ulid/spec), ordered even if the clock steps back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest_ms = 0
        self._time = _base32(0)
        self._lock = Lock()

    def new(self, prefix: str) -> str:
        """Return `<prefix>_<ULID>`; ids of one millisecond come in no order."""
        with self._lock:
            now = self._clock.now_ms()
            if now > self._latest_ms:
                self._latest_ms, self._time = now, _base32(now)
            time = self._time
        return f"{prefix}_{time}{secrets.token_bytes(_RANDOM_CHARACTERS).translate(_OF_BYTE).decode()}"

    def nonce(self) -> str:
        """Return 128 random bits as 22 URL-safe characters."""
        return secrets.token_urlsafe(16)


def _base32(time_ms: int) -> str:
    return "".join([_PAIRS[time_ms >> shift & 1023] for shift in _TIME_SHIFTS])
