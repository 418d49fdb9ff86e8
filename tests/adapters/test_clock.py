import asyncio
import time

import pytest

from gateway.adapters.clock import SystemClock

pytestmark = pytest.mark.anyio


def test_the_system_clock_tells_unix_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    assert before <= SystemClock().now_ms() <= time.time_ns() // 1_000_000


async def test_a_sleeper_wakes_no_earlier_than_it_asked() -> None:
    clock = SystemClock()
    at_ms = clock.now_ms() + 15
    await clock.sleep_until(at_ms)
    assert clock.now_ms() >= at_ms


async def test_a_time_in_the_past_is_not_waited_for() -> None:
    async with asyncio.timeout(1):
        await SystemClock().sleep_until(0)


class SetForward(SystemClock):
    """A clock that somebody sets an hour forward after its first look."""

    def __init__(self) -> None:
        self.looks = 0

    def now_ms(self) -> int:
        self.looks += 1
        return 0 if self.looks == 1 else 3_600_000


async def test_a_clock_that_is_set_forward_wakes_its_sleepers_within_a_nap() -> None:
    async with asyncio.timeout(10):
        await SetForward().sleep_until(3_600_000)
