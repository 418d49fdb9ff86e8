"""The files of a SQLite store: private, locked by one gateway, and still the ones that were opened."""

import fcntl
import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from gateway.errors import StoreFault
from gateway.private_files import private_directory, touch_private

_BUSY_SECONDS = 5.0
_PRAGMAS = (
    # The WAL is not fsynced at every commit under anything less than FULL.
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -16000",
    # Pages. Most commits touch the same ones again, so a longer log copies fewer of them into the database (16 MB).
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA trusted_schema = OFF",
)


@dataclass(slots=True)
class DatabaseFiles:
    """One database: how to connect to it and how to tell that it is still there."""

    uri: str
    path: Path | None = None
    """None for a database in memory."""
    lock: int = -1
    _seen: list[tuple[Path, int, int]] = field(default_factory=list)

    def connect(self, *, read_only: bool = False) -> sqlite3.Connection:
        """Open a connection without implicit transactions, for one thread at a time."""
        connection = sqlite3.connect(
            self.uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        if self.path and not read_only:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise StoreFault("STORE_NO_WAL", f"`{self.path}` does not allow a write-ahead log (a network disk?)")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
        return connection

    def remember(self) -> None:
        """Note which files the connections write to; call after the first write."""
        if self.path:
            found = ((name, name.stat()) for name in (self.path, self.path.with_name(f"{self.path.name}-wal")))
            self._seen = [(name, stat.st_dev, stat.st_ino) for name, stat in found]

    def check(self) -> None:
        """Raise StoreFault when a file was removed or replaced: SQLite would write on into nowhere."""
        for name, device, inode in self._seen:
            try:
                found = os.stat(name)  # noqa: PTH116 - twice a commit; half the price of Path.stat
            except OSError as exc:
                raise StoreFault("STORE_GONE", f"`{name}` is gone: {exc.strerror}") from exc
            if (found.st_dev, found.st_ino) != (device, inode):
                raise StoreFault("STORE_GONE", f"`{name}` was replaced while it was open; restart the gateway")

    def release(self) -> None:
        """Let another gateway open the database."""
        if self.lock >= 0:
            os.close(self.lock)
            self.lock = -1


def claim(path: Path) -> DatabaseFiles:
    """Make the private directory and file of a database ours; raises StoreFault while another gateway has them."""
    private_directory(path.parent)
    lock = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        touch_private(path)
    except BlockingIOError as exc:
        os.close(lock)
        raise StoreFault("STORE_LOCKED", f"another gateway has `{path.parent}` open", path=str(path)) from exc
    except BaseException:
        os.close(lock)
        raise
    return DatabaseFiles(path.absolute().as_uri(), path, lock)


def existing(path: Path) -> DatabaseFiles:
    """Return a database that is there, unlocked: for readers beside its gateway."""
    return DatabaseFiles(f"{path.absolute().as_uri()}?mode=rw", path)


def in_memory() -> DatabaseFiles:
    """Return a database of this process that lives as long as a connection to it."""
    return DatabaseFiles(f"file:/countermand-{uuid4().hex}?vfs=memdb")
