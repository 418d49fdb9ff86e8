"""Secrets and memory of signed webhooks."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.http.seen import MAX_IDS, Seen
from gateway.api.http.signature import check, parse_secret
from gateway.errors import ConfigFault, Unauthenticated
from tests.api.alerts import signed

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def test_a_secret_is_prefix_and_base64() -> None:
    assert parse_secret(SECRET) == KEY


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!", base64.b64encode(KEY).decode()])
def test_a_weak_or_malformed_secret_is_refused(text: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        parse_secret(text)
    assert caught.value.code == "WEBHOOK_SECRET_INVALID"


@given(st.binary(max_size=200), st.integers(0, 10**12 - 1))
def test_what_was_signed_holds_at_its_time(body: bytes, at_s: int) -> None:
    message = check([KEY], signed(body, at_s * 1000, secret=SECRET), body, float(at_s))
    assert (message.id, message.at_s) == ("msg_1", at_s)


@given(st.binary(min_size=1, max_size=200), st.data())
def test_no_changed_byte_holds(body: bytes, data: st.DataObject) -> None:
    changed = bytearray(body)
    changed[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Unauthenticated) as caught:
        check([KEY], signed(body, 1000, secret=SECRET), bytes(changed), 1.0)
    assert caught.value.code == "WEBHOOK_SIGNATURE"


def test_only_the_first_eight_signatures_are_looked_at() -> None:
    headers = signed(b"x", 1000, secret=SECRET)
    padded = headers | {"webhook-signature": "v1,AAAA " * 8 + headers["webhook-signature"]}
    with pytest.raises(Unauthenticated):
        check([KEY], padded, b"x", 1.0)
    rotated = headers | {"webhook-signature": "v1,AAAA " + headers["webhook-signature"]}
    assert check([KEY], rotated, b"x", 1.0).id == "msg_1"


def test_a_handled_message_is_known_as_long_as_its_time_would_be_accepted() -> None:
    seen = Seen(300)
    seen.add("a", 1000.0)
    seen.add("b", 1600.0)
    assert "a" in seen
    seen.add("c", 1600.1)
    assert "a" not in seen
    assert "b" in seen


def test_memory_is_bounded() -> None:
    seen = Seen(300)
    for i in range(MAX_IDS + 10):
        seen.add(str(i), 1000.0)
    assert "9" not in seen
    assert str(MAX_IDS + 9) in seen
