"""The only connection that writes: units of work run in their caller's thread, a thread of its own commits them.

While one batch waits for its fsync the next one gathers; it runs in one go as soon as the commit is done. Units are
short and spend their time in the interpreter, which one thread at a time can have: in a thread of their own they would
hand it back and forth with the event loop at every statement, and both would be slower (measured: by a third).
"""

import asyncio
import sqlite3
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from gateway.adapters.store_files import DatabaseFiles
from gateway.adapters.store_log import LogTail, load_tail, save_tail
from gateway.adapters.store_tx import SqliteTx
from gateway.errors import StoreFault
from gateway.ports import Tx

# After a batch of several, as many callers are about to ask: waiting for them saves pages and an fsync each (hot-path).
_LINGER_S = 0.0005
_MAX_LINGER_S = 0.004
_MAX_BATCH = 64
_BUSY_S = 5.0
"""How long somebody else (a person with a database shell) may hold the write lock."""
_BUSY_POLL_S = 0.001


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


@dataclass(slots=True)
class Batch:
    """Units of work that share a transaction."""

    jobs: Sequence[Job]
    answers: Sequence[Answer] | None = None
    """None while they have not run, because the write lock was taken; they run in the committing thread then."""


class Writer:
    """Group-committing writer: an answer leaves only after the fsync of the transaction that holds its unit.

    At any time one thread at most has the connection: that which runs a batch, or the one that commits it.
    """

    def __init__(self, files: DatabaseFiles, connection: sqlite3.Connection) -> None:
        self._files = files
        self._connection = connection
        self._connection.execute("PRAGMA busy_timeout = 0")  # an event loop must not wait for somebody's lock
        self._tail: LogTail | None = None
        self._memory: dict[str, Any] = {}
        """What units of work read of small tables; nobody else writes them, and whatever is undone empties it."""
        self._waiting: deque[Job] = deque()
        self._busy = False
        """Whether a batch runs, commits, or was asked for."""
        self._asked: asyncio.AbstractEventLoop | None = None
        """The loop that was asked to run the next batch."""
        self._closing = False
        self._gate = threading.Lock()
        self._batches: SimpleQueue[Batch | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._main, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Take a job in the thread of its loop, on which its future is answered."""
        with self._gate:
            if self._closing:
                raise _closed()
            self._waiting.append(job)
            if self._busy and not self._forgotten():
                return
            self._busy = True
        self._run_batch()

    def close(self) -> None:
        """Commit what waits, then end the thread and its connection."""
        with self._gate:
            self._closing = True
            forgotten = self._forgotten()
            if not self._busy:
                self._batches.put(None)
        if forgotten:
            self._run_batch()
        self._thread.join()
        self._connection.close()

    def _forgotten(self) -> bool:
        """Tell whether the loop that was asked to run the next batch ended before it did."""
        return self._asked is not None and self._asked.is_closed()

    def _run_batch(self) -> None:
        """Run what waits in one transaction, in this thread, and let the other one commit it."""
        with self._gate:
            self._asked = None
            jobs = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MAX_BATCH))]
        batch = Batch(jobs)
        try:
            self._run_all(batch)
        finally:
            self._batches.put(batch)  # also when a signal interrupts: it is given up there, and nobody waits for ever

    def _main(self) -> None:
        while (batch := self._batches.get()) is not None:
            _answer(batch.jobs, self._commit(batch))
            if len(batch.jobs) > 1:
                time.sleep(min(len(batch.jobs) * _LINGER_S, _MAX_LINGER_S))
            self._go_on()

    def _go_on(self) -> None:
        """Have the next batch run by the loop that waits longest, or here if that one has ended."""
        with self._gate:
            self._busy = bool(self._waiting)
            if not self._busy:
                if self._closing:
                    self._batches.put(None)
                return
            self._asked = None if self._closing else self._waiting[0].loop
        try:
            if self._asked is not None:
                self._asked.call_soon_threadsafe(self._run_batch)
                return
        except RuntimeError:
            pass  # closed: whoever waited there is gone
        self._run_batch()

    def _run_all(self, batch: Batch, deadline: float | None = None) -> None:
        """Run the units in one transaction; any failure of the transaction itself is every unit's.

        Without a deadline the batch is left as it is while somebody else has the write lock.
        """
        try:
            self._execute("BEGIN IMMEDIATE", deadline or 0.0)
            tail = self._tail = self._tail or load_tail(self._connection)
            alone = len(batch.jobs) == 1
            answers = [self._run(job.unit, tail, alone=alone) for job in batch.jobs]
            save_tail(self._connection, tail)
            batch.answers = answers  # only now is the transaction whole
        except Exception as exc:  # noqa: BLE001 - a writer that gives up would leave its callers waiting for ever
            locked = _is_busy(exc) and not self._connection.in_transaction
            if deadline is not None or not locked:
                batch.answers = self._failed(batch, exc)

    def _execute(self, sql: str, deadline: float) -> None:
        """Run BEGIN or COMMIT, again and again until a deadline of `time.monotonic` while somebody else has a lock."""
        while True:
            try:
                self._connection.execute(sql)
            except sqlite3.OperationalError as exc:
                if not _is_busy(exc) or time.monotonic() > deadline:
                    raise
                time.sleep(_BUSY_POLL_S)
            else:
                return

    def _commit(self, batch: Batch) -> Sequence[Answer]:
        """Make a batch durable and return what its callers are to hear."""
        if batch.answers is None:
            self._run_all(batch, time.monotonic() + _BUSY_S)
        assert batch.answers is not None
        if self._tail is None or not self._connection.in_transaction:
            return batch.answers  # there is nothing to commit: it was given up
        try:
            self._files.check()
            self._execute("COMMIT", time.monotonic() + _BUSY_S)
            self._files.check()
        except Exception as exc:  # noqa: BLE001 - see above
            return self._failed(batch, exc)
        self._tail.saved = self._tail.end
        return batch.answers

    def _run(self, unit: Callable[[Tx], Any], tail: LogTail, *, alone: bool) -> Answer:
        """Run one unit, in a savepoint unless it is alone; raises what makes the whole transaction worthless."""
        before = tail.end
        if not alone:
            self._connection.execute("SAVEPOINT unit")
        try:
            answer = Answer(unit(SqliteTx(self._connection, tail, self._memory)))
        except BaseException as exc:  # whatever a unit raises is its caller's, and must not end the thread
            if not self._connection.in_transaction:
                raise _lost(exc) from exc
            self._connection.execute("ROLLBACK" if alone else "ROLLBACK TO unit")
            tail.end = before
            self._memory.clear()
            read_on(self._connection, exc)
            answer = Answer(error=as_fault(exc))
        if not alone:
            self._connection.execute("RELEASE unit")
        return answer

    def _failed(self, batch: Batch, exc: Exception) -> Sequence[Answer]:
        """Undo the transaction and forget the copy of the log: only the database knows what holds now."""
        self._tail = None
        self._memory.clear()
        # A failed COMMIT may have rolled back by itself, and a broken disk refuses this too: the next BEGIN tells.
        with suppress(sqlite3.Error):
            self._connection.rollback()
        return [Answer(error=_of_the_batch(exc)) for _ in batch.jobs]


def as_fault(exc: BaseException) -> Exception:
    """Return what a caller is to see: the database's errors as StoreFault, everything else as it is."""
    if isinstance(exc, sqlite3.IntegrityError):
        return _caused(StoreFault("STORE_CONFLICT", f"the row contradicts what is stored: {exc}"), exc)
    if isinstance(exc, sqlite3.OperationalError) and _error_of(exc) == sqlite3.SQLITE_READONLY:
        return _caused(StoreFault("STORE_READ_ONLY", "a unit of work that reads cannot write"), exc)
    if isinstance(exc, sqlite3.Error):
        return _caused(StoreFault("STORE_UNAVAILABLE", f"the database refused: {exc}"), exc)
    if isinstance(exc, StopIteration) or not isinstance(exc, Exception):
        # A future does not carry StopIteration; the others would end or cancel the caller's task in the unit's name.
        return _caused(RuntimeError(f"a unit of work ended with {exc!r}"), exc)
    return exc


def _error_of(exc: sqlite3.OperationalError) -> int | None:
    """Return the code of SQLite; an error of Python's own module has none."""
    return getattr(exc, "sqlite_errorcode", None)


def read_on(connection: sqlite3.Connection, exc: BaseException) -> None:
    """Let a connection that met text which is no UTF-8 read it from now on; what was edited so has another digest.

    Not from the first: a function for each text cell costs every decision.
    """
    if isinstance(exc, sqlite3.OperationalError) and "decode to UTF-8" in str(exc):
        connection.text_factory = _lenient


def _lenient(data: bytes) -> str:
    return data.decode(errors="replace")


def _is_busy(exc: Exception) -> bool:
    return isinstance(exc, sqlite3.OperationalError) and _error_of(exc) == sqlite3.SQLITE_BUSY


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
