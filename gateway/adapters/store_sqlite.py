"""The SQLite store: state, log and timers in one file; one writer thread, a few readers, one gateway at a time."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self, TypeVar

from gateway.adapters.store_files import DatabaseFiles, claim, existing, in_memory
from gateway.adapters.store_log import load_tail
from gateway.adapters.store_migrate import HEAD, migrate
from gateway.adapters.store_reader import Readers
from gateway.adapters.store_writer import Job, Writer, as_fault
from gateway.errors import StoreFault
from gateway.ports import Tx

T = TypeVar("T")


class SqliteStore:
    """Implements `gateway.ports.Store`.

    Threads and file locks do not survive a fork: children must be spawned, not forked.
    """

    def __init__(self, files: DatabaseFiles) -> None:
        """Migrate and start on files that `open` or `in_memory` prepared."""
        self._files = files
        with ExitStack() as undo:
            connection = files.connect()
            undo.callback(connection.close)
            migrate(connection, files.connect)
            load_tail(connection)
            files.remember()
            self._readers = Readers(files)
            self._writer = Writer(files, connection)
            undo.pop_all()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create the database in its own directory (mode 0700), and bring its schema up to date.

        Raises ConfigFault for a directory or file that others may read, StoreFault when another gateway has it open,
        its schema is newer than this code, or its log does not add up.
        """
        files = claim(path)
        try:
            return cls(files)
        except BaseException as exc:
            files.release()
            if isinstance(exc, sqlite3.Error):
                raise as_fault(exc) from exc
            raise

    @classmethod
    def in_memory(cls) -> Self:
        """Return an empty store that nothing outlives."""
        return cls(in_memory())

    def write(self, unit: Callable[[Tx], T]) -> "asyncio.Future[T]":
        """Run a unit of work in a group-committed transaction; durable (fsync) when the future is done.

        A caller that is cancelled while it waits does not stop its unit: it may still be committed.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        try:
            self._writer.submit(Job(unit, loop, future))
        except BaseException:
            future.cancel()  # nobody will ever ask what became of it
            raise
        return future

    async def read(self, unit: Callable[[Tx], T]) -> T:
        """Run a short unit of work that only reads, on a consistent snapshot, in the caller's thread."""
        return await self._readers.read(unit)

    async def scan(self, unit: Callable[[Tx], T]) -> T:
        """Run a unit of work that reads much, on a consistent snapshot, in a thread of its own."""
        return await self._readers.scan(unit)

    async def close(self) -> None:
        """Commit what is queued and let another gateway open the database; a second close does nothing."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._readers.close()
        self._writer.close()
        self._files.release()


def open_readers(path: Path) -> Readers:
    """Open a database to read it only, also while a gateway has it open: for audits and reports.

    Raises StoreFault for a file that is missing or no database, or a schema other than this code's.
    """
    try:
        readers = Readers(existing(path))
    except sqlite3.Error as exc:
        raise as_fault(exc) from exc
    if (version := readers.schema_version()) == HEAD:
        return readers
    readers.close()
    raise StoreFault("STORE_SCHEMA_OTHER", f"`{path}` has schema {version or 'none'}, this program reads {HEAD}")
