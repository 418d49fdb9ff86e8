"""The only thread that writes: takes units of work from a queue and commits what waits as one transaction."""

import asyncio
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from gateway.adapters.store_files import DatabaseFiles
from gateway.adapters.store_log import LogTail, load_tail, save_tail
from gateway.adapters.store_tx import SqliteTx
from gateway.errors import StoreFault
from gateway.ports import Tx

# After a batch of several, the next callers are about to ask: waiting for them saves an fsync each (hot-path).
_LINGER_S = 0.001
_MAX_BATCH = 256


@dataclass(frozen=True, slots=True)
class Job:
    """A unit of work and who waits for it."""

    unit: Callable[[Tx], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a unit of work: what it returned, or what it raised."""

    value: Any = None
    error: Exception | None = None


class Writer:
    """Group-committing writer: an answer leaves only after the fsync of the transaction that holds its unit."""

    def __init__(self, files: DatabaseFiles, connection: sqlite3.Connection) -> None:
        self._files = files
        self._connection = connection
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._tail: LogTail | None = None
        self._closing = False
        self._gate = threading.Lock()
        self._thread = threading.Thread(target=self._main, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job; its future is answered on its loop."""
        with self._gate:
            if self._closing:
                raise _closed()
            self._queue.put(job)

    def close(self) -> None:
        """Commit what is queued, then end the thread and its connection."""
        with self._gate:
            self._closing = True
            self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _main(self) -> None:
        several = False
        while (job := self._queue.get()) is not None:
            if several:
                time.sleep(_LINGER_S)
            batch, last = self._drain(job)
            several = len(batch) > 1
            _answer(batch, self._commit(batch))
            if last:
                break

    def _drain(self, *first: Job) -> tuple[list[Job], bool]:
        batch = list(first)
        while len(batch) < _MAX_BATCH:
            try:
                job = self._queue.get_nowait()
            except Empty:
                break
            if job is None:
                return batch, True
            batch.append(job)
        return batch, False

    def _commit(self, batch: Sequence[Job]) -> Sequence[Answer]:
        """Run the units in one transaction; any failure of the transaction itself is every unit's."""
        try:
            self._files.check()
            self._connection.execute("BEGIN IMMEDIATE")
            if self._tail is None:
                self._tail = load_tail(self._connection)
            answers = [self._run(job.unit, self._tail) for job in batch]
            save_tail(self._connection, self._tail)
            self._connection.execute("COMMIT")
            self._files.check()
        except Exception as exc:  # noqa: BLE001 - a writer that dies would leave its callers waiting for ever
            self._abandon()
            return [Answer(error=_of_the_batch(exc)) for _ in batch]
        self._tail.saved = self._tail.end
        return answers

    def _run(self, unit: Callable[[Tx], Any], tail: LogTail) -> Answer:
        """Run one unit in its savepoint; raises what makes the whole transaction worthless."""
        before = tail.end
        self._connection.execute("SAVEPOINT unit")
        try:
            answer = Answer(unit(SqliteTx(self._connection, tail)))
        except BaseException as exc:  # whatever a unit raises is its caller's, and must not end the thread
            if not self._connection.in_transaction:
                raise _lost(exc) from exc
            self._connection.execute("ROLLBACK TO unit")
            tail.end = before
            answer = Answer(error=as_fault(exc))
        self._connection.execute("RELEASE unit")
        return answer

    def _abandon(self) -> None:
        """Undo the transaction and forget the copy of the log: only the database knows what holds now."""
        self._tail = None
        # A failed COMMIT may have rolled back by itself, and a broken disk refuses this too: the next BEGIN tells.
        with suppress(sqlite3.Error):
            self._connection.rollback()


def as_fault(exc: BaseException) -> Exception:
    """Return what a caller is to see: the database's errors as StoreFault, everything else as it is."""
    if isinstance(exc, sqlite3.IntegrityError):
        return _caused(StoreFault("STORE_CONFLICT", f"the row contradicts what is stored: {exc}"), exc)
    if isinstance(exc, sqlite3.OperationalError) and exc.sqlite_errorcode == sqlite3.SQLITE_READONLY:
        return _caused(StoreFault("STORE_READ_ONLY", "a unit of work that reads cannot write"), exc)
    if isinstance(exc, sqlite3.Error):
        return _caused(StoreFault("STORE_UNAVAILABLE", f"the database refused: {exc}"), exc)
    if isinstance(exc, StopIteration) or not isinstance(exc, Exception):
        # A future does not carry StopIteration; the others would end or cancel the caller's task in the unit's name.
        return _caused(RuntimeError(f"a unit of work ended with {exc!r}"), exc)
    return exc


def _of_the_batch(exc: Exception) -> Exception:
    """Return one caller's own copy of what befell its whole batch."""
    code = exc.code if isinstance(exc, StoreFault) else "STORE_UNAVAILABLE"
    return _caused(StoreFault(code, f"nothing was stored: {exc}"), exc)


def _lost(exc: BaseException) -> StoreFault:
    return StoreFault("STORE_UNAVAILABLE", f"the database gave up the transaction: {exc}")


def _closed() -> StoreFault:
    return StoreFault("STORE_CLOSED", "the store is closed")


def _caused(fault: Exception, cause: BaseException) -> Exception:
    fault.__cause__ = cause
    return fault


def _answer(batch: Sequence[Job], answers: Sequence[Answer]) -> None:
    """Wake each waiting loop once for all of its answers."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Job, Answer]]] = defaultdict(list)
    for job, answer in zip(batch, answers, strict=True):
        by_loop[job.loop].append((job, answer))
    for loop, pairs in by_loop.items():
        # A loop that has been closed has nobody left to tell; what was committed stays committed.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, pairs)


def _settle(pairs: Sequence[tuple[Job, Answer]]) -> None:
    for job, answer in pairs:
        if job.future.done():
            continue
        if answer.error is None:
            job.future.set_result(answer.value)
        else:
            job.future.set_exception(answer.error)
