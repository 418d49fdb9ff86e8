"""What is refused before any use case is called: unknown fields, oversized or deceiving text, bad request ids."""

import re
from types import MappingProxyType
from typing import Final

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from gateway.errors import InvalidRequest

_UUID4: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# C0 and C1 controls but tab and line feed, and the bidirectional overrides: text that a terminal or a
# console would show to an approver as something else.
_DECEIVING: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

# Bytes. The parser has its own, smaller caps on a command; over them is a denial, not an error.
FIELD_BYTES = MappingProxyType(
    {
        "cause": 4_096,
        "command": 262_144,
        "comment": 4_096,
        "justification": 4_096,
        "reason": 4_096,
        "steps": 262_144,
        "text": 4_096,
        "title": 512,
    }
)
DEFAULT_FIELD_BYTES = 256
REPEATED_ITEMS = 64


def check_request_id(request_id: str) -> None:
    """Refuse a mutation without a UUID4 in its canonical, lower-case form; raises InvalidRequest."""
    if _UUID4.fullmatch(request_id) is None:
        raise InvalidRequest(
            "REQUEST_ID_INVALID",
            "request_id is not a UUID4",
            remedy="send a fresh lower-case UUID4, and the same one when you try again",
        )


def check_message(message: Message) -> None:
    """Refuse what this gateway would ignore or could not show; raises InvalidRequest.

    An unknown field may carry a restriction ("only this agent"), so it is not skipped.
    """
    if len(UnknownFieldSet(message)):
        raise InvalidRequest(
            "FIELD_UNKNOWN",
            f"{message.DESCRIPTOR.name} carries a field this gateway does not know",
            remedy="use a client no newer than the gateway",
        )
    for field, value in message.ListFields():
        if field.is_repeated:
            _check_repeated(field.name, value)
        else:
            _check_value(field.name, value)


def _check_repeated(name: str, values: object) -> None:
    items = list(values)  # type: ignore[call-overload]  # a protobuf container, untyped in ListFields
    if len(items) > REPEATED_ITEMS:
        raise InvalidRequest(
            "FIELD_TOO_LONG", f"`{name}` has more than {REPEATED_ITEMS} items", field=name, remedy="send fewer"
        )
    for item in items:
        _check_value(name, item)


def _check_value(name: str, value: object) -> None:
    if isinstance(value, Message):
        check_message(value)
        return
    if not isinstance(value, (str, bytes)):
        return
    limit = FIELD_BYTES.get(name, DEFAULT_FIELD_BYTES)
    # A character is at most four bytes: most text needs no encoding to be known short enough.
    if len(value) * 4 > limit and len(value.encode() if isinstance(value, str) else value) > limit:
        raise InvalidRequest(
            "FIELD_TOO_LONG", f"`{name}` is longer than {limit} bytes", field=name, remedy="shorten it"
        )
    # A command has its own charset in the parser, which answers with a denial and a span.
    if isinstance(value, str) and name != "command" and _DECEIVING.search(value):
        raise InvalidRequest(
            "FIELD_HAS_CONTROL_CHARACTERS", f"`{name}` has control characters", field=name, remedy="remove them"
        )
