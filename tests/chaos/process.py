"""Processes that tests kill, pause and start again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_POLL_S = 0.05


def until(holds: Callable[[], object], what: str, timeout_s: float = 60.0) -> None:
    """Return once `holds()` is true; raises AssertionError that says what did not come about."""
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, f"{what}: not after {timeout_s:.0f} s"
        time.sleep(_POLL_S)


class Process:
    """One process of Countermand, its output in a file of its own."""

    def __init__(self, log: Path, module: Sequence[str], env: Mapping[str, str]) -> None:
        self.log = log
        paths = os.pathsep.join((str(ROOT), str(ROOT / "proto")))
        with log.open("wb") as sink:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", *module], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                env={**os.environ, "PYTHONPATH": paths, **env},
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def ended(self) -> int | None:
        """Return the exit code, negative for a signal, or None while the process runs."""
        return self._popen.poll()

    def says(self, text: str) -> bool:
        """Tell whether a text is in what it wrote; fails when it ended without."""
        if text in self.text():
            return True
        assert self.ended is None, f"{self.log.name} ended with {self.ended}:\n{self.text()[-3000:]}"
        return False

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait(self, timeout_s: float = 60.0) -> int:
        """Return the exit code once there is one."""
        return self._popen.wait(timeout_s)

    def kill(self) -> None:
        """End it as nothing in it can notice."""
        self._popen.kill()
        self._popen.wait()

    def paused(self) -> bool:
        """Tell whether it is stopped by SIGSTOP."""
        stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        return stat.rpartition(")")[2].split()[0] == "T"

    def go_on(self) -> None:
        """Let it go on after SIGSTOP."""
        self._popen.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it in good order."""
        if self.ended is None:
            self.go_on()
            self._popen.terminate()
            try:
                self._popen.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


def children(pid: int) -> list[int]:
    """Return the ids of the processes that a process started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
