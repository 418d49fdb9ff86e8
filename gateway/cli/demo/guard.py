"""Run one program for as long as somebody holds our standard input open.

The demo starts every process of its world through this guard, so that nothing is left behind even when the demo
itself is killed: its end of the pipe closes, and the guard ends the whole process group of the program.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE_S = 5.0


def main(argv: list[str]) -> int:
    """Run `argv[2:]`, as user id `argv[1]` unless that is `-`; `argv[0]` names the signal that asks it to stop."""
    stop, user = signal.Signals[argv[0]], None if argv[1] == "-" else int(argv[1])
    child = subprocess.Popen(  # noqa: S603  # no shell
        argv[2:],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is the demo's to handle
    signal.signal(signal.SIGTERM, lambda *_: _end(child, stop))
    threading.Thread(target=_wait_for_release, args=(child, stop), daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


def _wait_for_release(child: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    _end(child, stop)


def _end(child: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    """Ask, wait, then kill what is left of the group."""
    if child.poll() is None:
        child.send_signal(stop)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
