"""When a call is tried again: only when it may pass, and always with the same request_id."""

from dataclasses import dataclass

from agent_client.errors import CountermandError, Unavailable


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how patiently; `attempts=1` never tries again."""

    attempts: int = 5
    first_s: float = 0.05
    """Longest pause before the second attempt; doubles each time."""
    most_s: float = 2.0

    def delay_s(self, attempt: int, error: CountermandError, jitter: float) -> float | None:
        """Return the pause after a failed attempt (1, 2, …), or None when the error is final."""
        if not isinstance(error, Unavailable) or attempt >= self.attempts:
            return None
        return self.pause_s(attempt, jitter)

    def pause_s(self, attempt: int, jitter: float) -> float:
        """Return a pause that grows with each attempt; `jitter` in [0, 1) spreads callers that failed together."""
        return jitter * min(self.most_s, self.first_s * 2.0 ** min(attempt - 1, 16))
