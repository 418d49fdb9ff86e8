"""Errors as rich gRPC statuses: `google.rpc.ErrorInfo{reason, domain, metadata}` in the trailers."""

from typing import NoReturn, Protocol

import grpc
from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed
from grpc_status import rpc_status

from gateway.api.reasons import leaving, metadata
from gateway.errors import CountermandError

DOMAIN = "countermand.dev"


class Aborting(Protocol):
    """The part of a servicer context that ends a call."""

    async def abort(
        self, code: grpc.StatusCode, details: str = "", trailing_metadata: tuple[tuple[str, str | bytes], ...] = ()
    ) -> NoReturn:
        """End the call."""
        ...


def code_of(error: CountermandError) -> grpc.StatusCode:
    """Return the gRPC status code of an error."""
    return grpc.StatusCode[leaving(error).grpc]


def status_of(error: CountermandError) -> Status:
    """Return an error as google.rpc.Status."""
    info = ErrorInfo(reason=error.code, domain=DOMAIN, metadata=metadata(error))
    detail = Any()
    detail.Pack(info)
    return Status(code=code_of(error).value[0], message=error.message, details=[detail])


async def abort(context: Aborting, error: CountermandError) -> NoReturn:
    """End a call with an error."""
    status = rpc_status.to_status(status_of(error))
    await context.abort(status.code, status.details, status.trailing_metadata)
