"""Errors of a gateway, by the same reasons on both sides.

CountermandError
├── InvalidRequest       malformed, or the same request_id with other content
├── Unauthenticated      no or a wrong identity
├── Forbidden            an identity that may not
├── NotFound             no such action, incident, leaf
├── Precondition         the state does not allow it
├── Unavailable          not reached, or a record could not be made; the client has tried again already
├── DeadlineExceeded     no answer in time; ask for the state before trying again
└── GatewayFault         the gateway failed

`reason` is stable; `remedy` says what would be accepted. A denial is no error: it is an `Action` in
state DENIED whose findings say why.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

import grpc
from countermand.gateway.v1.rpc_status_pb2 import RpcErrorInfo, RpcStatus
from google.protobuf.message import DecodeError

DOMAIN: Final = "countermand.dev"
_DETAILS: Final = "grpc-status-details-bin"
_ERROR_INFO: Final = "type.googleapis.com/google.rpc.ErrorInfo"


class CountermandError(Exception):
    """Base of all errors of a gateway."""

    def __init__(
        self, reason: str, message: str = "", remedy: str = "", metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{reason}: {message or reason}" + (f" ({remedy})" if remedy else ""))
        self.reason = reason
        self.message = message or reason
        self.remedy = remedy
        self.metadata: Mapping[str, str] = metadata or {}


class InvalidRequest(CountermandError):
    """The request is malformed or contradicts an earlier one."""


class Unauthenticated(CountermandError):
    """No identity was shown, or a wrong one."""


class Forbidden(CountermandError):
    """The identity may not do this."""


class NotFound(CountermandError):
    """The named thing does not exist for this caller."""


class Precondition(CountermandError):
    """The state of the world does not allow it now."""


class Unavailable(CountermandError):
    """The gateway was not reached or could not make a record; the same request_id may be sent again."""


class DeadlineExceeded(CountermandError):
    """No answer came in time; it is not known whether the request was accepted."""


class GatewayFault(CountermandError):
    """The gateway failed."""


_BY_CODE: Final[Mapping[grpc.StatusCode, type[CountermandError]]] = MappingProxyType(
    {
        grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
        # Only a message over the size limit of gRPC itself is answered so.
        grpc.StatusCode.RESOURCE_EXHAUSTED: InvalidRequest,
        grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
        grpc.StatusCode.PERMISSION_DENIED: Forbidden,
        grpc.StatusCode.NOT_FOUND: NotFound,
        grpc.StatusCode.FAILED_PRECONDITION: Precondition,
        grpc.StatusCode.UNAVAILABLE: Unavailable,
        grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    }
)


class RpcFailure(Protocol):
    """The part that errors of the synchronous and of the asynchronous gRPC have in common."""

    def code(self) -> grpc.StatusCode:
        """Return the status code."""
        ...

    def details(self) -> str | None:
        """Return the message."""
        ...

    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """Return the trailers."""
        ...


def from_rpc(failure: RpcFailure) -> CountermandError:
    """Return the typed error of a failed call.

    Its reason is the gateway's, or the name of the gRPC status when no gateway gave one.
    """
    error_type = _BY_CODE.get(failure.code(), GatewayFault)
    info = _error_info(failure.trailing_metadata() or ())
    message = failure.details() or ""
    if info is None:
        return error_type(failure.code().name, message)
    metadata = dict(info.metadata)
    return error_type(info.reason, message, metadata.pop("remedy", ""), metadata)


def _error_info(trailers: Iterable[tuple[str, str | bytes]]) -> RpcErrorInfo | None:
    for key, value in trailers:
        if key == _DETAILS and isinstance(value, bytes):
            return _read(value)
    return None


def _read(data: bytes) -> RpcErrorInfo | None:
    """Return the ErrorInfo of a gateway in a google.rpc.Status; what is malformed or foreign has none."""
    try:
        infos = [
            RpcErrorInfo.FromString(d.value) for d in RpcStatus.FromString(data).details if d.type_url == _ERROR_INFO
        ]
    except DecodeError:
        return None
    return next((info for info in infos if info.domain == DOMAIN), None)
