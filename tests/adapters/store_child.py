"""A process of its own for the tests of the store: opens it, writes, and is hurt in the way it is told."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from gateway.adapters import store_writer
from gateway.adapters.store_sqlite import SqliteStore
from gateway.errors import StoreFault
from gateway.ports import Tx


def append(leaf: bytes) -> Callable[[Tx], int]:
    return lambda tx: tx.append_leaf(leaf, action="act_1", kind="decision")


def say(text: str) -> None:
    # One write, no buffer: a line that was seen was acknowledged.
    os.write(1, f"{text}\n".encode())


async def write(store: SqliteStore) -> None:
    async def writer(number: int) -> None:
        for step in range(1000):
            await store.write(append(b"%d/%d" % (number, step)))
            say(f"{number}/{step}")

    await asyncio.gather(*(writer(number) for number in range(8)))


async def die_before_answer(store: SqliteStore) -> None:
    answered = store_writer._answer
    batches = 0

    def die_at_the_fifth(batch: list[store_writer.Job], answers: list[store_writer.Answer]) -> None:
        nonlocal batches
        batches += 1
        if batches == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        answered(batch, answers)

    store_writer._answer = die_at_the_fifth  # type: ignore[assignment]
    await write(store)


async def file_size_limit(store: SqliteStore, path: Path) -> None:
    """Make the disk refuse: no file may grow past the present end of the write-ahead log."""
    say(str(await store.write(append(b"before"))))
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(f"{path.name}-wal").stat().st_size, -1))
    for answer in await asyncio.gather(*(store.write(append(b"lost")) for _ in range(2)), return_exceptions=True):
        say(answer.code if isinstance(answer, StoreFault) else repr(answer))
    head = await store.read(lambda tx: tx.log_head())
    say(f"size {head.size}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    say(str(await store.write(append(b"after"))))


async def main(path: Path, what: str) -> int:
    try:
        store = SqliteStore.open(path)
    except StoreFault as fault:
        say(fault.code)
        return 1
    if what == "write":
        await write(store)
    elif what == "die-before-answer":
        await die_before_answer(store)
    elif what == "file-size-limit":
        await file_size_limit(store, path)
    await store.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), sys.argv[2])))
