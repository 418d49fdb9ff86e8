"""Readers of a SQLite store; in WAL mode they never wait for the writer.

What is short runs in its caller's thread: it takes less than the way to another one and back, which a busy event loop
makes a matter of milliseconds (measured: four of them cost a governed read a fifth of its time). What reads much has
threads and connections of its own.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from gateway.adapters.store_files import DatabaseFiles
from gateway.adapters.store_migrate import schema_version
from gateway.adapters.store_tx import SqliteTx
from gateway.adapters.store_writer import as_fault, read_on
from gateway.errors import StoreFault
from gateway.ports import Tx

T = TypeVar("T")

READERS = 2


class Readers:
    """A pool of read-only connections."""

    def __init__(self, files: DatabaseFiles) -> None:
        self._near = files.connect(read_only=True)
        self._gate = threading.Lock()
        """Callers may be in several threads, each with a loop."""
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        for _ in range(READERS):
            self._idle.put(files.connect(read_only=True))
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._closed = False

    async def read(self, unit: Callable[[Tx], T]) -> T:
        """Run a short unit of work on a consistent snapshot, here and now; a write in it raises StoreFault."""
        with self._gate:
            self._check()
            return _run(self._near, unit)

    async def scan(self, unit: Callable[[Tx], T]) -> T:
        """Run a long unit of work on a consistent snapshot, in a thread; a write in it raises StoreFault."""
        self._check()
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._scan, unit)

    def schema_version(self) -> str:
        """Return the revision of the database's schema; empty for none."""
        with self._gate:
            return schema_version(self._near)

    def close(self) -> None:
        """Wait for running reads and close the connections."""
        self._closed = True
        self._pool.shutdown(wait=True)
        with self._gate:
            self._near.close()
        while not self._idle.empty():
            self._idle.get().close()

    def _check(self) -> None:
        if self._closed:
            raise StoreFault("STORE_CLOSED", "the store is closed")

    def _scan(self, unit: Callable[[Tx], T]) -> T:
        connection = self._idle.get()
        try:
            return _run(connection, unit)
        finally:
            self._idle.put(connection)


def _run(connection: sqlite3.Connection, unit: Callable[[Tx], T]) -> T:
    try:
        connection.execute("BEGIN")
        return unit(SqliteTx(connection))
    except BaseException as exc:
        read_on(connection, exc)
        fault = as_fault(exc)
        if fault is exc:
            raise
        raise fault from exc
    finally:
        connection.rollback()
