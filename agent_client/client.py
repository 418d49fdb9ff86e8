"""The synchronous client.

    from agent_client import connect

    with connect("unix:/run/countermand/agent.sock") as gateway:
        action = gateway.propose("kubectl -n prod get pods", incident="inc_7", hypothesis="h1")
        if action.denials:
            print(action.denials[0].remedy)
        else:
            print(gateway.wait(action.id).outputs[0].text)

Every method is a call of `agent_client.calls`, sent with retries under one request_id; errors are those of
`agent_client.errors`. A client may be shared by threads.
"""

import os
import random
import time
from collections.abc import Callable, Generator
from contextlib import closing
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar, cast

import grpc

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
    """A channel to one door of a gateway; ends with `close` or as a context manager."""

    def __init__(self, at: Endpoint, *, timeout_s: float, retry: Retry) -> None:
        self._metadata = at.metadata
        self._timeout_s = timeout_s
        self._retry = retry
        self._channel = (
            grpc.insecure_channel(at.address, OPTIONS)
            if at.credentials is None
            else grpc.secure_channel(at.address, at.credentials, OPTIONS)
        )

    def run(self, call: Call[T]) -> T:
        """Send a call until it is answered or its error is final; raises CountermandError."""
        stub = self._channel.unary_unary(call.path, serialize, call.response_type.FromString)
        attempt = 1
        while True:
            try:
                return call.read(stub(call.request, timeout=self._timeout_s + call.wait_s, metadata=self._metadata))
            except grpc.RpcError as exc:
                error = _typed(exc)
                pause_s = self._retry.delay_s(attempt, error, _jitter())
                if pause_s is None:
                    raise error from exc
            attempt += 1
            time.sleep(pause_s)

    def iterate(self, stream: Stream[T], *, timeout_s: float | None = None) -> Generator[T, None, None]:
        """Yield the answers of a stream; closing the iterator ends the call. Raises CountermandError."""
        stub = self._channel.unary_stream(stream.path, serialize, stream.response_type.FromString)
        messages = stub(stream.request, timeout=timeout_s, metadata=self._metadata)
        try:
            for message in messages:
                yield stream.read(message)
        except grpc.RpcError as exc:
            raise _typed(exc) from exc
        finally:
            messages.cancel()  # type: ignore[no-untyped-call]  # untyped in the stubs

    def close(self) -> None:
        """End the channel and every call on it."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _unary(build: Callable[P, Call[T]]) -> Callable[Concatenate[Connection, P], T]:
    def method(self: Connection, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.run(build(*args, **kwargs))

    return named_after(method, build)


def _streaming(build: Callable[P, Stream[T]]) -> Callable[Concatenate[Connection, P], Generator[T, None, None]]:
    def method(self: Connection, /, *args: P.args, **kwargs: P.kwargs) -> Generator[T, None, None]:
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

    def wait(self, action: str, *, until: frozenset[State] = RESTING, timeout_s: float = 300.0) -> Action:
        """Return the action once it rests: final, waiting for people, or leased.

        Survives a restart of the gateway; raises DeadlineExceeded (`WAIT_TIMEOUT`) after `timeout_s`.
        """
        waiting = Waiting(action, until, time.monotonic() + timeout_s, self._retry)
        while True:
            left_s = waiting.remaining_s(time.monotonic())
            try:
                with closing(self.iterate(actions.watch(action), timeout_s=left_s)) as events:
                    for event in events:
                        found = waiting.take(event)
                        if found is not None:
                            return found
                pause_s = waiting.pause_s(WATCH_ENDED, _jitter())
            except CountermandError as error:
                pause_s = waiting.pause_s(error, _jitter())
            time.sleep(pause_s)


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
    """Return a client of the agent door at `unix:/path` or `host:port`; nothing is sent before the first call.

    A Unix socket needs no token. `token_file` (0600) holds a bearer token, `ca_file` the root of the gateway's
    TLS certificate, `certificate_file` and `key_file` a client certificate. Raises ValueError for files that are
    not safe to use, and for a token that would cross a network in the clear.
    """
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
    """Return a client of the approver door; arguments as for `connect`."""
    at = endpoint(address, token_file, ca_file, certificate_file, key_file)
    return ApproverClient(at, timeout_s=timeout_s, retry=retry or Retry())


def _typed(exc: grpc.RpcError) -> CountermandError:
    return from_rpc(cast("RpcFailure", exc))


def _jitter() -> float:
    return random.random()  # noqa: S311 -- spreads retries, guards nothing
