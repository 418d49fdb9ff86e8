"""Readers of a SQLite store: a few connections on their own threads; in WAL mode they never wait for the writer."""

import asyncio
import sqlite3
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
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        for _ in range(READERS):
            self._idle.put(files.connect(read_only=True))
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._closed = False

    async def read(self, unit: Callable[[Tx], T]) -> T:
        """Run a unit of work on a consistent snapshot; a write in it raises StoreFault."""
        if self._closed:
            raise StoreFault("STORE_CLOSED", "the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, unit)

    def schema_version(self) -> str:
        """Return the revision of the database's schema; empty for none."""
        connection = self._idle.get()
        try:
            return schema_version(connection)
        finally:
            self._idle.put(connection)

    def close(self) -> None:
        """Wait for running reads and close the connections."""
        self._closed = True
        self._pool.shutdown(wait=True)
        while not self._idle.empty():
            self._idle.get().close()

    def _run(self, unit: Callable[[Tx], T]) -> T:
        connection = self._idle.get()
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
            self._idle.put(connection)
