"""Wake-ups inside one process: watchers of actions, the driver, the log; never the source of truth."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator

from gateway.core.checkpoint import Checkpoint
from gateway.ports import SwitchRow
from gateway.service.live import Live
from gateway.service.views import OutputView

_QUEUE = 1024


class Bus:
    """Tell watchers that an action changed; a watcher that falls behind is told to read again."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Queue[OutputView | None]]] = defaultdict(set)
        self.driver = asyncio.Event()
        self.fires_ms = 0
        """When the driver looks next; a timer that is due earlier wakes it."""
        self.switches: tuple[SwitchRow, ...] = ()
        """The switches that are on, as of the last change in this process; BeginAttempt reads the store."""
        self.withdrawn: frozenset[str] = frozenset()
        """Policy revisions by which nothing is decided any more."""
        self.signed: Checkpoint | None = None
        """The newest checkpoint that this process signed, or checked the signature of."""
        self.live = Live()
        self.log = asyncio.Condition()

    def armed(self, at_ms: int) -> None:
        """Wake the driver if it would look later than this."""
        if at_ms < self.fires_ms:
            self.driver.set()

    def changed(self, action: str) -> None:
        """Wake the watchers of an action."""
        for queue in self._watchers.get(action, ()):
            _offer(queue, None)

    def chunk(self, action: str, output: OutputView) -> None:
        """Hand live output to the watchers of an action; it is not recorded."""
        for queue in self._watchers.get(action, ()):
            _offer(queue, output)

    async def logged(self) -> None:
        """Wake whoever follows the log."""
        async with self.log:
            self.log.notify_all()

    async def watch(self, action: str) -> AsyncGenerator[OutputView | None, None]:
        """Yield live output, and None for every change of state; begins with None."""
        queue: asyncio.Queue[OutputView | None] = asyncio.Queue(_QUEUE)
        queue.put_nowait(None)
        self._watchers[action].add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._watchers[action].discard(queue)
            if not self._watchers[action]:
                del self._watchers[action]


def _offer(queue: "asyncio.Queue[OutputView | None]", item: OutputView | None) -> None:
    if queue.full():
        queue.get_nowait()
        item = None
    queue.put_nowait(item)
