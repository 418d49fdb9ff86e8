"""Every error leaves with a status that its class or reason names."""

import ast
from pathlib import Path

import grpc
import pytest

from gateway import errors
from gateway.api.grpc.status import code_of, status_of
from gateway.api.reasons import BY_CLASS, BY_REASON, leaving, metadata
from gateway.api.remedies import REMEDIES
from gateway.errors import CallerError, CountermandError, InvalidRequest, Precondition, StoreFault
from tests.fakes.gateway import every_error


@pytest.mark.parametrize("error", [e for e in every_error() if e.__module__ == "gateway.errors"])
def test_every_error_class_has_its_own_row(error: type[CountermandError]) -> None:
    assert error in BY_CLASS
    assert code_of(error("SOME_REASON")) is grpc.StatusCode[BY_CLASS[error].grpc]


def test_every_row_names_a_status_of_grpc_and_http() -> None:
    for row in [*BY_CLASS.values(), *BY_REASON.values()]:
        assert grpc.StatusCode[row.grpc] is not grpc.StatusCode.OK
        assert row.http >= 400


def test_a_class_that_is_not_in_the_table_takes_the_row_of_its_nearest_base() -> None:
    class Narrower(InvalidRequest):
        pass

    assert leaving(Narrower("X")) == BY_CLASS[InvalidRequest]


def test_a_reason_with_its_own_row_wins_over_the_class() -> None:
    assert leaving(Precondition("DEADLINE_EXCEEDED")).grpc == "DEADLINE_EXCEEDED"


def test_only_faults_that_may_pass_are_unavailable_which_is_what_clients_retry() -> None:
    assert {cls.__name__ for cls, row in BY_CLASS.items() if row.grpc == "UNAVAILABLE"} == {
        "StoreFault",
        "DeliveryFault",
    }


def test_a_caller_learns_the_remedy_and_the_values_in_the_message() -> None:
    error = InvalidRequest("TOO_LONG", "too long", remedy="shorten it", limit=256, text="x" * 9000)
    assert metadata(error) == {"remedy": "shorten it", "limit": "256", "text": "x" * 512}
    assert len(status_of(error).SerializeToString()) < 1024


def test_a_fault_keeps_its_values_to_the_operator() -> None:
    told = metadata(StoreFault("STORE_FULL", "the log cannot be written", path="/var/lib/secret", remedy="see /var"))
    assert told == {"remedy": "try again under the same request_id: it counts once"}


def test_every_refusal_of_a_caller_in_the_source_has_a_remedy() -> None:
    callers = {cls.__name__ for cls in every_error() if issubclass(cls, CallerError)}
    silent = {
        ast.unparse(call.args[0]).strip("'")
        for path in (Path(errors.__file__).parent).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in callers and call.args
        and not any(keyword.arg == "remedy" for keyword in call.keywords)
    }  # fmt: skip
    assert silent
    assert sorted(silent - set(REMEDIES)) == []
