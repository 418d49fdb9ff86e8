"""The asynchronous client: the same methods as `agent_client.client`, awaited.

from agent_client import aio

async with aio.connect("unix:/run/countermand/agent.sock") as gateway:
    action = await gateway.propose("kubectl -n prod get pods")
    async for event in gateway.watch(action.id):
        print(event)
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar, cast

import grpc
import grpc.aio

from agent_client.binding import named_after
from agent_client.calls import actions, approvals, audit, control, incidents
from agent_client.calls.call import Call, Stream, serialize
from agent_client.channel import OPTIONS, Endpoint, endpoint
from agent_client.errors import CountermandError, RpcFailure, from_rpc
from agent_client.retry import Retry
from agent_client.types import RESTING, Action, State
from agent_client.waiting import WATCH_ENDED, Waiting

P = ParamSpec("P")
T = TypeVar("T")


class Connection:
    """A channel to one door of a gateway; ends with `close` or as an asynchronous context manager."""

    def __init__(self, at: Endpoint, *, timeout_s: float, retry: Retry) -> None:
        self._metadata = at.metadata
        self._timeout_s = timeout_s
        self._retry = retry
        self._channel = (
            grpc.aio.insecure_channel(at.address, OPTIONS)
            if at.credentials is None
            else grpc.aio.secure_channel(at.address, at.credentials, OPTIONS)
        )

    async def run(self, call: Call[T]) -> T:
        """Send a call until it is answered or its error is final; raises CountermandError."""
        stub = self._channel.unary_unary(call.path, serialize, call.response_type.FromString)
        attempt = 1
        while True:
            try:
                return call.read(
                    await stub(call.request, timeout=self._timeout_s + call.wait_s, metadata=self._metadata)
                )
            except grpc.RpcError as exc:
                error = _typed(exc)
                pause_s = self._retry.delay_s(attempt, error, _jitter())
                if pause_s is None:
                    raise error from exc
            attempt += 1
            await asyncio.sleep(pause_s)

    async def iterate(self, stream: Stream[T], *, timeout_s: float | None = None) -> AsyncGenerator[T, None]:
        """Yield the answers of a stream; closing the generator ends the call. Raises CountermandError."""
        stub = self._channel.unary_stream(stream.path, serialize, stream.response_type.FromString)
        messages = stub(stream.request, timeout=timeout_s, metadata=self._metadata)
        try:
            async for message in messages:
                yield stream.read(message)
        except grpc.RpcError as exc:
            raise _typed(exc) from exc
        finally:
            messages.cancel()

    async def close(self) -> None:
        """End the channel and every call on it."""
        await self._channel.close(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def _unary(build: Callable[P, Call[T]]) -> Callable[Concatenate[Connection, P], Awaitable[T]]:
    async def method(self: Connection, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.run(build(*args, **kwargs))

    return named_after(method, build)


def _streaming(build: Callable[P, Stream[T]]) -> Callable[Concatenate[Connection, P], AsyncGenerator[T, None]]:
    def method(self: Connection, /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
        return self.iterate(build(*args, **kwargs))

    return named_after(method, build)


class _Common(Connection):
    """What agents and people both do."""

    get = _unary(actions.get)
    list_actions = _unary(actions.list_actions)
    watch = _streaming(actions.watch)
    cancel = _unary(actions.cancel)
    rollback = _unary(actions.rollback)
    renew = _unary(actions.renew)
    release = _unary(actions.release)
    open_incident = _unary(incidents.open_incident)
    get_incident = _unary(incidents.get_incident)
    list_incidents = _unary(incidents.list_incidents)
    add_hypothesis = _unary(incidents.add_hypothesis)
    declare_cause = _unary(incidents.declare_cause)
    close_incident = _unary(incidents.close_incident)
    capabilities = _unary(audit.capabilities)
    checkpoint = _unary(audit.checkpoint)
    receipt_proof = _unary(audit.receipt_proof)
    consistency_proof = _unary(audit.consistency_proof)
    keys = _unary(audit.keys)

    async def wait(self, action: str, *, until: frozenset[State] = RESTING, timeout_s: float = 300.0) -> Action:
        """Return the action once it rests: final, waiting for people, or leased.

        Survives a restart of the gateway; raises DeadlineExceeded (`WAIT_TIMEOUT`) after `timeout_s`.
        """
        waiting = Waiting(action, until, time.monotonic() + timeout_s, self._retry)
        while True:
            left_s = waiting.remaining_s(time.monotonic())
            try:
                async with aclosing(self.iterate(actions.watch(action), timeout_s=left_s)) as events:
                    async for event in events:
                        found = waiting.take(event)
                        if found is not None:
                            return found
                pause_s = waiting.pause_s(WATCH_ENDED, _jitter())
            except CountermandError as error:
                pause_s = waiting.pause_s(error, _jitter())
            await asyncio.sleep(pause_s)


class AgentClient(_Common):
    """What an agent does: propose, follow, and keep the record of an incident."""

    propose = _unary(actions.propose)
    propose_steps = _unary(actions.propose_steps)
    explain = _unary(actions.explain)


class ApproverClient(_Common):
    """What people do: approve, resolve, switch, read the log."""

    pending = _unary(approvals.pending)
    approve = _unary(approvals.approve)
    reject = _unary(approvals.reject)
    acknowledge = _unary(approvals.acknowledge)
    keep = _unary(approvals.keep)
    resolve = _unary(approvals.resolve)
    stop = _unary(control.stop)
    freeze = _unary(control.freeze)
    resume = _unary(control.resume)
    status = _unary(control.status)
    withdraw = _unary(control.withdraw)
    drift = _unary(control.drift)
    close_drift = _unary(control.close_drift)
    leaf_proof = _unary(audit.leaf_proof)
    tail = _streaming(audit.tail)


def connect(
    address: str,
    *,
    token_file: str | os.PathLike[str] | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    certificate_file: str | os.PathLike[str] | None = None,
    key_file: str | os.PathLike[str] | None = None,
    timeout_s: float = 30.0,
    retry: Retry | None = None,
) -> AgentClient:
    """Return a client of the agent door, to be used in one event loop; arguments as for `agent_client.connect`."""
    at = endpoint(address, token_file, ca_file, certificate_file, key_file)
    return AgentClient(at, timeout_s=timeout_s, retry=retry or Retry())


def connect_approver(
    address: str,
    *,
    token_file: str | os.PathLike[str] | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    certificate_file: str | os.PathLike[str] | None = None,
    key_file: str | os.PathLike[str] | None = None,
    timeout_s: float = 30.0,
    retry: Retry | None = None,
) -> ApproverClient:
    """Return a client of the approver door; arguments as for `agent_client.connect`."""
    at = endpoint(address, token_file, ca_file, certificate_file, key_file)
    return ApproverClient(at, timeout_s=timeout_s, retry=retry or Retry())


def _typed(exc: grpc.RpcError) -> CountermandError:
    return from_rpc(cast("RpcFailure", exc))


def _jitter() -> float:
    return random.random()  # noqa: S311 -- spreads retries, guards nothing
