"""Receipts that the gateway seals are checked by a client that shares no code with it."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from agent_client import Proof, ProofError, State, check_receipt
from gateway.core.canonical import canonical, digest_bytes
from gateway.core.checkpoint import Checkpoint, signed_note
from gateway.core.dsse import PAYLOAD_TYPE, pae, seal
from gateway.core.events import leaf
from gateway.core.keys import Alg, emit_jwks, verify_key
from gateway.core.kinds import LeafKind
from gateway.core.merkle import inclusion_proof, leaf_hash, root_of
from gateway.core.predicate import AgentRef, PolicyRef
from gateway.core.receipt import LogRef, Receipt, open_receipt, receipt_statement
from gateway.core.redact import Redactor
from gateway.core.statement import Refused
from tests.core.signing import GATEWAY, PLAN, STRANGER, public_key, sign

NOW = 1_764_000_000_000
ORIGIN = "countermand/local"
DIGEST = "sha256:" + "ab" * 32
KEY = public_key(GATEWAY)
JWKS = emit_jwks([KEY])
RECEIPT = Receipt(
    action="act_01JD",
    plan_digest=PLAN.digest,
    receipt_id="rec_01JD",
    issued_ms=NOW,
    outcome="COMMITTED",
    agent=AgentRef("agent/sre-1", "team-checkout"),
    policy=PolicyRef(DIGEST, "dec_01JD", DIGEST),
    steps=("applied", "unknown"),
    log=LogRef(ORIGIN, "cd" * 32, 41),
    grant_id="gra_01JD",
    verdict="effective",
    cause="verified",
)
GOOD = sign(receipt_statement(RECEIPT))


def _leaf(envelope: bytes, *, action: str = "act_01JD", kind: LeafKind = LeafKind.RECEIPT) -> bytes:
    """Return the leaf as the gateway's recorder writes it."""
    return leaf(
        kind, action=action, at_ms=NOW, state_before=None, event=None, guard=None, state_after=None, version=7,
        body={"envelope": digest_bytes(envelope)}, prev_leaf=b"", redactor=Redactor("k1", b"k" * 32),
    )  # fmt: skip


def _proof(of: bytes, *, size: int = 7, index: int = 3) -> Proof:
    """Return the proof of a leaf in a log of others."""
    hashes = [leaf_hash(of if i == index else b"other %d" % i) for i in range(size)]
    head = Checkpoint(ORIGIN, size, root_of(hashes))
    note = signed_note(head, KEY, GATEWAY.sign(head.body()))
    return Proof(index, of, tuple(inclusion_proof(index, size, hashes)), note)


def _reason(envelope: bytes, jwks: bytes = JWKS, proof: Proof | None = None) -> str:
    try:
        check_receipt(envelope, jwks, proof)
    except ProofError as exc:
        return exc.reason
    return "HOLDS"


def test_a_receipt_says_what_the_gateway_sealed() -> None:
    receipt = check_receipt(GOOD, JWKS)
    assert (receipt.id, receipt.action, receipt.plan_digest) == ("rec_01JD", "act_01JD", PLAN.digest)
    assert (receipt.issued_ms, receipt.outcome, receipt.steps) == (NOW, State.COMMITTED, ("applied", "unknown"))
    assert (receipt.agent, receipt.owner, receipt.origin) == ("agent/sre-1", "team-checkout", ORIGIN)
    assert (receipt.revision, receipt.decision) == (DIGEST, DIGEST)
    assert (receipt.grant, receipt.verdict, receipt.cause) == ("gra_01JD", "effective", "verified")


def test_a_bare_receipt_leaves_out_what_there_was_not() -> None:
    bare = check_receipt(sign(receipt_statement(replace(RECEIPT, grant_id=None, verdict=None, cause=None))), JWKS)
    assert (bare.grant, bare.verdict, bare.cause) == ("", "", "")


@pytest.mark.parametrize(
    ("envelope", "limits", "reason"),
    [
        (b"nonsense", {}, "RECEIPT_ENVELOPE"),
        (b"[]", {}, "RECEIPT_ENVELOPE"),
        (b"x" * 20_000, {}, "RECEIPT_ENVELOPE"),
        (GOOD.replace(b'{"payload"', b'{"payloadType":"x","payload"', 1), {}, "RECEIPT_ENVELOPE"),
        (sign(receipt_statement(RECEIPT), payload_type="other").replace(b"in-toto", b"other"), {}, "RECEIPT_ENVELOPE"),
        (sign(receipt_statement(RECEIPT), payload_type="other"), {}, "RECEIPT_SIGNATURE"),
        (sign(receipt_statement(RECEIPT), STRANGER), {}, "RECEIPT_KEY_UNKNOWN"),
        (sign(b"[]"), {}, "RECEIPT_PREDICATE"),
        (sign(b"{}"), {}, "RECEIPT_PREDICATE"),
        (GOOD, {"not_before_ms": NOW + 1}, "RECEIPT_KEY_TIME"),
        (GOOD, {"expires_ms": NOW}, "RECEIPT_KEY_TIME"),
        (GOOD, {"expires_ms": NOW + 1}, "HOLDS"),
        (GOOD, {"revoked_ms": NOW}, "RECEIPT_KEY_TIME"),
        (GOOD, {"revoked_ms": NOW + 1}, "RECEIPT_KEY_REVOKED"),
    ],
)
def test_each_failed_check_has_its_own_reason(envelope: bytes, limits: dict[str, int], reason: str) -> None:
    assert _reason(envelope, emit_jwks([public_key(GATEWAY, **limits)])) == reason


@pytest.mark.parametrize(
    "change",
    [
        {"_type": "https://in-toto.io/Statement/v0"},
        {"predicateType": "https://countermand.dev/ActionGrant/v1"},
        {"subject": []},
        {"subject": [{"name": "grant/x", "digest": {"sha256": "ab"}}]},
        {"subject": [{"name": "action/", "digest": {"sha256": "ab"}}]},
        {"predicate": []},
    ],
)
def test_a_signed_statement_that_is_no_receipt_is_refused(change: dict[str, object]) -> None:
    claim = json.loads(receipt_statement(RECEIPT)) | change
    assert _reason(sign(canonical(claim))) == "RECEIPT_PREDICATE"


@pytest.mark.parametrize("name", ["receiptId", "issued", "outcome", "agent", "policy", "steps", "log"])
def test_a_receipt_without_one_of_its_members_is_refused(name: str) -> None:
    claim = json.loads(receipt_statement(RECEIPT))
    del claim["predicate"][name]
    assert _reason(sign(canonical(claim))) == "RECEIPT_PREDICATE"


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
@example(0, 1)
def test_client_and_gateway_refuse_the_same_flipped_byte(position: int, flip: int) -> None:
    changed = bytearray(GOOD)
    changed[position] ^= flip
    assert isinstance(open_receipt(bytes(changed), keys={KEY.kid: KEY}), Refused)
    assert _reason(bytes(changed)) != "HOLDS"


def test_a_receipt_signed_with_p256_holds() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    key = verify_key(Alg.ES256, point)
    statement = receipt_statement(RECEIPT)
    envelope = seal(statement, key.kid, private.sign(pae(PAYLOAD_TYPE, statement), ec.ECDSA(SHA256())))
    assert _reason(envelope, emit_jwks([key, KEY])) == "HOLDS"
    assert _reason(envelope, JWKS) == "RECEIPT_KEY_UNKNOWN"


def test_a_receipt_is_in_the_log_when_its_leaf_is() -> None:
    assert check_receipt(GOOD, JWKS, _proof(_leaf(GOOD))).action == "act_01JD"


@pytest.mark.parametrize(
    "of",
    [
        b"no json",
        b"[]",
        _leaf(GOOD + b" "),
        _leaf(GOOD, action="act_other"),
        _leaf(GOOD, kind=LeafKind.GRANT),
    ],
)
def test_the_proof_of_another_leaf_proves_nothing(of: bytes) -> None:
    assert _reason(GOOD, JWKS, _proof(of)) == "PROOF_LEAF"


def test_a_proof_that_does_not_lead_to_the_checkpoint_proves_nothing() -> None:
    proof = _proof(_leaf(GOOD))
    assert _reason(GOOD, JWKS, replace(proof, index=4)) == "INCLUSION"
    assert _reason(GOOD, JWKS, replace(proof, hashes=proof.hashes[:-1])) == "INCLUSION"


def test_the_checkpoint_of_another_log_proves_nothing() -> None:
    elsewhere = sign(receipt_statement(replace(RECEIPT, log=LogRef("another/log", "cd" * 32))))
    assert _reason(elsewhere, JWKS, _proof(_leaf(elsewhere))) == "CHECKPOINT_ORIGIN"


def test_a_receipt_by_a_key_that_was_revoked_later_holds_only_in_the_log_under_another_key() -> None:
    revoked = emit_jwks([public_key(GATEWAY, revoked_ms=NOW + 1), public_key(STRANGER)])
    of = _leaf(GOOD)
    head = Checkpoint(ORIGIN, 1, leaf_hash(of))
    by_new_key = signed_note(head, public_key(STRANGER), STRANGER.sign(head.body()))
    assert _reason(GOOD, revoked) == "RECEIPT_KEY_REVOKED"
    assert _reason(GOOD, revoked, Proof(0, of, (), by_new_key)) == "HOLDS"
    assert _reason(GOOD, revoked, _proof(of)) == "CHECKPOINT_KEY_REVOKED"


@pytest.mark.parametrize(
    "jwks",
    [
        b"",
        b"{}",
        b'{"keys":[]}',
        b'{"keys":[{"kty":"RSA","crv":"","alg":"RS256"}]}',
        JWKS.replace(KEY.kid.encode(), public_key(STRANGER).kid.encode()),
        JWKS.replace(b'"keys":[', b'"keys":[],"keys":['),
    ],
)
def test_a_key_set_that_cannot_be_trusted_is_refused(jwks: bytes) -> None:
    assert _reason(GOOD, jwks) == "KEYS_MALFORMED"
