"""Checkpoints: C2SP text, signed notes, and sigstore's parser as the oracle."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigstore._internal.rekor.checkpoint import SignedCheckpoint

from gateway.core.checkpoint import Checkpoint, key_hash, note_signatures, open_checkpoint, signed_note
from gateway.core.keys import Alg, verify_key
from gateway.core.merkle import leaf_hash
from gateway.core.statement import Refused
from tests.core.signing import GATEWAY, STRANGER, public_key

ORIGIN = "countermand.example/log"
CHECKPOINT = Checkpoint(ORIGIN, 1234, leaf_hash(b"root"))
KEY = public_key(GATEWAY)
KEYS = {KEY.kid: KEY}
NOTE = signed_note(CHECKPOINT, KEY, GATEWAY.sign(CHECKPOINT.body()))


def code(note: str, *, origin: str = ORIGIN, **limits: int) -> str:
    result = open_checkpoint(note, origin=origin, keys={KEY.kid: public_key(GATEWAY, **limits)})
    return result.code if isinstance(result, Refused) else "OPENED"


def test_the_body_is_that_of_the_specification() -> None:
    root = base64.b64encode(leaf_hash(b"root")).decode()
    assert CHECKPOINT.body().decode() == f"{ORIGIN}\n1234\n{root}\n"
    assert NOTE.startswith(f"{CHECKPOINT.body().decode()}\n— {ORIGIN} ")
    assert NOTE.endswith("\n")


# From the signed-note specification: vkey PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW
def test_the_key_hash_is_that_of_the_specification() -> None:
    public = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
    assert key_hash("PeterNeumann", verify_key(Alg.ED25519, public)).hex() == "c74f20a3"


def test_a_signed_checkpoint_opens() -> None:
    assert open_checkpoint(NOTE, origin=ORIGIN, keys=KEYS) == CHECKPOINT
    assert Checkpoint.parse(NOTE) == CHECKPOINT


@given(
    st.builds(
        Checkpoint, st.sampled_from([ORIGIN, "a", "x/y-z"]), st.integers(0, 10**18),
        st.binary(min_size=32, max_size=32),
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1), max_size=2).map(tuple),
    )
)  # fmt: skip
def test_the_parsed_checkpoint_has_exactly_the_bytes_that_were_signed(checkpoint: Checkpoint) -> None:
    note = signed_note(checkpoint, KEY, b"s" * 64)
    assert Checkpoint.parse(note) == checkpoint
    assert note.startswith(checkpoint.body().decode() + "\n")


def test_sigstore_parses_our_note() -> None:
    parsed = SignedCheckpoint.from_text(NOTE)
    assert parsed.checkpoint.origin == ORIGIN
    assert parsed.checkpoint.log_size == 1234
    assert parsed.checkpoint.log_hash == CHECKPOINT.root.hex()
    [signature] = parsed.signed_note.signatures
    assert (signature.name, signature.sig_hash) == (ORIGIN, key_hash(ORIGIN, KEY))
    GATEWAY.public_key().verify(base64.b64decode(signature.signature), parsed.signed_note.note.encode())


def test_extension_lines_are_signed_too() -> None:
    extended = replace(CHECKPOINT, extensions=("timestamp: 5",))
    note = signed_note(extended, KEY, GATEWAY.sign(extended.body()))
    assert open_checkpoint(note, origin=ORIGIN, keys=KEYS) == extended
    assert code(note.replace("timestamp: 5", "timestamp: 6")) == "CHECKPOINT_SIGNATURE"


def test_a_witness_beside_us_is_passed_over() -> None:
    witness = "— witness.example " + base64.b64encode(b"wwww" + b"s" * 72).decode() + "\n"
    assert code(NOTE + witness) == "OPENED"
    assert [s.name for s in note_signatures(NOTE + witness)] == [ORIGIN, "witness.example"]


def test_a_bad_signature_by_a_known_key_spoils_a_good_one() -> None:
    bad = signed_note(CHECKPOINT, KEY, b"x" * 64).rpartition("\n\n")[2]
    assert code(NOTE + bad) == "CHECKPOINT_SIGNATURE"


STRANGERS = signed_note(CHECKPOINT, public_key(STRANGER), STRANGER.sign(CHECKPOINT.body()))


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (code(NOTE), "OPENED"),
        (code(NOTE, expires_ms=1), "OPENED"),
        (code(NOTE, revoked_ms=1), "CHECKPOINT_KEY_REVOKED"),
        (code(NOTE, origin="other.example/log"), "CHECKPOINT_ORIGIN"),
        (code(STRANGERS), "CHECKPOINT_KEY_UNKNOWN"),
        (code(NOTE.replace("\n1234\n", "\n1235\n")), "CHECKPOINT_SIGNATURE"),
        (code(""), "CHECKPOINT_MALFORMED"),
    ],
)
def test_each_failed_check_has_its_own_code(result: str, expected: str) -> None:
    assert result == expected


def test_a_p256_key_does_not_sign_the_log() -> None:
    generator = bytes.fromhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    )
    p256 = verify_key(Alg.ES256, generator)
    with pytest.raises(ValueError, match="Ed25519"):
        signed_note(CHECKPOINT, p256, b"x")
    result = open_checkpoint(NOTE, origin=ORIGIN, keys={p256.kid: p256})
    assert isinstance(result, Refused)
    assert result.code == "CHECKPOINT_KEY_UNKNOWN"


BODY = CHECKPOINT.body().decode()
LINE = NOTE.rpartition("\n\n")[2]


@pytest.mark.parametrize(
    "note",
    [
        BODY,
        NOTE.removesuffix("\n"),
        NOTE + "\n",
        f"{BODY}\n",
        f"{BODY}\n{LINE}{LINE}".replace("—", "-"),
        f"{BODY}\n— {ORIGIN} AAAA\n",
        f"{BODY}\n— {ORIGIN}  {LINE}",
        f"{ORIGIN}\n1234\n\n{LINE}",
        f"\n1\n2\n\n{LINE}",
        BODY.replace("1234", "01234") + "\n" + LINE,
        BODY.replace("1234", "-1") + "\n" + LINE,
        BODY.replace("1234", "1234 ") + "\n" + LINE,
        BODY.replace(ORIGIN, "two words") + "\n" + LINE,
        f"{ORIGIN}\n1\nAAAA\n\n{LINE}",
        f"{ORIGIN}\n1\nnot base64!\n\n{LINE}",
        f"{BODY}\n\n{LINE}",
        NOTE + LINE * 200,
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    assert code(note) == "CHECKPOINT_MALFORMED"
    with pytest.raises(ValueError, match=r"."):
        Checkpoint.parse(note)


@given(st.integers(0, len(NOTE) - 1), st.characters(codec="utf-8"))
def test_no_changed_character_opens(position: int, character: str) -> None:
    changed = NOTE[:position] + character + NOTE[position + 1 :]
    assert (code(changed) == "OPENED") is (changed == NOTE)


@pytest.mark.parametrize("bad", [{"origin": ""}, {"origin": "a+b"}, {"size": -1}, {"root": b"short"}])
def test_what_is_no_checkpoint_cannot_be_built(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"origin|size"):
        replace(CHECKPOINT, **bad)  # type: ignore[arg-type]  # the table mixes fields
