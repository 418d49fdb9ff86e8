"""The edge of every call: who calls, is it well-formed, how an error leaves.

Handlers are built from the service descriptors, so a servicer that lacks a method of its service
cannot be served. There are no interceptors: each would cost the hot path a coroutine per call.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from gateway.api.auth import Authenticator, Shown, Transport
from gateway.api.grpc.status import abort
from gateway.api.grpc.validate import check_message, check_request_id
from gateway.core.principal import Door, Principal
from gateway.errors import CountermandError, Forbidden, GatewayFault, InvalidRequest, Precondition

log = logging.getLogger(__name__)

# Methods by which a person answers for an outcome; a bearer token alone does not reach them.
VOTES: Final = frozenset({"Approve", "Keep", "Resolve", "Resume"})

Context = grpc.aio.ServicerContext[Any, Any]
Unary = Callable[[Any, Principal], Awaitable[Message]]
Stream = Callable[[Any, Principal], AsyncGenerator[Message, None]]


@dataclass(frozen=True, slots=True)
class Edge:
    """What is common to all calls through one listener."""

    door: Door
    transport: Transport
    authenticator: Authenticator
    unary_timeout_s: float


@dataclass(frozen=True, slots=True)
class Service:
    """A servicer and the part of it that a door offers."""

    descriptor: ServiceDescriptor
    servicer: object
    """One method per RPC, named in snake case: (request, principal) -> response or async generator."""
    only: frozenset[str] | None = None
    """RPC names that this door offers; None for all."""
    methods: tuple["Method", ...] = field(init=False)

    def __post_init__(self) -> None:
        names = {m.name for m in self.descriptor.methods}
        unknown = sorted((self.only or frozenset()) - names)
        if unknown:
            raise ValueError(f"{self.descriptor.name} has no {unknown}")
        methods = (Method.of(m, self.servicer, offered=self._offers(m.name)) for m in self.descriptor.methods)
        object.__setattr__(self, "methods", tuple(methods))

    def _offers(self, name: str) -> bool:
        return self.only is None or name in self.only


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC."""

    name: str
    call: Callable[[Any, Principal], Any]
    request_type: type[Message]
    streams: bool
    mutates: bool
    offered: bool

    @classmethod
    def of(cls, descriptor: MethodDescriptor, servicer: object, *, offered: bool) -> "Method":
        """Bind an RPC to its method; raises AttributeError when the servicer lacks it."""
        return cls(
            name=descriptor.name,
            call=getattr(servicer, snake_case(descriptor.name)),
            request_type=GetMessageClass(descriptor.input_type),
            streams=descriptor.server_streaming,
            mutates="request_id" in descriptor.input_type.fields_by_name,
            offered=offered,
        )


def handler(edge: Edge, service: Service) -> "grpc.GenericRpcHandler[Any, Any]":
    """Return the handler of a service behind an edge."""
    methods = {m.name: _stream(edge, m) if m.streams else _unary(edge, m) for m in service.methods}
    return grpc.method_handlers_generic_handler(service.descriptor.full_name, methods)


def snake_case(name: str) -> str:
    """Return `SubmitAction` as `submit_action`."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _unary(edge: Edge, method: Method) -> "grpc.RpcMethodHandler[Any, Any]":
    async def behaviour(request: Message | None, context: Context) -> Message:
        try:
            principal = _admit(edge, method, request, context)
            async with asyncio.timeout(edge.unary_timeout_s + _asked_wait_s(request)):
                response: Message = await method.call(request, principal)
        except Exception as exc:  # noqa: BLE001 -- the outermost frame: nothing may leak to the caller
            await abort(context, _leaving(exc, method))
        return response

    return grpc.unary_unary_rpc_method_handler(behaviour, _reader(method.request_type), _write)


def _asked_wait_s(request: Message | None) -> float:
    """Return how long a caller lets its answer wait; what is too long is refused by the method, at once."""
    return max(0, int(getattr(request, "wait_ms", 0))) / 1_000


def _stream(edge: Edge, method: Method) -> "grpc.RpcMethodHandler[Any, Any]":
    async def behaviour(request: Message | None, context: Context) -> AsyncGenerator[Message, None]:
        try:
            principal = _admit(edge, method, request, context)
            async with aclosing(method.call(request, principal)) as messages:
                async for message in messages:
                    yield message
        except Exception as exc:  # noqa: BLE001 -- the outermost frame: nothing may leak to the caller
            await abort(context, _leaving(exc, method))

    return grpc.unary_stream_rpc_method_handler(behaviour, _reader(method.request_type), _write)


def _admit(edge: Edge, method: Method, request: Message | None, context: Context) -> Principal:
    principal = edge.authenticator.principal(edge.door, _shown(edge, context))
    if not method.offered:
        raise Forbidden(
            "METHOD_NOT_AT_THIS_DOOR", f"the {edge.door} door has no {method.name}", remedy="call another door"
        )
    if method.name in VOTES:
        edge.authenticator.require_vote(principal)
    if request is None:
        raise InvalidRequest(
            "REQUEST_MALFORMED",
            f"not a {method.request_type.DESCRIPTOR.name}, or text that is not UTF-8",
            remedy="send a well-formed message",
        )
    if edge.door != "executor":
        check_message(request)
    if method.mutates:
        check_request_id(request.request_id)  # type: ignore[attr-defined]  # `mutates` says it has one
    return principal


def _shown(edge: Edge, context: Context) -> Shown:
    authorization = None
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            authorization = value if isinstance(value, str) else value.decode(errors="replace")
    if edge.transport == "unix":
        return Shown("unix", authorization)
    names = [n.decode(errors="replace") for n in context.auth_context().get("peer_uri", ())]
    return Shown("tcp", authorization, names[0] if len(names) == 1 else None)


def _leaving(exc: Exception, method: Method) -> CountermandError:
    if isinstance(exc, GatewayFault):
        log.error("%s: %s: %s %s", method.name, exc.code, exc.message, dict(exc.args_))
        return exc
    if isinstance(exc, CountermandError):
        return exc
    if isinstance(exc, TimeoutError):
        return Precondition("DEADLINE_EXCEEDED", f"{method.name} took too long", remedy="try again")
    log.error("%s failed", method.name, exc_info=exc)
    return GatewayFault("INTERNAL", "the gateway failed; ask for the state before you try again")


def _reader(request_type: type[Message]) -> Callable[[bytes], Message | None]:
    def read(data: bytes) -> Message | None:
        try:
            return request_type.FromString(data)
        except DecodeError:
            # Answered by `_admit` with a reason; gRPC's own answer has none.
            return None

    return read


def _write(message: Message) -> bytes:
    return message.SerializeToString()
