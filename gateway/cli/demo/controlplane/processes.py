"""Children that die with us, and ports that are free."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_GO = {"GOGC": "400"}
"""Go's collector comes a quarter as often: a start takes half the processor time, and 250 MB more memory."""
_LIBC = ctypes.CDLL(None, use_errno=True)


def spawn(argv: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a program whose output goes to `log`; the kernel kills it when we die, however we die."""
    ours = os.getpid()
    with log.open("ab") as out:
        return subprocess.Popen(  # noqa: S603  # our own argv, no shell
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env={"PATH": "/usr/bin:/bin", "HOME": str(log.parent), "TMPDIR": str(log.parent), **_GO},
            start_new_session=True,  # a Ctrl-C at the terminal is ours to act on
            preexec_fn=lambda: _die_with(ours),  # noqa: PLW1509  # the supervisor has one thread
        )


def _die_with(parent: int) -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def stop(process: subprocess.Popen[bytes], patience_s: float) -> bool:
    """Ask a child to end, then make it; tell whether asking was enough."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nothing holds now."""
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()


def port_is_free(port: int) -> bool:
    """Tell whether a listener could have this port."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def until(check: Callable[[], bool], seconds: float, pause_s: float = 0.05) -> bool:
    """Ask until the answer is yes, or the time is over."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
    return True


def say(text: str) -> None:
    """Tell the operator."""
    print(f"controlplane: {text}", file=sys.stderr, flush=True)
