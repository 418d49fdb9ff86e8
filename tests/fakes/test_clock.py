import asyncio

import pytest

from tests.fakes.clock import START_MS, VirtualClock
from tests.fakes.store import WatchedStore

pytestmark = pytest.mark.anyio


async def test_time_stands_still_until_it_is_moved() -> None:
    clock = VirtualClock()
    assert clock.now_ms() == START_MS
    await clock.advance(250)
    assert clock.now_ms() == START_MS + 250


async def test_sleepers_wake_in_order_and_each_at_its_own_time() -> None:
    clock = VirtualClock(start_ms=0)
    woken: list[tuple[str, int]] = []

    async def sleeper(name: str, at_ms: int) -> None:
        await clock.sleep_until(at_ms)
        woken.append((name, clock.now_ms()))

    async with asyncio.TaskGroup() as tasks:
        for name, at_ms in (("c", 30), ("a", 10), ("b", 20), ("b2", 20), ("late", 99)):
            tasks.create_task(sleeper(name, at_ms))
        await clock.run_until(30)
        assert woken == [("a", 10), ("b", 20), ("b2", 20), ("c", 30)]
        assert clock.next_wake_ms() == 99
        await clock.run_until(99)


async def test_a_loop_of_naps_runs_as_often_as_its_time_allows() -> None:
    clock = VirtualClock(start_ms=0)
    ticks: list[int] = []

    async def ticker() -> None:
        while True:
            await clock.sleep_until(clock.now_ms() + 10)
            ticks.append(clock.now_ms())

    task = asyncio.create_task(ticker())
    await clock.advance(35)
    assert ticks == [10, 20, 30]
    task.cancel()
    await clock.settle()
    assert clock.next_wake_ms() is None
    assert clock.now_ms() == 35


async def test_a_time_that_has_come_is_not_waited_for() -> None:
    clock = VirtualClock(start_ms=5)
    async with asyncio.timeout(1):
        await clock.sleep_until(5)


async def test_time_waits_for_the_store_before_it_goes_on() -> None:
    store = WatchedStore.in_memory()
    clock = VirtualClock(start_ms=0, busy=store.busy)
    seen: list[tuple[int, int]] = []

    async def worker() -> None:
        for _ in range(5):
            await clock.sleep_until(clock.now_ms() + 10)
            index = await store.write(lambda tx: tx.append_leaf(b"x", action="", kind="tick"))
            seen.append((index, clock.now_ms()))

    task = asyncio.create_task(worker())
    await clock.advance(100)
    assert seen == [(0, 10), (1, 20), (2, 30), (3, 40), (4, 50)]
    await task
    await store.close()
