"""Which characters a proposal may contain."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parsing.charset import MAX_TEXT_BYTES, byte_offsets, check, decode
from gateway.parsing.result import Refusal


def code_of(data: bytes) -> str | None:
    decoded = decode(data)
    return decoded.code if isinstance(decoded, Refusal) else None


def test_plain_text_comes_back_as_it_is() -> None:
    assert decode(b"kubectl get pods\n") == "kubectl get pods\n"


def test_text_over_the_cap_is_refused_and_at_the_cap_is_not() -> None:
    assert code_of(b"a" * MAX_TEXT_BYTES) is None
    assert code_of(b"a" * (MAX_TEXT_BYTES + 1)) == "TEXT_TOO_LONG"


def test_the_cap_counts_bytes_and_not_characters() -> None:
    assert code_of("é".encode() * (MAX_TEXT_BYTES // 2 + 1)) == "TEXT_TOO_LONG"


@pytest.mark.parametrize("data", [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"])
def test_bytes_that_are_not_utf8_are_refused(data: bytes) -> None:
    assert code_of(data) == "TEXT_NOT_UTF8"


@pytest.mark.parametrize("control", [*range(9), *range(11, 32), 127])
def test_control_characters_are_refused_even_in_quotes(control: int) -> None:
    assert code_of(f"psql -c 'a{chr(control)}b'".encode()) == "TEXT_CONTROL_CHARACTER"


@pytest.mark.parametrize(
    "character",
    ["\u00a0", "\u1680", "\u2003", "\u2028", "\u2029", "\u202e", "\u2066", "\u200b", "\u200d", "\u2060", "\ufeff",
     "\u00ad", "\u034f", "\ufe0f", "\u3164", "\u180e", "\U000e0041", "\ue000", "\u0378", "\u0085", "\u3000", "\uffa0"],
)  # fmt: skip
def test_invisible_characters_are_refused(character: str) -> None:
    assert code_of(f"'{character}'".encode()) in {"TEXT_INVISIBLE_CHARACTER", "TEXT_CONTROL_CHARACTER"}


@pytest.mark.parametrize("character", ["ａ", "－", "＆", "\u212a", "ﬁ", "\U0001d41a", "①", "ª", "½", "…", "\u037e"])
def test_characters_that_fold_to_ascii_are_refused(character: str) -> None:
    assert code_of(f"'{character}'".encode()) in {"TEXT_LOOKALIKE", "TEXT_NOT_NFC"}


def test_text_that_is_not_composed_is_refused() -> None:
    assert code_of("'e\u0301'".encode()) == "TEXT_NOT_NFC"


@pytest.mark.parametrize("text", ["'é'", "'日本語'", "'привет'", "'→'", "'€'", "'हिन्दी'"])
def test_letters_of_other_scripts_are_accepted(text: str) -> None:
    assert code_of(text.encode()) is None


def test_a_flood_of_blanks_that_hides_the_rest_is_refused() -> None:
    assert code_of(b"kubectl get pods" + b" " * 65 + b"&& id") == "TEXT_BLANK_RUN"
    assert code_of(b"kubectl get pods" + b" " * 64 + b"&& id") is None
    assert code_of(b"psql -c '" + b" \n" * 40 + b"'") == "TEXT_BLANK_RUN"


def test_the_span_of_a_refusal_counts_bytes() -> None:
    refusal = decode("'é' '\u200b'".encode())
    assert isinstance(refusal, Refusal)
    assert "'é' '\u200b'".encode()[slice(*refusal.span)] == "\u200b".encode()


@given(st.text())
def test_check_answers_for_any_text(text: str) -> None:
    refusal = check(text)
    assert refusal is None or refusal.code.startswith("TEXT_")


@given(st.binary(max_size=200))
def test_decode_answers_for_any_bytes(data: bytes) -> None:
    decoded = decode(data)
    assert isinstance(decoded, Refusal) or decoded.encode() == data


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=50))
def test_byte_offsets_point_at_characters(text: str) -> None:
    offsets = byte_offsets(text)
    assert [text.encode()[a:b].decode() for a, b in itertools.pairwise(offsets)] == list(text)
