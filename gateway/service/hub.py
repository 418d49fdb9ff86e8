"""The executors that are attached now, and the work that was handed to them."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from gateway.service.views import WorkView


@dataclass(slots=True)
class _Session:
    instance: str
    queue: "asyncio.Queue[WorkView]"


class Hub:
    """Route work by audience; what is lost here is offered again by a due row."""

    def __init__(self) -> None:
        self._sessions: dict[str, list[_Session]] = {}
        self._open: dict[str, tuple[_Session, WorkView]] = {}
        self.attached = asyncio.Event()

    async def attach(self, audience: str, instance: str) -> AsyncGenerator[WorkView, None]:
        """Yield the work of an audience until the executor goes away."""
        session = _Session(instance, asyncio.Queue())
        self._sessions.setdefault(audience, []).append(session)
        self.attached.set()
        try:
            while True:
                yield await session.queue.get()
        finally:
            self._open = {k: v for k, v in self._open.items() if v[0] is not session}
            self._sessions[audience].remove(session)
            if not self._sessions[audience]:
                del self._sessions[audience]

    def send(self, audience: str, work: WorkView) -> bool:
        """Hand work to the session with the shortest queue; false when none is attached."""
        sessions = self._sessions.get(audience, ())
        if not sessions:
            return False
        session = min(sessions, key=lambda s: s.queue.qsize())
        self._open[work.work_id] = (session, work)
        session.queue.put_nowait(work)
        return True

    def work(self, work_id: str, action: str) -> WorkView | None:
        """Return work that was handed out and not finished, if it belongs to the action."""
        found = self._open.get(work_id)
        return found[1] if found is not None and found[1].action == action else None

    def finish(self, work_id: str) -> None:
        """Forget work that reported its last result."""
        self._open.pop(work_id, None)

    def busy(self, action: str, purpose: str) -> bool:
        """Tell whether work of this purpose is handed out for an action."""
        return any(w.action == action and w.purpose == purpose for _, w in self._open.values())

    def expire(self, now_ms: int) -> None:
        """Forget work whose deadline is long past; its reports are refused from now on."""
        for work_id in [w.work_id for _, w in self._open.values() if w.deadline_ms < now_ms]:
            del self._open[work_id]

    @property
    def audiences(self) -> tuple[str, ...]:
        """Return the audiences that are served now."""
        return tuple(sorted(self._sessions))
