"""The parent's end of one policy worker: frames over a socket pair, one question at a time, never blocking."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping

import orjson

from gateway.core.canonical import Json
from gateway.errors import PolicyFault

_START_TIMEOUT_S = 15.0


class Child(asyncio.Protocol):
    """One worker process. It is busy from `ask` until its answer arrives, also when nobody waits any more."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Wrap a started process; see `start_child`."""
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._answer: asyncio.Future[bytes] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._fault = PolicyFault("POLICY_WORKER_LOST", "the policy worker ended before it answered")
        self.on_idle: Callable[[Child], None] = lambda _: None
        self.on_lost: Callable[[Child], None] = lambda _: None

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def lost(self) -> bool:
        """Tell whether the connection is gone."""
        return self._transport is None or self._transport.is_closing()

    def ask(self, frame: bytes, timeout_s: float) -> asyncio.Future[bytes]:
        """Send a frame and return the future answer.

        It fails with PolicyFault POLICY_TIMEOUT (the worker is killed) or POLICY_WORKER_LOST.
        """
        answer = self._loop.create_future()
        if self._transport is None or self._transport.is_closing():
            answer.set_exception(self._fault)
            return answer
        self._answer = answer
        self._timer = self._loop.call_later(timeout_s, self._expire, timeout_s)
        self._transport.write(len(frame).to_bytes(4, "big") + frame)
        return answer

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        if self._transport is not None:
            self._transport.abort()

    async def ended(self) -> None:
        """Wait until the process is reaped."""
        await asyncio.to_thread(self._process.wait)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (asyncio.Protocol)."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Collect a frame (asyncio.Protocol)."""
        self._buffer += data
        if len(self._buffer) < 4 or len(self._buffer) < 4 + int.from_bytes(self._buffer[:4], "big"):
            return
        frame = bytes(self._buffer[4:])
        self._buffer.clear()
        answer = self._settle()
        if answer is not None and not answer.done():
            answer.set_result(frame)
        self.on_idle(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is open and report the loss (asyncio.Protocol)."""
        del exc  # the fault is the same for a crash, a kill and a reset
        answer = self._settle()
        if answer is not None and not answer.done():
            answer.set_exception(self._fault)
        self.kill()
        self.on_lost(self)

    def _settle(self) -> asyncio.Future[bytes] | None:
        if self._timer is not None:
            self._timer.cancel()
        answer, self._answer, self._timer = self._answer, None, None
        return answer

    def _expire(self, timeout_s: float) -> None:
        self._fault = PolicyFault("POLICY_TIMEOUT", f"the policy did not answer within {timeout_s:g} s")
        self.kill()


async def start_child() -> Child:
    """Start a worker process; fork is never used, so threads of gRPC in this process do not matter."""
    ours, theirs = socket.socketpair()
    with theirs:
        # Popen, not asyncio's: its lock keeps a kill from racing with the reaping of a child that just died.
        process = subprocess.Popen(  # noqa: ASYNC220, S603  # our own module; returns once the child has executed, like asyncio's own
            [sys.executable, "-I", "-m", "gateway.adapters.policy_worker", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env={"PATH": os.defpath, "RUST_BACKTRACE": "0"},
        )
    try:
        _, child = await asyncio.get_running_loop().create_connection(lambda: Child(process), sock=ours)
    except BaseException:
        process.kill()
        process.wait()  # it has just been started and killed: this returns at once
        raise
    return child


async def load_child(child: Child, load: Mapping[str, Json]) -> Mapping[str, Json]:
    """Give a worker its engine and return its report {accelerated, why}; raises PolicyFault with what it says."""
    report: Mapping[str, Json] = orjson.loads(read_answer(await child.ask(b"L" + orjson.dumps(load), _START_TIMEOUT_S)))
    return report


def read_answer(frame: bytes) -> bytes:
    """Return the JSON text of an answer; raises PolicyFault for a fault."""
    if frame[:1] == b"O":
        return frame[1:]
    fault = orjson.loads(frame[1:])
    raise PolicyFault(fault["code"], fault["message"])
