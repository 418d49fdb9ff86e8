"""Log records as JSON Lines in a local file: {"index": 7, "leaf": {…}}, fsynced, rotated by size.

The file itself says how far it got: a partial last line (a crash, a full disk) is cut off, and records that are
already in it are skipped, so that a repeated delivery leaves no duplicate.
"""

import asyncio
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from gateway.core.canonical import loads_strict
from gateway.errors import DeliveryFault
from gateway.plugins import Settings, checked
from gateway.private_files import sync_directory

MAX_BYTES = 64 * 1024 * 1024
_TAIL_BYTES = 64 * 1024


class JsonlExporter:
    """Appends to `path`; a file of `max_bytes` or more is renamed to `<stem>.<last index, 20 digits><suffix>`."""

    def __init__(self, name: str, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self.name = name
        self._path = path
        self._max_bytes = max_bytes

    async def export(self, records: Sequence[tuple[int, bytes]]) -> None:
        """Append records and fsync; raises DeliveryFault and leaves nothing that a repetition would not mend."""
        await asyncio.to_thread(self._export, records)

    def _export(self, records: Sequence[tuple[int, bytes]]) -> None:
        try:
            with _opened(self._path) as file:
                self._append(file, records)
        except OSError as exc:
            raise DeliveryFault("EXPORT_FILE", f"cannot write `{self._path}`: {exc.strerror}") from exc

    def _append(self, file: BinaryIO, records: Sequence[tuple[int, bytes]]) -> None:
        end, line = _tail(file)
        file.truncate(end)
        file.seek(end)
        last = _index(line, self._path) if line else self._last_rotated()
        lines = [_line(index, leaf) for index, leaf in records if index > last]
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
        if file.tell() >= self._max_bytes:
            self._rotate(max(last, records[-1][0]) if records else last)

    def _rotate(self, last: int) -> None:
        # A link, unlike a rename, never replaces an older file.
        self._path.with_name(f"{self._path.stem}.{last:020d}{self._path.suffix}").hardlink_to(self._path)
        self._path.unlink()
        sync_directory(self._path.parent)

    def _last_rotated(self) -> int:
        found = self._path.parent.glob(f"{self._path.stem}.{'[0-9]' * 20}{self._path.suffix}")
        return max((int(path.name[len(self._path.stem) + 1 :][:20]) for path in found), default=-1)


def from_settings(name: str, settings: Settings) -> JsonlExporter:
    """Build from {path, max_bytes?}; raises ConfigFault."""
    found = checked(name, settings, {"path": str}, {"max_bytes": int})
    return JsonlExporter(name, Path(found["path"]), found.get("max_bytes", MAX_BYTES))


def _opened(path: Path) -> BinaryIO:
    """Open for reading and appending, creating it with mode 0600, for this process only."""
    new = not path.exists()
    file = os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600), "r+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if new:
            sync_directory(path.parent)
    except OSError:
        file.close()
        raise
    return file


def _tail(file: BinaryIO) -> tuple[int, bytes]:
    """Return where the last whole line ends, and that line; (0, b"") when there is none."""
    size = file.seek(0, os.SEEK_END)
    window = _TAIL_BYTES
    while True:
        start = max(0, size - window)
        file.seek(start)
        data = file.read(size - start)
        end = data.rfind(b"\n") + 1
        begin = data.rfind(b"\n", 0, max(end - 1, 0)) + 1
        if start == 0 or begin > 0:
            return start + end, data[begin:end]
        window *= 2


def _index(line: bytes, path: Path) -> int:
    try:
        return int(loads_strict(line)["index"])
    except (ValueError, KeyError, TypeError) as exc:
        text = f"the last line of `{path}` is not a record; move the file away to begin a new one"
        raise DeliveryFault("EXPORT_FILE_DAMAGED", text) from exc


def _line(index: int, leaf: bytes) -> bytes:
    if b"\n" in leaf:
        raise DeliveryFault("EXPORT_RECORD", f"leaf {index} spans lines: it is no canonical JSON")
    return b'{"index":%d,"leaf":%b}\n' % (index, leaf)
