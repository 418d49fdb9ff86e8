"""Check a receipt offline: what became of an action, signed by the gateway; pure.

    receipt = check_receipt(action.receipt, jwks)
    receipt = check_receipt(action.receipt, jwks, gateway.receipt_proof(action.id))     # and it is in the log

`jwks` is the gateway's key set, kept from a moment when its source was trusted. A receipt is a DSSE v1 envelope around
an in-toto Statement v1 with predicate type `https://countermand.dev/ActionReceipt/v1`.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from agent_client.keys import TrustedKey, read_keys
from agent_client.log import ProofError, check_inclusion
from agent_client.strict import from_base64, integer, loads_strict, member, sequence, text
from agent_client.types import Proof, State

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://countermand.dev/ActionReceipt/v1"
LEAF_KIND: Final = "CM1017"
_MAX_ENVELOPE_BYTES: Final = 16_384
_OPTIONAL: Final = (("grant", "grantId"), ("verdict", "verdict"), ("cause", "cause"))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the gateway signed about an action."""

    id: str
    action: str
    plan_digest: str
    issued_ms: int
    outcome: State
    """The state of the action when the receipt was issued."""
    steps: tuple[str, ...]
    """Journal status of each step."""
    agent: str
    owner: str
    revision: str
    """Policy revision of the decision."""
    decision: str
    """Digest of the decision."""
    origin: str
    """The log that holds it."""
    grant: str = ""
    verdict: str = ""
    cause: str = ""


def check_receipt(envelope: bytes, jwks: bytes, proof: Proof | None = None) -> Receipt:
    """Return what a receipt says, if it holds; raises ProofError with the first check that fails.

    With the proof of `receipt_proof`, the receipt must also be in the log under a signed checkpoint; a receipt whose
    key was revoked after it was issued is accepted only so.
    """
    keys = _keys(jwks)
    # 1. The envelope is one, of our payload type, signed by exactly one key.
    try:
        payload, keyid, signature = _open(envelope)
    except ValueError as exc:
        raise ProofError("RECEIPT_ENVELOPE", str(exc)) from exc
    # 2. The key is known; its algorithm comes from the key set, never from the message.
    key = keys.get(keyid)
    if key is None:
        raise ProofError("RECEIPT_KEY_UNKNOWN", "the key is not in the set")
    # 3. The signature covers the bytes that were received.
    if not key.verifies(signature, _pae(payload)):
        raise ProofError("RECEIPT_SIGNATURE", "the signature does not match")
    # 4. They are a statement that is a receipt.
    try:
        receipt = _read(loads_strict(payload))
    except ValueError as exc:
        raise ProofError("RECEIPT_PREDICATE", str(exc)) from exc
    # 5. The key was valid when it was issued, and nobody could have signed it later.
    _check_time(key, receipt.issued_ms, proven=proof is not None)
    # 6. This very envelope is a receipt leaf of the log.
    if proof is not None:
        _check_leaf(envelope, receipt, proof)
        check_inclusion(proof, jwks, receipt.origin)
    return receipt


def _keys(jwks: bytes) -> dict[str, TrustedKey]:
    try:
        return read_keys(jwks)
    except ValueError as exc:
        raise ProofError("KEYS_MALFORMED", str(exc)) from exc


def _open(envelope: bytes) -> tuple[bytes, str, bytes]:
    if len(envelope) > _MAX_ENVELOPE_BYTES:
        raise ValueError(f"an envelope has at most {_MAX_ENVELOPE_BYTES} bytes")
    document = loads_strict(envelope)
    signatures = sequence(document, "signatures")
    if text(document, "payloadType") != PAYLOAD_TYPE or len(signatures) != 1:
        raise ValueError("the envelope has another payload type or not exactly one signature")
    payload, signature = from_base64(text(document, "payload")), from_base64(text(signatures[0], "sig"))
    return payload, text(signatures[0], "keyid"), signature


def _pae(payload: bytes) -> bytes:
    """Return the pre-authentication encoding of DSSE v1."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _read(statement: Any) -> Receipt:
    if text(statement, "_type") != STATEMENT_TYPE or text(statement, "predicateType") != PREDICATE_TYPE:
        raise ValueError("the statement is not a receipt")
    subjects = sequence(statement, "subject")
    if len(subjects) != 1:
        raise ValueError("a receipt is about one action")
    kind, _, action = text(subjects[0], "name").partition("/")
    if kind != "action" or not action:
        raise ValueError("the subject is not an action")
    predicate = member(statement, "predicate")
    agent, policy = member(predicate, "agent"), member(predicate, "policy")
    optional = {name: text(predicate, wire) for name, wire in _OPTIONAL if wire in predicate}
    return Receipt(
        id=text(predicate, "receiptId"),
        action=action,
        plan_digest="sha256:" + text(member(subjects[0], "digest"), "sha256"),
        issued_ms=integer(predicate, "issued"),
        outcome=State(text(predicate, "outcome")),
        steps=tuple(str(status) for status in sequence(predicate, "steps")),
        agent=text(agent, "id"),
        owner=text(agent, "owner"),
        revision=text(policy, "revision"),
        decision=text(policy, "decision"),
        origin=text(member(predicate, "log"), "origin"),
        **optional,
    )


def _check_time(key: TrustedKey, issued_ms: int, *, proven: bool) -> None:
    if not key.valid_at(issued_ms):
        raise ProofError("RECEIPT_KEY_TIME", "the key was not valid when the receipt was issued")
    if key.revoked_ms is not None and not proven:
        raise ProofError("RECEIPT_KEY_REVOKED", "the key was revoked since: only a proof shows that this is older")


def _check_leaf(envelope: bytes, receipt: Receipt, proof: Proof) -> None:
    try:
        leaf = loads_strict(proof.leaf)
        named = (text(leaf, "kind"), text(leaf, "action"), text(member(leaf, "body"), "envelope"))
    except ValueError as exc:
        raise ProofError("PROOF_LEAF", str(exc)) from exc
    if named != (LEAF_KIND, receipt.action, "sha256:" + hashlib.sha256(envelope).hexdigest()):
        raise ProofError("PROOF_LEAF", "the proof is of another leaf than this receipt's")
