"""Waiting for an action: what both clients do with the events of a watch."""

from dataclasses import dataclass, field

from agent_client.errors import CountermandError, DeadlineExceeded, Unavailable
from agent_client.retry import Retry
from agent_client.types import Action, Output, State


@dataclass(slots=True)
class Waiting:
    """One wait; a gateway that restarts meanwhile is watched again until the time is up."""

    action: str
    until: frozenset[State]
    deadline_s: float
    """On the monotonic clock."""
    retry: Retry
    _state: str = field(default="not known", init=False)
    _failures: int = field(default=0, init=False)

    def remaining_s(self, now_s: float) -> float:
        """Return the seconds that are left; raises DeadlineExceeded when none are."""
        left = self.deadline_s - now_s
        if left <= 0:
            message = f"the state of `{self.action}` is {self._state}"
            raise DeadlineExceeded("WAIT_TIMEOUT", message, metadata={"state": self._state})
        return left

    def take(self, event: Action | Output) -> Action | None:
        """Return the action when the wait is over."""
        self._failures = 0
        if isinstance(event, Output):
            return None
        self._state = event.state.value
        return event if event.state in self.until or event.is_final else None

    def pause_s(self, error: CountermandError, jitter: float) -> float:
        """Return how long to pause before watching again; raises the error when it is final."""
        if isinstance(error, DeadlineExceeded):
            return 0.0
        if not isinstance(error, Unavailable):
            raise error
        self._failures += 1
        return self.retry.pause_s(self._failures, jitter)


WATCH_ENDED = Unavailable("WATCH_ENDED", "the gateway ended the watch")
