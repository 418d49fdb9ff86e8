"""What is refused before a use case is called."""

import uuid

import pytest
from countermand.gateway.v1 import action_service_pb2, control_service_pb2, incident_service_pb2
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.grpc.validate import DEFAULT_FIELD_BYTES, FIELD_BYTES, check_message, check_request_id
from gateway.errors import InvalidRequest
from tests.api.raw import FILES

UUID1 = "a8098c1a-f86e-11da-bd1a-00112444be1e"
UUID4 = "f47ac10b-58cc-4372-a567-0e02b2c3d479"


def _refusal(message: Message) -> str | None:
    try:
        check_message(message)
    except InvalidRequest as exc:
        return exc.code
    return None


@given(st.uuids(version=4))
def test_every_fresh_uuid4_is_a_request_id(value: uuid.UUID) -> None:
    check_request_id(str(value))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "00000000-0000-0000-0000-000000000000",
        UUID1,
        UUID4.upper(),
        UUID4.replace("-", ""),
        f"{{{UUID4}}}",
        UUID4 + "\n",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_request_id(text)
    assert caught.value.code == "REQUEST_ID_INVALID"


def test_a_field_that_the_gateway_does_not_know_is_refused_at_any_depth() -> None:
    scope = control_service_pb2.SwitchScope.FromString(b"\x1a\x03foo")  # field 3: a narrower scope, some day
    assert _refusal(control_service_pb2.ResumeRequest(scope=scope)) == "FIELD_UNKNOWN"
    assert _refusal(action_service_pb2.GetActionRequest.FromString(b"\xfa\x06\x01a")) == "FIELD_UNKNOWN"


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066"])
def test_text_that_a_terminal_would_show_as_something_else_is_refused(character: str) -> None:
    request = action_service_pb2.CancelActionRequest(reason=f"all fine{character}")
    assert _refusal(request) == "FIELD_HAS_CONTROL_CHARACTERS"


def test_a_command_is_left_to_the_parser() -> None:
    assert _refusal(action_service_pb2.SubmitActionRequest(command="ls \x1b[2J")) is None


def test_line_feeds_and_tabs_are_text() -> None:
    assert _refusal(action_service_pb2.SubmitActionRequest(justification="a\n\tb — ünïcode")) is None


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs")), max_size=200))
def test_a_limit_counts_bytes_of_utf8(text: str) -> None:
    refusal = _refusal(action_service_pb2.GetActionRequest(action_id=text))
    assert refusal == ("FIELD_TOO_LONG" if len(text.encode()) > DEFAULT_FIELD_BYTES else None)


def test_too_many_items_are_refused() -> None:
    request = incident_service_pb2.DeclareCauseRequest(evidence_action_ids=["act"] * 65)
    assert _refusal(request) == "FIELD_TOO_LONG"


def test_every_limit_is_of_a_field_that_exists() -> None:
    fields = {f.name for file in FILES for m in file.DESCRIPTOR.message_types_by_name.values() for f in m.fields}
    assert set(FIELD_BYTES) <= fields
