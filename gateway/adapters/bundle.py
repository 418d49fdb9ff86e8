"""Policy bundles on disk: a folder or a tar.gz, read whole under caps, and a cheap look for changes."""

import hashlib
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from gateway.adapters.bundle_parse import parse_bundle, refused
from gateway.core.bundle import Bundle
from gateway.errors import PolicyRefused

MAX_FILES = 2000
MAX_FILE_BYTES = 1 << 20
MAX_BUNDLE_BYTES = 16 << 20
_CONFIG = "countermand/config"


def read_bundle(path: Path, overlay: Path | None = None) -> Bundle:
    """Read the bundle at a folder or tar.gz.

    `overlay` is a folder of `<topic>/data.yaml` files that replace the bundle's own: a site keeps its
    config apart from the shipped rules. Raises PolicyRefused POLICY_BUNDLE_UNREADABLE or _INVALID.
    """
    files = _read_files(path)
    if overlay is not None:
        for name, data in _read_files(overlay).items():
            if PurePosixPath(name).name != "data.yaml":
                raise refused(name, "an overlay holds <topic>/data.yaml files only")
            files[f"{_CONFIG}/{name}"] = data
    return parse_bundle(files)


def fingerprint(path: Path, overlay: Path | None = None) -> str:
    """Return a value that changes when a file of the bundle may have changed; reads names, sizes and times only.

    An unreadable bundle has a fingerprint too (of its error), so that its repair is seen.
    """
    sha = hashlib.sha256()
    for root in (path, overlay):
        if root is None:
            continue
        try:
            for name, info in _stats(root):
                sha.update(f"{name}\0{info.st_size}\0{info.st_mtime_ns}\0{info.st_ino}\n".encode())
        except (OSError, PolicyRefused) as exc:
            sha.update(str(exc).encode())
    return sha.hexdigest()


def _read_files(path: Path) -> dict[str, bytes]:
    try:
        files = dict(_from_folder(path) if path.is_dir() else _from_tar(path))
    except (OSError, tarfile.TarError, EOFError) as exc:
        raise PolicyRefused("POLICY_BUNDLE_UNREADABLE", f"{path}: {exc}", path=str(path)) from exc
    return files


def _stats(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield (relative path, stat) of every file, sorted; links and special files are refused."""
    if not root.is_dir():
        yield root.name, root.stat()
        return
    entries = sorted(_entries(root))
    if len(entries) > MAX_FILES:
        raise refused(str(root), f"a bundle has at most {MAX_FILES} files")
    for name, entry in entries:
        if not entry.is_file(follow_symlinks=False):
            raise refused(name, "only regular files are allowed, no links")
        yield name, entry.stat(follow_symlinks=False)


def _entries(folder: Path | str, prefix: str = "") -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """Yield (relative path, entry) of everything that is no folder; ten times faster than Path.rglob."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(entry.path, f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name, entry


def _from_folder(root: Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    for name, info in _stats(root):
        total = _within_caps(name, info.st_size, total)
        with (root / name).open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        _within_caps(name, len(data), 0)
        yield name, data


def _from_tar(path: Path) -> Iterator[tuple[str, bytes]]:
    total, seen = 0, set[str]()
    with tarfile.open(path, "r:gz") as tar:
        for member in tar:
            name = PurePosixPath(member.name.removeprefix("/")).as_posix()
            if member.isdir():
                continue
            if not member.isreg() or ".." in PurePosixPath(name).parts or name in seen:
                raise refused(name, "a bundle holds regular files below its root, each once")
            seen.add(name)
            if len(seen) > MAX_FILES:
                raise refused(str(path), f"a bundle has at most {MAX_FILES} files")
            total = _within_caps(name, member.size, total)
            file = tar.extractfile(member)
            yield name, file.read() if file is not None else b""


def _within_caps(name: str, size: int, total: int) -> int:
    if size > MAX_FILE_BYTES or total + size > MAX_BUNDLE_BYTES:
        raise refused(name, f"a file has at most {MAX_FILE_BYTES} bytes, a bundle {MAX_BUNDLE_BYTES}")
    return total + size
