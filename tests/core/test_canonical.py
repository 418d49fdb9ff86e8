"""Canonical bytes: the fast path equals the reference, and inbound JSON has one meaning."""

import hashlib
from types import MappingProxyType

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.canonical import canonical, digest, digest_bytes, double_beyond_safe, freeze, loads_strict, thaw

SAFE = 2**53 - 1
leaves = (
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
)  # fmt: skip
documents = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
)


@given(documents)
def test_canonical_bytes_are_those_of_the_reference(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]  # a JSON value


@given(documents)
def test_canonical_bytes_read_back_to_the_same_bytes(value: object) -> None:
    data = canonical(value)
    assert canonical(loads_strict(data, parse_int=double_beyond_safe)) == data


def test_a_large_double_reads_back_and_a_large_integer_from_outside_does_not() -> None:
    data = canonical([1e20])
    assert data == b"[100000000000000000000]"
    assert canonical(loads_strict(data, parse_int=double_beyond_safe)) == data
    with pytest.raises(ValueError, match=r"."):
        canonical(loads_strict(data))


def test_more_levels_than_the_fast_path_takes_are_written_by_the_reference() -> None:
    deep: object = 1
    for _ in range(300):
        deep = [deep]
    assert canonical(deep) == b"[" * 300 + b"1" + b"]" * 300


@given(documents)
def test_a_frozen_value_has_the_same_bytes(value: object) -> None:
    assert canonical(freeze(value)) == canonical(value)
    assert thaw(freeze(value)) == thaw(value)


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 9), max_size=6))
def test_the_order_of_members_does_not_matter(value: dict[str, int]) -> None:
    assert digest(dict(reversed(value.items()))) == digest(value)


@pytest.mark.parametrize(
    "value", [2**53, -(2**53), [2**60], float("nan"), float("inf"), {"a": float("-inf")}, "\ud800", {"\ud800": 1}]
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(value)


def test_keys_beyond_ascii_are_ordered_by_utf_16() -> None:
    assert canonical({"\U00010000": 1, "\uffff": 2}) == '{"\U00010000":1,"\uffff":2}'.encode()


def test_a_frozen_value_cannot_be_changed() -> None:
    frozen = freeze({"a": [1, {"b": 2}]})
    assert isinstance(frozen, MappingProxyType)
    assert frozen["a"][1]["b"] == 2
    with pytest.raises(TypeError):
        frozen["a"] = 1  # type: ignore[index]  # what must not work


def test_digests_name_their_algorithm() -> None:
    assert digest_bytes(b"x") == "sha256:" + hashlib.sha256(b"x").hexdigest()
    assert digest({"b": 1, "a": 2}) == digest_bytes(b'{"a":2,"b":1}')


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a":1,"a":1}', "duplicate key 'a'"),
        ('{"x":{"a":1,"b":2,"a":3}}', "duplicate key 'a'"),
        ("NaN", "NaN is not JSON"),
        ("[-Infinity]", "-Infinity is not JSON"),
        ("{", "Expecting"),
        ("[1,]", "Expecting|Illegal"),
        ("[" * 200_000, "nested too deeply"),
    ],
)
def test_json_with_two_meanings_or_none_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        loads_strict(text)
