"""Receipts: what became of an action, signed, so that anyone can check it offline.

A receipt is a DSSE envelope (`dsse`) around a statement (`statement`) about the action's plan, with predicate type
`https://countermand.dev/ActionReceipt/v1`. Predicate (absent when not set: `grantId`, `verdict`, `cause`, `index`):

    {"receiptId", "issued": ms, "outcome": "<state of the lifecycle>", "verdict": "effective", "cause": "…",
     "agent": {"id", "owner", "onBehalfOf"}, "grantId",
     "policy": {"revision": "sha256:…", "decisionId", "decision": "sha256:…"},
     "steps": ["applied", …] in the order of the plan,
     "log": {"origin", "leaf": "<hex hash of the action's newest leaf before this one>", "index": its position}}

To check one with nothing but a key set and an Ed25519 or P-256 library: take the envelope's only signature; find its
key by `keyid`; verify over `PAE(payloadType, payload)`; parse the payload; compare `predicateType`; the key must have
been valid at `issued`. A receipt by a key that was revoked later is proven in time by its inclusion in the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from gateway.core import shape
from gateway.core.canonical import Json
from gateway.core.dsse import Envelope
from gateway.core.keys import VerifyKey
from gateway.core.predicate import MAX_MS, AgentRef, PolicyRef, agent_from, agent_json, policy_from, policy_json
from gateway.core.statement import Refused, Statement
from gateway.core.step import MAX_STEPS

RECEIPT_TYPE = "https://countermand.dev/ActionReceipt/v1"
StepStatus = Literal["pending", "intended", "applied", "not_applied", "partly", "unknown", "undone"]
STEP_STATUSES: frozenset[str] = frozenset({
    "pending", "intended", "applied", "not_applied", "partly", "unknown", "undone",
})  # fmt: skip
_NAMED = (("grant_id", "grantId"), ("verdict", "verdict"), ("cause", "cause"))


@dataclass(frozen=True, slots=True)
class LogRef:
    """The action's newest leaf before the receipt itself; `leaf` is its hash in hex, `index` None until sequenced."""

    origin: str
    leaf: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt says; `outcome` is the state of the action when it was issued."""

    action: str
    plan_digest: str
    receipt_id: str
    issued_ms: int
    outcome: str
    agent: AgentRef
    policy: PolicyRef
    steps: tuple[StepStatus, ...]
    log: LogRef
    grant_id: str | None = None
    verdict: str | None = None
    cause: str | None = None


def receipt_statement(receipt: Receipt) -> bytes:
    """Return the canonical bytes to sign; raises ValueError beyond 4096 bytes."""
    named = {"grantId": receipt.grant_id, "verdict": receipt.verdict, "cause": receipt.cause}
    predicate: dict[str, Json] = {
        "receiptId": receipt.receipt_id,
        "issued": receipt.issued_ms,
        "outcome": receipt.outcome,
        "agent": agent_json(receipt.agent),
        "policy": policy_json(receipt.policy),
        "steps": list(receipt.steps),
        "log": _log_json(receipt.log),
        **{k: v for k, v in named.items() if v is not None},
    }
    return Statement(receipt.action, receipt.plan_digest, RECEIPT_TYPE, predicate).to_bytes()


def open_receipt(envelope: bytes, *, keys: Mapping[str, VerifyKey]) -> Receipt | Refused:
    """Check a receipt and return it, or the first check that failed."""
    # 1. The envelope is one, of our payload type, signed by exactly one key.
    try:
        sealed = Envelope.from_bytes(envelope)
        signature = sealed.sole_signature()
    except ValueError as exc:
        return Refused("RECEIPT_ENVELOPE", str(exc))
    # 2. The key is known.
    key = keys.get(signature.keyid)
    if key is None:
        return Refused("RECEIPT_KEY_UNKNOWN", "the key is not in the trusted set")
    # 3. The signature covers the bytes that were received.
    if not key.verify(signature.sig, sealed.signed_bytes):
        return Refused("RECEIPT_SIGNATURE", "the signature does not match")
    # 4. The statement is a receipt.
    try:
        receipt = _receipt(Statement.from_bytes(sealed.payload))
    except ValueError as exc:
        return Refused("RECEIPT_PREDICATE", str(exc))
    # 5. The key was valid when it was issued; expiry since then does not matter.
    if key.refusal_at(receipt.issued_ms) is not None:
        return Refused("RECEIPT_KEY_TIME", "the key was not valid when the receipt was issued")
    return receipt


def _receipt(claim: Statement) -> Receipt:
    if claim.predicate_type != RECEIPT_TYPE:
        raise ValueError("the statement is not a receipt")
    required = frozenset({"receiptId", "issued", "outcome", "agent", "policy", "steps", "log"})
    item = shape.members(claim.predicate, "predicate", required, frozenset({"grantId", "verdict", "cause"}))
    return Receipt(
        action=claim.action,
        plan_digest=claim.plan_digest,
        receipt_id=shape.word(item["receiptId"], "receiptId"),
        issued_ms=shape.integer(item["issued"], "issued", 0, MAX_MS),
        outcome=shape.code(item["outcome"], "outcome"),
        agent=agent_from(item["agent"]),
        policy=policy_from(item["policy"]),
        steps=tuple(_step(s) for s in shape.array(item["steps"], "steps", MAX_STEPS)),
        log=_log(item["log"]),
        **{name: shape.word(item[key], key) for name, key in _NAMED if key in item},
    )


def _step(value: Json) -> StepStatus:
    if shape.text(value, "step", 16) not in STEP_STATUSES:
        raise ValueError("a step has no such status")
    return cast("StepStatus", value)


def _log_json(log: LogRef) -> dict[str, Json]:
    index = {} if log.index is None else {"index": log.index}
    return {"origin": log.origin, "leaf": log.leaf, **index}


def _log(value: Json) -> LogRef:
    item = shape.members(value, "log", frozenset({"origin", "leaf"}), frozenset({"index"}))
    index = shape.integer(item["index"], "index", 0, MAX_MS) if "index" in item else None
    leaf = shape.sha256(f"sha256:{item['leaf']}", "leaf").removeprefix("sha256:")
    return LogRef(shape.text(item["origin"], "origin", 255), leaf, index)
