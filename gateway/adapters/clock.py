"""The system's clock behind the Clock port."""

import asyncio
import time

# A wall clock can be set, and stands still while a machine sleeps: look again at least this often.
_LONGEST_NAP_MS = 1_000


class SystemClock:
    """Wall time of this machine."""

    def now_ms(self) -> int:
        """Return Unix milliseconds."""
        return time.time_ns() // 1_000_000

    async def sleep_until(self, at_ms: int) -> None:
        """Return once `now_ms() >= at_ms`, also when the wall clock was set meanwhile."""
        while (left := at_ms - self.now_ms()) > 0:  # noqa: ASYNC110 - time passing is no event that could be awaited
            await asyncio.sleep(min(left, _LONGEST_NAP_MS) / 1_000)
