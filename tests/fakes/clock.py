"""A clock that stands still until a test moves it."""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

START_MS = 1_700_000_000_000


class VirtualClock:
    """Implements the Clock port: time passes only in `advance` and `run_until`, and wakes sleepers singly, in order.

    After each wake-up everything that can run does run before time goes on. What runs on other threads (a store's
    writer, say) is not seen by the event loop: `busy` tells that somebody is still waited for.
    """

    def __init__(self, start_ms: int = START_MS, busy: Callable[[], bool] = lambda: False) -> None:
        self._now_ms = start_ms
        self._busy = busy
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    def now_ms(self) -> int:
        return self._now_ms

    async def sleep_until(self, at_ms: int) -> None:
        if at_ms <= self._now_ms:
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (at_ms, next(self._order), woken))
        await woken

    async def advance(self, ms: int) -> None:
        """Let so many milliseconds pass."""
        await self.run_until(self._now_ms + ms)

    async def run_until(self, at_ms: int) -> None:
        """Let time pass until `at_ms`; a time in the past only lets everything run that can."""
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= at_ms:
            wake_ms, _, woken = heapq.heappop(self._sleepers)
            if woken.done():
                continue  # its task was cancelled
            self._now_ms = max(self._now_ms, wake_ms)
            woken.set_result(None)
            await self.settle()
        self._now_ms = max(self._now_ms, at_ms)

    async def leap(self, ms: int) -> None:
        """Let time pass at once, as while a process was stopped: sleepers wake late, all at the same moment."""
        await self.settle()
        self._now_ms += ms
        await self.run_until(self._now_ms)

    def next_wake_ms(self) -> int | None:
        """Return when the first sleeper wants to be woken."""
        return min((at_ms for at_ms, _, woken in self._sleepers if not woken.done()), default=None)

    async def settle(self) -> None:
        """Return once nothing can run any more without time passing."""
        await asyncio.sleep(0)
        while self._runnable() or self._busy():  # noqa: ASYNC110 - nothing tells that a loop has become idle
            # Another thread needs the processor to finish; a moment of real time is nothing to this clock.
            await asyncio.sleep(0.0002 if self._busy() else 0)

    @staticmethod
    def _runnable() -> bool:
        return bool(asyncio.get_running_loop()._ready)  # type: ignore[attr-defined]  # no public name for it
