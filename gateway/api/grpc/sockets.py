"""Unix sockets that only their owner reaches: 0600 in a 0700 directory."""

import errno
import os
import socket
import stat
from pathlib import Path

from gateway.errors import ConfigFault
from gateway.private_files import private_directory

# `sun_path` of Linux holds 108 bytes with the closing zero.
MAX_PATH_BYTES = 107


def prepare(path: Path) -> None:
    """Make the directory of a socket private and the path free; raises ConfigFault when it cannot be."""
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise ConfigFault(
            "SOCKET_PATH_TOO_LONG", f"`{path}` is longer than {MAX_PATH_BYTES} bytes", remedy="use a shorter path"
        )
    private_directory(path.parent)
    _remove_stale(path)


def protect(path: Path) -> None:
    """Take a bound socket from everybody but its owner."""
    path.chmod(0o600)


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens on; gRPC would take over a live one without a word."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigFault("SOCKET_PATH_TAKEN", f"`{path}` is not a socket", remedy="move it away")
    with socket.socket(socket.AF_UNIX) as probe:
        code = probe.connect_ex(os.fsencode(path))
    if code not in {errno.ECONNREFUSED, errno.ENOENT}:
        raise ConfigFault(
            "SOCKET_IN_USE", f"another process listens on `{path}`", remedy="stop it, or use another directory"
        )
    path.unlink(missing_ok=True)
