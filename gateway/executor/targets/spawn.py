"""Run a program without a shell: cleared environment, a fixed folder, limits, a deadline for its whole group."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.executor.output import Output

_SHIM = Path(__file__).with_name("exec_shim.py")
_READ_BYTES = 65_536
_ERROR_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and within which walls; `argv[0]` is an absolute path."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    timeout_s: float
    limits: Mapping[str, int] = field(default_factory=dict)
    """cpu (seconds), memory (bytes), files (descriptors)."""
    stop_when_full: bool = False
    """End the program once nothing more of its output would be kept; only for one that changes nothing."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended; `exit_code` is negative for a signal."""

    exit_code: int
    timed_out: bool
    errors: str
    """The end of what it wrote to stderr."""


async def run(program: Program, output: Output) -> Ran:
    """Run a program to its end, or kill its process group at the deadline; raises OSError when it cannot start."""
    limits = ",".join(f"{name}={value}" for name, value in program.limits.items())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(_SHIM), limits, *program.argv,
        cwd=program.cwd, env=dict(program.env), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True, close_fds=True,
    )  # fmt: skip
    errors = bytearray()
    timed_out = False
    pipes = asyncio.gather(_drain(process, program, output), _tail(process, errors))
    try:
        async with asyncio.timeout(program.timeout_s):
            await _exit_of(process.pid)
    except TimeoutError:
        timed_out = True
    except asyncio.CancelledError:
        pipes.cancel()
        raise
    finally:
        _kill_group(process.pid)  # children that it left behind too; they would keep the pipes open
        await asyncio.shield(process.wait())
    await pipes
    code = process.returncode if process.returncode is not None else -signal.SIGKILL
    return Ran(code, timed_out, errors.decode("utf-8", errors="replace").strip())


async def _exit_of(pid: int) -> None:
    """Return once the program itself ended; `Process.wait` also waits for children that hold its pipes."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return  # it ended, and was reaped, already
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def _drain(process: asyncio.subprocess.Process, program: Program, output: Output) -> None:
    assert process.stdout is not None
    while data := await process.stdout.read(_READ_BYTES):
        await output.add(data)
        if program.stop_when_full and output.truncated:
            _kill_group(process.pid)


async def _tail(process: asyncio.subprocess.Process, errors: bytearray) -> None:
    assert process.stderr is not None
    while data := await process.stderr.read(_READ_BYTES):
        errors += data
        del errors[:-_ERROR_BYTES]


def _kill_group(pid: int) -> None:
    """Kill whatever is left of the group; the program leads its own session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
