"""Call something for a while from some callers, and keep how long each call took."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Figures:
    """One slice: calls of one variant by so many callers."""

    p50_us: float
    p99_us: float
    rate: float
    """Calls a second."""
    calls: int


async def load(call: Call, callers: int, seconds: float, took: list[int] | None = None) -> Figures:
    """Let every caller call again and again until the time is over; raises what a call raises.

    The nanoseconds of every call are appended to `took`, in the order of their ends.
    """
    took = [] if took is None else took
    began = time.perf_counter_ns()
    end = began + int(seconds * 1e9)

    async def caller() -> None:
        while (at := time.perf_counter_ns()) < end:
            await call()
            took.append(time.perf_counter_ns() - at)

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
    return figures(took, (time.perf_counter_ns() - began) / 1e9)


def figures(took_ns: Sequence[int], seconds: float) -> Figures:
    """Return the figures of calls that took so long each, in so many seconds together."""
    ordered = sorted(took_ns)
    return Figures(quantile(ordered, 0.5) / 1e3, quantile(ordered, 0.99) / 1e3, len(ordered) / seconds, len(ordered))


def quantile(ordered: Sequence[int], share: float) -> int:
    """Return the value below which that share of an ascending sequence lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
