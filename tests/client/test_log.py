"""Checkpoints and proofs that the gateway makes are checked by a client that shares no code with it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_client import Checkpoint, Proof, ProofError, check_checkpoint, check_consistency, check_inclusion
from gateway.core import checkpoint as core
from gateway.core import merkle
from gateway.core.keys import emit_jwks
from gateway.core.statement import Refused
from tests.core.signing import GATEWAY, STRANGER, public_key

ORIGIN = "countermand.example/log"
KEY = public_key(GATEWAY)
JWKS = emit_jwks([KEY])
LEAVES = [b"leaf %d" % i for i in range(70)]
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]
SIZES = st.integers(1, len(LEAVES))


def _note(size: int) -> str:
    head = core.Checkpoint(ORIGIN, size, merkle.root_of(HASHES[:size]))
    return core.signed_note(head, KEY, GATEWAY.sign(head.body()))


NOTE = _note(13)


def _reason(note: str, jwks: bytes = JWKS, origin: str = ORIGIN) -> str:
    try:
        check_checkpoint(note, jwks, origin)
    except ProofError as exc:
        return exc.reason
    return "HOLDS"


def test_a_signed_checkpoint_holds() -> None:
    assert check_checkpoint(NOTE, JWKS, ORIGIN) == Checkpoint(ORIGIN, 13, merkle.root_of(HASHES[:13]))


def test_a_witness_beside_our_signature_is_passed_over() -> None:
    assert _reason(NOTE + "— witness.example/w AAAAAAAA\n") == "HOLDS"


@pytest.mark.parametrize(
    ("note", "jwks", "origin", "reason"),
    [
        ("", JWKS, ORIGIN, "CHECKPOINT_MALFORMED"),
        (NOTE.rstrip("\n"), JWKS, ORIGIN, "CHECKPOINT_MALFORMED"),
        (NOTE.replace("\n13\n", "\n013\n"), JWKS, ORIGIN, "CHECKPOINT_MALFORMED"),
        (NOTE.replace("—", "-"), JWKS, ORIGIN, "CHECKPOINT_MALFORMED"),
        (NOTE, b"{}", ORIGIN, "CHECKPOINT_MALFORMED"),
        (NOTE, JWKS, "another/log", "CHECKPOINT_ORIGIN"),
        (NOTE, emit_jwks([public_key(STRANGER)]), ORIGIN, "CHECKPOINT_KEY_UNKNOWN"),
        (NOTE.replace(f"— {ORIGIN}", "— someone/else"), JWKS, ORIGIN, "CHECKPOINT_KEY_UNKNOWN"),
        (NOTE, emit_jwks([public_key(GATEWAY, revoked_ms=1)]), ORIGIN, "CHECKPOINT_KEY_REVOKED"),
        (NOTE, emit_jwks([public_key(GATEWAY, expires_ms=1)]), ORIGIN, "HOLDS"),
        (NOTE.replace("\n13\n", "\n14\n"), JWKS, ORIGIN, "CHECKPOINT_SIGNATURE"),
    ],
)
def test_each_failed_check_has_its_own_reason(note: str, jwks: bytes, origin: str, reason: str) -> None:
    assert _reason(note, jwks, origin) == reason


@given(st.integers(0, len(NOTE) - 1), st.characters(codec="utf-8"))
def test_client_and_gateway_judge_the_same_changed_character_alike(position: int, character: str) -> None:
    changed = NOTE[:position] + character + NOTE[position + 1 :]
    theirs = core.open_checkpoint(changed, origin=ORIGIN, keys={KEY.kid: KEY})
    assert (_reason(changed) == "HOLDS") == (not isinstance(theirs, Refused)) == (changed == NOTE)


@given(SIZES, st.data())
def test_every_leaf_is_proven_and_no_other_bytes_are(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = Proof(index, LEAVES[index], tuple(merkle.inclusion_proof(index, size, HASHES)), _note(size))
    assert check_inclusion(proof, JWKS, ORIGIN).size == size
    with pytest.raises(ProofError, match="INCLUSION"):
        check_inclusion(replace(proof, leaf=b"other"), JWKS, ORIGIN)


@given(SIZES, st.data())
def test_client_and_gateway_judge_the_same_spoilt_inclusion_proof_alike(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(-1, size))
    hashes = tuple(data.draw(st.lists(st.sampled_from(HASHES), max_size=7)))
    proof = Proof(index, LEAVES[0], hashes, _note(size))
    theirs = merkle.verify_inclusion(index, size, HASHES[0], merkle.root_of(HASHES[:size]), hashes)
    try:
        check_inclusion(proof, JWKS, ORIGIN)
    except ProofError:
        assert not theirs
    else:
        assert theirs


@given(SIZES, SIZES)
def test_a_log_that_grew_proves_that_it_continues(one: int, other: int) -> None:
    first, second = sorted((one, other))
    older = check_checkpoint(_note(first), JWKS, ORIGIN)
    hashes = tuple(merkle.consistency_proof(first, second, HASHES))
    assert check_consistency(older, Proof(-1, b"", hashes, _note(second)), JWKS).size == second


@given(SIZES, SIZES, st.lists(st.sampled_from(HASHES), max_size=7))
def test_a_log_that_was_cut_or_rewritten_cannot(first: int, second: int, spoilt: list[bytes]) -> None:
    older = replace(check_checkpoint(_note(first), JWKS, ORIGIN), root=HASHES[0][::-1])
    with pytest.raises(ProofError, match="CONSISTENCY"):
        check_consistency(older, Proof(-1, b"", tuple(spoilt), _note(second)), JWKS)


@given(SIZES, SIZES, st.lists(st.sampled_from(HASHES), max_size=7))
def test_client_and_gateway_judge_the_same_spoilt_consistency_proof_alike(
    first: int, second: int, spoilt: list[bytes]
) -> None:
    roots = merkle.root_of(HASHES[:first]), merkle.root_of(HASHES[:second])
    theirs = merkle.verify_consistency(first, second, *roots, spoilt)
    try:
        check_consistency(Checkpoint(ORIGIN, first, roots[0]), Proof(-1, b"", tuple(spoilt), _note(second)), JWKS)
    except ProofError:
        assert not theirs
    else:
        assert theirs
