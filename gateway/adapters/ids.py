"""ULIDs behind the Ids port."""

import secrets
from threading import Lock

from gateway.ports import Clock

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
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
    return "".join(_ALPHABET[value >> shift & 31] for shift in range((_LENGTH - 1) * 5, -1, -5))
