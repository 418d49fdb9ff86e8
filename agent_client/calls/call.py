"""A call as a value: what to send, where, and how to read the answer; free of any channel."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request with one answer; made once, so every attempt carries the same request_id."""

    path: str
    request: Message
    response_type: type[Message]
    read: Callable[[Any], T]
    wait_s: float = 0
    """How long the gateway was asked to let the answer wait; the time for the call comes on top."""


@dataclass(frozen=True, slots=True)
class Stream(Generic[T]):
    """One request with a stream of answers."""

    path: str
    request: Message
    response_type: type[Message]
    read: Callable[[Any], T]


class Service:
    """The paths and answer types of one service."""

    def __init__(self, descriptor: ServiceDescriptor) -> None:
        self._name = descriptor.full_name
        self._responses = {m.name: GetMessageClass(m.output_type) for m in descriptor.methods}

    def call(self, method: str, request: Message, read: Callable[[Any], T], wait_s: float = 0) -> Call[T]:
        """Return a call of a unary method."""
        return Call(f"/{self._name}/{method}", request, self._responses[method], read, wait_s)

    def stream(self, method: str, request: Message, read: Callable[[Any], T]) -> Stream[T]:
        """Return a call of a streaming method."""
        return Stream(f"/{self._name}/{method}", request, self._responses[method], read)


def request_id_or_new(request_id: str | None) -> str:
    """Return the id that makes a repeated request safe; a fresh UUID4 when the caller keeps none."""
    return str(uuid.uuid4()) if request_id is None else request_id


def serialize(message: Message) -> bytes:
    """Return the bytes of a request."""
    return message.SerializeToString()
