"""The deadline of the work at hand, for targets that must not begin what could outlive it."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_UNTIL: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Set the deadline for everything that runs inside, tasks and threads included."""
    token = _UNTIL.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _UNTIL.reset(token)


def left_s() -> float:
    """Return the seconds that are left; infinite outside any work."""
    return _UNTIL.get() - time.monotonic()
