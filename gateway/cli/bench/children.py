"""Programs that are measured from outside: started, waited for, their memory read, ended."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.demo.process import environment
from gateway.cli.failure import CommandError

_READY_S = 60.0
_STOP_S = 10.0
_POLL_S = 0.002
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and what to call it when it fails."""

    name: str
    argv: Sequence[str]

    @classmethod
    def gateway(cls, config: Path) -> "Program":
        """Return `countermand serve` of a settings file."""
        return cls("countermand serve", [sys.executable, "-m", "gateway", "serve", "--config", str(config)])


@dataclass(frozen=True, slots=True)
class Started:
    """A running program; `began` is a time of `time.perf_counter`."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    began: float

    def said(self, words: str) -> bool:
        """Tell whether its log has a line of these words."""
        return words in self.log.read_text(encoding="utf-8", errors="replace").splitlines()


@contextmanager
def start(program: Program, log: Path) -> Iterator[Started]:
    """Run a program with its output in a log file; it is ended on the way out."""
    with log.open("wb") as sink:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603  # our own argv, no shell
            program.argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=environment({})
        )
    try:
        yield Started(program.name, process, log, began)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def wait_until(started: Started, ready: Callable[[], bool]) -> float:
    """Return the seconds from start to `ready()`; raises CommandError when the program ends or takes too long."""
    while not ready():
        seconds = time.perf_counter() - started.began
        if started.process.poll() is not None or seconds > _READY_S:
            tail = "\n".join(started.log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])
            raise CommandError("BENCH_CHILD", f"{started.name} is not ready after {seconds:.1f} s:\n{tail}")
        await asyncio.sleep(_POLL_S)
    return time.perf_counter() - started.began


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident megabytes of a gateway's processes."""

    gateway: float
    executor: float
    workers: tuple[float, ...]


def memory_of(gateway: int) -> Memory:
    """Read the resident memory of a gateway and of its children from /proc (Linux)."""
    children = [p for p in _PROC.glob("[0-9]*") if _parent(p) == gateway]
    executor = sum(_resident(p) for p in children if b"\0executor\0" in _argv(p))
    workers = (_resident(p) for p in children if b"policy_worker" in _argv(p))
    return Memory(_resident(_PROC / str(gateway)), executor, tuple(workers))


def free_port() -> int:
    """Return a TCP port of the loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _parent(process: Path) -> int:
    return int(_status(process).get("PPid", "0"))


def _resident(process: Path) -> float:
    return int(_status(process).get("VmRSS", "0 kB").split()[0]) / 1024


def _status(process: Path) -> dict[str, str]:
    """Return the members of /proc/…/status; none for a process that has ended meanwhile."""
    try:
        lines = (process / "status").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def _argv(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
