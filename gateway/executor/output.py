"""Output of a step: streamed while it comes, kept up to a limit."""

from collections.abc import Awaitable, Callable

OnChunk = Callable[[bytes], Awaitable[None]]
CHUNK_BYTES = 32_768
"""What watchers get at once; far below the gRPC message limit."""


class Output:
    """Bytes up to `limit`; what comes later is dropped, and `truncated` says so."""

    def __init__(self, limit: int, on_chunk: OnChunk) -> None:
        self._limit = limit
        self._on_chunk = on_chunk
        self._kept = bytearray()
        self.truncated = False

    @property
    def full(self) -> bool:
        """Tell whether anything more would be dropped."""
        return self.truncated or len(self._kept) >= self._limit

    async def add(self, data: bytes) -> None:
        """Keep and stream what fits."""
        fits = data[: self._limit - len(self._kept)]
        self.truncated = self.truncated or len(fits) < len(data)
        self._kept += fits
        for start in range(0, len(fits), CHUNK_BYTES):
            await self._on_chunk(fits[start : start + CHUNK_BYTES])

    async def add_line(self, line: bytes) -> bool:
        """Keep and stream a whole line, or nothing of it; false when it did not fit."""
        if self.truncated or len(self._kept) + len(line) > self._limit:
            self.truncated = True
            return False
        await self.add(line)
        return True

    def bytes(self) -> bytes:
        """Return what was kept."""
        return bytes(self._kept)
