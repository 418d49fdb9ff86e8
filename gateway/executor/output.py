"""Output of a step: kept up to a limit, and shown to watchers while it grows."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

OnChunk = Callable[[bytes], Awaitable[None]]
CHUNK_BYTES = 32_768
"""What watchers get at once; far below the gRPC message limit."""
CHUNK_S = 0.5
"""How long output may wait for more before watchers get it."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Why output ends though there would be more."""

    code: str
    detail: str


class Output:
    """Bytes up to `limit`; what comes later is dropped, and `truncated` says so.

    Watchers get large or slow output in pieces. Small and quick output is not streamed at all: it comes with the
    outcome of the step, which follows at once.
    """

    def __init__(self, limit: int, on_chunk: OnChunk, now_s: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._on_chunk = on_chunk
        self._kept = bytearray()
        self._shown = 0
        self._now_s = now_s
        self._shown_at = now_s()
        self.truncated = False
        self.ended: Cut | None = None

    @property
    def room(self) -> int:
        """Return how many bytes would still be kept."""
        return self._limit - len(self._kept)

    async def add(self, data: bytes) -> None:
        """Keep what fits."""
        fits = data[: self._limit - len(self._kept)]
        self.truncated = self.truncated or len(fits) < len(data)
        self._kept += fits
        waiting = len(self._kept) - self._shown
        if waiting >= CHUNK_BYTES or (waiting and self._now_s() - self._shown_at >= CHUNK_S):
            await self._show()

    async def add_line(self, line: bytes) -> bool:
        """Keep a whole line, or nothing of it; false when it did not fit."""
        if self.truncated or len(self._kept) + len(line) > self._limit:
            self.truncated = True
            return False
        await self.add(line)
        return True

    def cut(self, why: Cut) -> None:
        """Say that there would be more, and why it ends here."""
        self.truncated, self.ended = True, why

    async def show(self) -> None:
        """Show watchers what has come since they were shown something."""
        if self._shown < len(self._kept):
            await self._show()

    async def finish(self) -> bytes:
        """Return what was kept, and show the rest of it where a part was shown."""
        if self._shown:
            await self._show()
        return bytes(self._kept)

    async def _show(self) -> None:
        while self._shown < len(self._kept):
            piece = bytes(self._kept[self._shown : self._shown + CHUNK_BYTES])
            self._shown += len(piece)
            await self._on_chunk(piece)
        self._shown_at = self._now_s()
