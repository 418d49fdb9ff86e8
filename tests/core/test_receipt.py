"""Receipts: what became of an action, checked offline."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.canonical import canonical
from gateway.core.predicate import AgentRef, PolicyRef
from gateway.core.receipt import LogRef, Receipt, StepStatus, open_receipt, receipt_statement
from gateway.core.statement import MAX_STATEMENT_BYTES, Refused
from gateway.core.step import MAX_STEPS
from tests.core.signing import GATEWAY, PLAN, STRANGER, public_key, sign
from tests.core.test_grant import GOOD as A_GRANT

NOW = 1_764_000_000_000
DIGEST = "sha256:" + "ab" * 32
KEYS = {public_key(GATEWAY).kid: public_key(GATEWAY)}
RECEIPT = Receipt(
    action="act_01JD",
    plan_digest=PLAN.digest,
    receipt_id="rec_01JD",
    issued_ms=NOW,
    outcome="COMMITTED",
    agent=AgentRef("agent/sre-1", "team-checkout"),
    policy=PolicyRef(DIGEST, "dec_01JD", DIGEST),
    steps=("applied", "unknown"),
    log=LogRef("countermand/local", "cd" * 32, 41),
    grant_id="gra_01JD",
    verdict="effective",
    cause="verified",
)
BARE = replace(RECEIPT, grant_id=None, verdict=None, cause=None, log=LogRef("countermand/local", "cd" * 32))
GOOD = sign(receipt_statement(RECEIPT))


@pytest.mark.parametrize("receipt", [RECEIPT, BARE])
def test_a_receipt_opens_to_what_was_sealed(receipt: Receipt) -> None:
    assert open_receipt(sign(receipt_statement(receipt)), keys=KEYS) == receipt


def _code(envelope: bytes, **limits: int) -> str:
    keys = {public_key(GATEWAY).kid: public_key(GATEWAY, **limits)}
    result = open_receipt(envelope, keys=keys)
    return result.code if isinstance(result, Refused) else "OPENED"


@pytest.mark.parametrize(
    ("envelope", "limits", "expected"),
    [
        (b"nonsense", {}, "RECEIPT_ENVELOPE"),
        (sign(receipt_statement(RECEIPT), STRANGER), {}, "RECEIPT_KEY_UNKNOWN"),
        (sign(receipt_statement(RECEIPT), payload_type="other"), {}, "RECEIPT_SIGNATURE"),
        (A_GRANT, {}, "RECEIPT_PREDICATE"),
        (GOOD, {"not_before_ms": NOW + 1}, "RECEIPT_KEY_TIME"),
        (GOOD, {"revoked_ms": NOW}, "RECEIPT_KEY_TIME"),
        (GOOD, {"expires_ms": NOW}, "RECEIPT_KEY_TIME"),
        (GOOD, {"expires_ms": NOW + 1, "revoked_ms": NOW + 1}, "OPENED"),
    ],
)
def test_each_failed_check_has_its_own_code(envelope: bytes, limits: dict[str, int], expected: str) -> None:
    assert _code(envelope, **limits) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"steps": ["done"]},
        {"steps": [[]]},
        {"outcome": "committed"},
        {"log": {"origin": "o", "leaf": "short"}},
        {"log": {"origin": "o", "leaf": "cd" * 32, "index": -1}},
        {"extra": 1},
        {"grantId": 7},
    ],
)
def test_a_signed_statement_that_is_no_proper_receipt_is_refused(change: dict[str, object]) -> None:
    claim = json.loads(receipt_statement(RECEIPT))
    claim["predicate"].update(change)
    assert _code(sign(canonical(claim))) == "RECEIPT_PREDICATE"


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_changed_byte_opens(position: int, flip: int) -> None:
    changed = bytearray(GOOD)
    changed[position] ^= flip
    assert isinstance(open_receipt(bytes(changed), keys=KEYS), Refused)


def test_a_receipt_of_the_longest_plan_fits_what_kms_signs() -> None:
    status: StepStatus = "not_applied"
    assert len(receipt_statement(replace(RECEIPT, steps=(status,) * MAX_STEPS))) <= MAX_STATEMENT_BYTES
