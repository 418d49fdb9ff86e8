"""Child processes of the demo: started through a guard, ended together, their output kept in files."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

GUARD = (sys.executable, "-m", "gateway.cli.demo.guard")
_STOP_S = 8.0


class DemoFault(Exception):  # noqa: N818  # a fault, like those of gateway.errors
    """The world of the demo could not be built; says what and where to look."""


class Child:
    """One running program of the world."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @classmethod
    def start(
        cls,
        name: str,
        argv: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        user: int | None = None,
        stop: str = "SIGTERM",
        output: int | None = None,
    ) -> "Child":
        """Start a program; standard error (and output, unless it is a pipe) goes to the log file."""
        with log.open("ab") as sink:
            process = subprocess.Popen(  # noqa: S603  # our own argv, no shell
                [*GUARD, stop, "-" if user is None else str(user), *argv],
                stdin=subprocess.PIPE,
                stdout=sink if output is None else output,
                stderr=sink,
                env=environment(env or {}),
                start_new_session=True,
            )
        return cls(name, process, log)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Return the process of the guard; its exit status is the program's."""
        return self._process

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return once `ready()` holds; raises DemoFault when the program ends first or time runs out."""
        end = time.monotonic() + timeout_s
        while not ready():
            self.must_run()
            if time.monotonic() > end:
                raise DemoFault(f"{self.name} was not ready after {timeout_s:.0f} s:\n{self.tail()}")
            time.sleep(0.05)

    def must_run(self) -> None:
        """Raise DemoFault when the program has ended."""
        if self._process.poll() is not None:
            raise DemoFault(f"{self.name} ended with status {self._process.returncode}:\n{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        """Return the end of the log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def release(self) -> None:
        """Let the guard end the program."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def stop(self) -> None:
        """End the program and wait for it."""
        self.release()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return what a child may see of our environment: no cloud credentials, no proxies, no home-grown settings."""
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV"}}
    return {**kept, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONDONTWRITEBYTECODE": "1", **extra}
