"""Files and directories that only their owner may see: databases, keys, passphrases."""

import os
import stat
from pathlib import Path

from gateway.errors import ConfigFault

_FILE = 0o600
_DIRECTORY = 0o700
_OTHERS = 0o077


def private_directory(path: Path) -> None:
    """Create a directory with mode 0700, or refuse one that others may enter; raises ConfigFault."""
    try:
        path.mkdir(mode=_DIRECTORY, parents=True, exist_ok=True)
        found = path.stat()
    except OSError as exc:
        raise _unusable(path, exc) from exc
    _refuse_wide(path, found, _DIRECTORY)


def read_private(path: Path) -> bytes:
    """Return the bytes of a file that nobody else may read; raises ConfigFault for wider modes."""
    try:
        with path.open("rb") as file:
            _refuse_wide(path, os.fstat(file.fileno()), _FILE)
            return file.read()
    except OSError as exc:
        raise _unusable(path, exc) from exc


def touch_private(path: Path) -> None:
    """Create an empty file with mode 0600 unless it is there; refuses one that others may read."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _FILE)
    except OSError as exc:
        raise _unusable(path, exc) from exc
    try:
        _refuse_wide(path, os.fstat(handle), _FILE)
    finally:
        os.close(handle)


def replace_private(path: Path, data: bytes) -> None:
    """Write a file with mode 0600 as a whole or not at all, durably."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write_new(draft, data)
        draft.replace(path)
        sync_directory(path.parent)
    except OSError as exc:
        draft.unlink(missing_ok=True)
        raise _unusable(path, exc) from exc


def create_private(path: Path, data: bytes) -> bool:
    """Write a new file with mode 0600, durably; false when the name is taken."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write_new(draft, data)
        try:
            # A link, unlike a rename, never replaces what another process has just written.
            path.hardlink_to(draft)
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        sync_directory(path.parent)
    except OSError as exc:
        raise _unusable(path, exc) from exc
    return True


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_new(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _refuse_wide(path: Path, found: os.stat_result, wanted: int) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if mode & _OTHERS:
        text = f"`{path}` has mode {mode:04o}; run: chmod {wanted:o} {path}"
        raise ConfigFault("FILE_NOT_PRIVATE", text, path=str(path))
    if found.st_uid not in (os.geteuid(), 0):
        raise ConfigFault("FILE_NOT_OURS", f"`{path}` belongs to another user", path=str(path))


def _unusable(path: Path, exc: OSError) -> ConfigFault:
    return ConfigFault("FILE_UNUSABLE", f"cannot use `{path}`: {exc.strerror}", path=str(path))
