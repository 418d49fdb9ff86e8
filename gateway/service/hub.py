"""The executors that are attached now, and the work that was handed to them."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.service.views import WorkView

T = TypeVar("T")

_WAITING = 1_000
"""How much work may wait for an executor that does not keep up; a due row offers again what finds no room."""
_REMEMBERED = 100_000
"""How many actions this process remembers to have begun; older ones are only compared with the log."""


@dataclass(slots=True, eq=False)
class Session:
    """One executor's line; `close` forgets it and what it had in hand."""

    audience: str
    instance: str
    close: Callable[[], None]
    process: str = ""
    """The instance as the executor itself names it."""
    concurrency: int = 0
    """How much it does at once; 0 for one that did not tell."""
    promised: int = 0
    """How many places are kept for work that is being recorded."""
    queue: "asyncio.Queue[WorkView]" = field(default_factory=lambda: asyncio.Queue(_WAITING))

    async def next(self) -> WorkView:
        """Return the next piece of work."""
        return await self.queue.get()


class Hub:
    """Route work by audience; what is lost here is offered again by a due row."""

    def __init__(self) -> None:
        self._sessions: dict[str, list[Session]] = {}
        self._open: dict[str, tuple[Session, WorkView]] = {}
        self._absent: dict[str, int] = {}
        """Audience → since when this process knows that nobody serves it."""
        self._begun: OrderedDict[str, None] = OrderedDict()
        self._distrusted: OrderedDict[tuple[str, str], None] = OrderedDict()

    def open(self, audience: str, instance: str, *, process: str = "", concurrency: int = 0) -> Session:
        """Attach an executor to an audience."""
        session = Session(audience, instance, lambda: self._close(session), process, concurrency)
        self._sessions.setdefault(audience, []).append(session)
        self._absent.pop(audience, None)
        return session

    def absent_since(self, audience: str, now_ms: int) -> int | None:
        """Return since when nobody serves an audience, as far as this process knows; None when somebody does."""
        return None if self.serves(audience) else self._absent.setdefault(audience, now_ms)

    def send(self, audience: str, work: WorkView) -> bool:
        """Hand work to the session with least in hand; false when none is attached, or none keeps up.

        One that hangs finishes nothing: what is offered again goes to another, if there is one.
        """
        sessions = self._sessions.get(audience, ())
        if not sessions:
            return False
        in_hand = self._in_hand()
        return self.hand(min(sessions, key=lambda s: in_hand[id(s)]), work)

    def hand(self, session: Session, work: WorkView) -> bool:
        """Hand work to one session; false when it went away, or does not keep up."""
        if session.queue.full() or session not in self._sessions.get(session.audience, ()):
            return False
        self._open[work.work_id] = (session, work)
        session.queue.put_nowait(work)
        return True

    @contextmanager
    def place(self, audience: str) -> Iterator[Session | None]:
        """Keep a place at a session that would do work at once, until it is handed; None when each has its hands full.

        Of a process that attached twice only the newer line counts: the other one is dead, and nobody has noticed yet.
        """
        in_hand = self._in_hand()
        lines = {session.instance: session for session in self._sessions.get(audience, ())}
        rooms = {s: s.concurrency - s.promised - in_hand[id(s)] for s in lines.values() if not s.queue.full()}
        session = max(rooms, key=lambda s: rooms[s], default=None)
        if session is None or rooms[session] <= 0:
            yield None
            return
        session.promised += 1
        try:
            yield session
        finally:
            session.promised -= 1

    def _in_hand(self) -> Counter[int]:
        return Counter(id(holder) for holder, _ in self._open.values())

    def work(self, work_id: str, action: str) -> WorkView | None:
        """Return work that was handed out and not finished, if it belongs to the action."""
        found = self._open.get(work_id)
        return found[1] if found is not None and found[1].action == action else None

    def instance(self, work_id: str) -> str:
        """Return the executor that work was handed to; empty for work that is not in hand."""
        found = self._open.get(work_id)
        return found[0].instance if found is not None else ""

    def begun(self, action: str) -> None:
        """Remember that an action was begun: it is not granted again."""
        _remember(self._begun, action)

    def has_begun(self, action: str) -> bool:
        """Tell whether this process let an action begin."""
        return action in self._begun

    def distrust(self, action: str, row: str) -> bool:
        """Remember that a row of an action was found edited; tells whether it is news."""
        known = (action, row) in self._distrusted
        _remember(self._distrusted, (action, row))
        return not known

    def finish(self, work_id: str) -> None:
        """Forget work that reported its last result."""
        self._open.pop(work_id, None)

    def busy(self, action: str, purpose: str) -> bool:
        """Tell whether work of this purpose is handed out for an action."""
        return any(w.action == action and w.purpose == purpose for _, w in self._open.values())

    def expire(self, now_ms: int) -> None:
        """Forget work whose deadline is past; its observations, probes and samples are refused from now on."""
        for work_id in [w.work_id for _, w in self._open.values() if w.deadline_ms < now_ms]:
            del self._open[work_id]

    def serves(self, audience: str) -> bool:
        """Tell whether an executor of this audience is attached."""
        return audience in self._sessions

    @property
    def audiences(self) -> tuple[str, ...]:
        """Return the audiences that are served now."""
        return tuple(sorted(self._sessions))

    def _close(self, session: Session) -> None:
        self._open = {k: v for k, v in self._open.items() if v[0] is not session}
        self._sessions[session.audience].remove(session)
        if not self._sessions[session.audience]:
            del self._sessions[session.audience]


def _remember(known: "OrderedDict[T, None]", item: T) -> None:
    known[item] = None
    known.move_to_end(item)
    if len(known) > _REMEMBERED:
        known.popitem(last=False)
