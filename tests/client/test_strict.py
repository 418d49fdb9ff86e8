"""JSON of others is read without surprises."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_client import strict


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"a":1,"a":2}', b'{"b":{"a":1,"a":2}}', b"\xff", b"[" * 100_000], ids=range(6)
)
def test_malformed_repeated_or_endless_json_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the message is of the JSON library
        strict.loads_strict(data)


@given(st.binary(max_size=80))
def test_base64_has_one_spelling_per_value(data: bytes) -> None:
    assert strict.from_base64(base64.b64encode(data).decode()) == data
    assert strict.from_base64_url(base64.urlsafe_b64encode(data).decode().rstrip("=")) == data


@pytest.mark.parametrize("text", ["a", "!!!!", "QQ", "QR==", "QQ==\n", "é"])
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        strict.from_base64(text)


@pytest.mark.parametrize("text", ["QQ==", "+w", "_", "QR"])
def test_another_spelling_of_the_url_safe_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        strict.from_base64_url(text)


def test_a_member_of_another_shape_is_named() -> None:
    with pytest.raises(ValueError, match="`a` is missing"):
        strict.member({}, "a")
    with pytest.raises(ValueError, match="`a` is missing"):
        strict.member([], "a")
    with pytest.raises(ValueError, match="`a` is not a string"):
        strict.text({"a": 1}, "a")
    with pytest.raises(ValueError, match="`a` is not an integer"):
        strict.integer({"a": True}, "a")
    with pytest.raises(ValueError, match="`a` is not an array"):
        strict.sequence({"a": {}}, "a")
