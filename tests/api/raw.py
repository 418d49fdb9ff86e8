"""Calls without agent_client: what another implementation of the wire would send and see."""

import uuid
from collections.abc import AsyncGenerator, Iterable
from typing import Any, Self

import grpc
import grpc.aio
from countermand.gateway.v1 import (
    action_service_pb2,
    approval_service_pb2,
    audit_service_pb2,
    capability_service_pb2,
    control_service_pb2,
    executor_service_pb2,
    incident_service_pb2,
)
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed

FILES = (
    action_service_pb2,
    approval_service_pb2,
    audit_service_pb2,
    capability_service_pb2,
    control_service_pb2,
    executor_service_pb2,
    incident_service_pb2,
)
METHODS: dict[str, MethodDescriptor] = {
    m.name: m for f in FILES for s in f.DESCRIPTOR.services_by_name.values() for m in s.methods
}


def new_id() -> str:
    """Return a fresh request_id."""
    return str(uuid.uuid4())


def request_of(method: str, **fields: object) -> Message:
    """Return a request message of an RPC."""
    return GetMessageClass(METHODS[method].input_type)(**fields)


class Raw:
    """A channel that names methods by their RPC name."""

    def __init__(
        self, address: str, token: str | None = None, credentials: grpc.ChannelCredentials | None = None
    ) -> None:
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self._channel = (
            grpc.aio.insecure_channel(address) if credentials is None else grpc.aio.secure_channel(address, credentials)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close(None)

    async def call(self, method: str, request: Message | bytes) -> Any:
        """Send a message, or bytes as they are."""
        stub = self._channel.unary_unary(*self._arguments(method))
        return await stub(request, timeout=10, metadata=self._metadata)

    async def stream(self, method: str, request: Message) -> AsyncGenerator[Any, None]:
        """Yield the answers of a stream; the call ends with the iterator."""
        call = self._channel.unary_stream(*self._arguments(method))(request, metadata=self._metadata)
        try:
            async for message in call:
                yield message
        finally:
            call.cancel()

    async def error(self, method: str, request: Message | bytes) -> tuple[str, str, dict[str, str]]:
        """Return (grpc code, reason, metadata) of a call that is refused."""
        try:
            if METHODS[method].server_streaming:
                assert isinstance(request, Message)
                answers = [a async for a in self.stream(method, request)]
                raise AssertionError(f"not refused: {answers}")
            answer = await self.call(method, request)
        except grpc.aio.AioRpcError as exc:
            return error_of(exc)
        raise AssertionError(f"not refused: {answer}")

    def _arguments(self, method: str) -> tuple[str, Any, Any]:
        descriptor = METHODS[method]
        path = f"/{descriptor.containing_service.full_name}/{method}"
        return path, _bytes, GetMessageClass(descriptor.output_type).FromString


def error_of(exc: grpc.aio.AioRpcError) -> tuple[str, str, dict[str, str]]:
    """Read the rich error with googleapis' own messages."""
    trailers: Iterable[tuple[str, bytes]] = exc.trailing_metadata()  # type: ignore[assignment]  # missing in the stubs
    for key, value in trailers:
        if key == "grpc-status-details-bin":
            status = Status.FromString(value)
            info = ErrorInfo()
            assert status.details[0].Unpack(info)
            assert info.domain == "countermand.dev"
            return exc.code().name, info.reason, dict(info.metadata)
    return exc.code().name, "", {}


def _bytes(request: Message | bytes) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()
