"""Rich errors are read without googleapis."""

from collections.abc import Iterable

import grpc
import pytest
from countermand.gateway.v1.rpc_status_pb2 import RpcErrorInfo, RpcStatus
from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed
from grpc_status import rpc_status
from hypothesis import given
from hypothesis import strategies as st

from agent_client import errors
from gateway import errors as gateway_errors
from gateway.api.grpc.status import DOMAIN, code_of, status_of
from gateway.api.reasons import BY_CLASS

DETAILS = "grpc-status-details-bin"
Trailers = Iterable[tuple[str, str | bytes]] | None
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


class Failure:
    """A failed call as gRPC hands it over."""

    def __init__(self, code: grpc.StatusCode, details: str | None, trailers: Trailers) -> None:
        self._code = code
        self._details = details
        self._trailers = trailers

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str | None:
        return self._details

    def trailing_metadata(self) -> Trailers:
        return self._trailers


def _failure(status: Status) -> Failure:
    sent = rpc_status.to_status(status)
    return Failure(sent.code, sent.details, sent.trailing_metadata)


def _packed(*details: object) -> list[Any]:
    found = []
    for detail in details:
        any_ = Any()
        any_.Pack(detail)  # type: ignore[arg-type]  # a message
        found.append(any_)
    return found


@given(TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=4))
def test_the_clients_own_messages_read_what_googleapis_writes(
    reason: str, message: str, metadata: dict[str, str]
) -> None:
    details = _packed(ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata))
    data = Status(code=3, message=message, details=details).SerializeToString()
    status = RpcStatus.FromString(data)
    info = RpcErrorInfo.FromString(status.details[0].value)
    assert (status.code, status.message) == (3, message)
    assert (info.reason, info.domain, dict(info.metadata)) == (reason, DOMAIN, metadata)


def test_an_error_arrives_with_everything_the_gateway_said() -> None:
    sent = gateway_errors.Precondition("TARGET_BUSY", "the target is busy", remedy="wait for it", by="act_1")
    error = errors.from_rpc(_failure(status_of(sent)))
    assert type(error) is errors.Precondition
    assert (error.reason, error.message, error.remedy, error.metadata) == (
        "TARGET_BUSY", "the target is busy", "wait for it", {"by": "act_1"},
    )  # fmt: skip
    assert str(error) == "TARGET_BUSY: the target is busy (wait for it)"


@pytest.mark.parametrize("cls", [c for c in BY_CLASS if issubclass(c, gateway_errors.CallerError)])
def test_a_mistake_of_the_caller_has_the_same_name_on_both_sides(cls: type[gateway_errors.CountermandError]) -> None:
    error = errors.from_rpc(_failure(status_of(cls("SOME_REASON"))))
    expected = "InvalidRequest" if cls is gateway_errors.CallerError else cls.__name__
    assert type(error).__name__ == expected


def test_only_what_is_unavailable_is_told_apart_among_faults() -> None:
    for cls in BY_CLASS:
        if issubclass(cls, gateway_errors.GatewayFault):
            error = errors.from_rpc(_failure(status_of(cls("SOME_REASON"))))
            unavailable = code_of(cls("SOME_REASON")) is grpc.StatusCode.UNAVAILABLE
            assert isinstance(error, errors.Unavailable) == unavailable


def test_other_details_beside_the_reason_are_passed_over() -> None:
    foreign, ours = ErrorInfo(reason="ELSEWHERE", domain="example.com"), ErrorInfo(reason="OURS", domain=DOMAIN)
    details = _packed(RetryInfo(), foreign, ours)
    error = errors.from_rpc(_failure(Status(code=14, message="later", details=details)))
    assert (error.reason, type(error)) == ("OURS", errors.Unavailable)


@pytest.mark.parametrize(
    "trailers",
    [None, (), ((DETAILS, b"\xff\xff"),), (("other-bin", b""),), ((DETAILS, "text"),)],
)
def test_without_a_readable_reason_the_name_of_the_status_stands_in(trailers: Trailers) -> None:
    error = errors.from_rpc(Failure(grpc.StatusCode.UNAVAILABLE, "connection refused", trailers))
    assert (type(error), error.reason, error.message) == (errors.Unavailable, "UNAVAILABLE", "connection refused")


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.InvalidRequest),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExceeded),
        (grpc.StatusCode.INTERNAL, errors.GatewayFault),
        (grpc.StatusCode.UNIMPLEMENTED, errors.GatewayFault),
        (grpc.StatusCode.UNKNOWN, errors.GatewayFault),
    ],
)
def test_a_status_without_a_gateway_behind_it_is_typed_too(
    code: grpc.StatusCode, cls: type[errors.CountermandError]
) -> None:
    assert type(errors.from_rpc(Failure(code, None, ()))) is cls
