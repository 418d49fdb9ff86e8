"""Grants: what an executor must hold before it touches a target (DESIGN §5).

A grant is a DSSE envelope (`dsse`) around a statement (`statement`) whose subject is the plan. Predicate types:

    https://countermand.dev/ObserveGrant/v1    read facts and the fields to change; probe; take samples
    https://countermand.dev/ActionGrant/v1     run the steps once
    https://countermand.dev/UndoGrant/v1       take the steps back in reverse order

Predicate (absent when not set: `onBehalfOf`, `stateDigest`, `undoPlanDigest`, `leave`):

    {"grantId", "nonce", "audience", "notBefore": ms, "expires": ms, "tier": "shadow|approval|autonomous",
     "agent": {"id", "owner", "onBehalfOf"},
     "policy": {"revision": "sha256:…", "decisionId", "decision": "sha256:…"},
     "approvals": [{"subject", "method", "assurance", "at": ms, "evidence": {"sha256": hex}}],
     "stateDigest": "sha256:…", "undoPlanDigest": "sha256:…", "leave": {"instance", "fence"}}

`undoPlanDigest` is the sha256 of the snapshot bytes that the executor receives, so the way back is bound like
the way there. The fence is not in the grant: it is taken when an attempt begins and travels with the work. Only `leave`
names one: the attempt of a plain read that was begun in the same commit as it was decided, by the process of the
executor that is named; that one need not ask, and no other may begin.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.core import shape
from gateway.core.canonical import Json, digest_bytes, loads_strict
from gateway.core.dsse import Envelope
from gateway.core.keys import VerifyKey
from gateway.core.predicate import (
    MAX_MS,
    AgentRef,
    ApprovalRef,
    Leave,
    PolicyRef,
    agent_from,
    agent_json,
    approval_from,
    approval_json,
    leave_from,
    leave_json,
    policy_from,
    policy_json,
)
from gateway.core.statement import Refused, Statement
from gateway.core.step import Plan

MAX_APPROVALS = 16
TIERS = frozenset({"shadow", "approval", "autonomous"})
_NONCE = re.compile(r"[A-Za-z0-9_-]{22,64}")  # 128 bits or more


class GrantKind(StrEnum):
    """The kinds of grant; the value is the predicate type."""

    OBSERVE = "https://countermand.dev/ObserveGrant/v1"
    ACTION = "https://countermand.dev/ActionGrant/v1"
    UNDO = "https://countermand.dev/UndoGrant/v1"


class Purpose(StrEnum):
    """What a piece of work does with a target."""

    OBSERVE = "observe"
    PROBE = "probe"
    SAMPLE = "sample"
    APPLY = "apply"
    UNDO = "undo"

    @property
    def grant(self) -> GrantKind:
        """Return the kind of grant that this purpose needs; what only reads shares one."""
        return _GRANT_OF.get(self, GrantKind.OBSERVE)


_GRANT_OF = {Purpose.APPLY: GrantKind.ACTION, Purpose.UNDO: GrantKind.UNDO}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a grant says; raises ValueError when it says something no grant may say."""

    kind: GrantKind
    action: str
    plan_digest: str
    grant_id: str
    nonce: str
    audience: str
    not_before_ms: int
    expires_ms: int
    agent: AgentRef
    tier: str
    policy: PolicyRef
    approvals: tuple[ApprovalRef, ...] = ()
    state_digest: str | None = None
    undo_plan_digest: str | None = None
    leave: Leave | None = None

    def __post_init__(self) -> None:
        if not _NONCE.fullmatch(self.nonce):
            raise ValueError("a nonce is 22 to 64 URL-safe characters")
        if not 0 <= self.not_before_ms < self.expires_ms <= MAX_MS:
            raise ValueError("a grant expires after it begins")
        if not (self.agent.id and self.agent.owner and self.audience):
            raise ValueError("a grant names its agent, the agent's owner and its audience")
        if self.tier not in TIERS or len(self.approvals) > MAX_APPROVALS:
            raise ValueError("unknown tier, or too many approvals")
        if self.kind is GrantKind.ACTION and self.tier == "shadow":
            raise ValueError("a shadowed action never runs")
        if self.kind is GrantKind.ACTION and self.tier == "approval" and not self.approvals:
            raise ValueError("an action of the approval tier needs an approval")
        if self.kind is GrantKind.UNDO and self.undo_plan_digest is None:
            raise ValueError("an undo grant names its undo plan")
        changes = self.approvals or self.state_digest or self.undo_plan_digest  # what changes something is observed
        if self.leave is not None and (self.kind is not GrantKind.ACTION or changes):
            raise ValueError("only a plain read is begun with its decision")


@dataclass(frozen=True, slots=True)
class Opened:
    """A grant that passed every check, with the plan it is about; only `open_grant` makes one."""

    grant: Grant
    plan: Plan
    kid: str
    fence: int


def statement(grant: Grant) -> bytes:
    """Return the canonical bytes to sign; raises ValueError beyond 4096 bytes."""
    return Statement(grant.action, grant.plan_digest, grant.kind.value, _predicate(grant)).to_bytes()


def open_grant(
    envelope: bytes,
    *,
    keys: Mapping[str, VerifyKey],
    purpose: Purpose,
    audience: str,
    now_ms: int,
    plan_bytes: bytes,
    fence: int,
    highest_fence: int,
    undo_plan_bytes: bytes | None = None,
) -> Opened | Refused:
    """Check a grant in the order of DESIGN §5 and return it opened, or the first check that failed.

    `undo_plan_bytes` is the snapshot that came with the work: required to undo, and compared whenever it is given
    and the grant names one. `highest_fence` is the highest fence seen for this action, 0 when there was none.
    """
    signed = _signed(envelope, keys, now_ms)
    if isinstance(signed, Refused):
        return signed
    payload, kid = signed
    grant = _in_force(payload, purpose, audience, now_ms)
    if isinstance(grant, Refused):
        return grant
    # 7. It is about exactly these bytes, the way there and the way back.
    plan = _plan(plan_bytes)
    if plan is None or plan.digest != grant.plan_digest:
        return Refused("GRANT_SUBJECT", "the plan is not the one that was granted")
    if not _undo_is_granted(grant, undo_plan_bytes):
        return Refused("GRANT_SUBJECT", "the undo plan is not the one that was granted")
    # 8. The fence is higher than any seen for this action.
    if fence <= highest_fence:
        return Refused("GRANT_FENCE", f"fence {fence} is not above {highest_fence}")
    return Opened(grant, plan, kid, fence)


def _signed(envelope: bytes, keys: Mapping[str, VerifyKey], now_ms: int) -> tuple[bytes, str] | Refused:
    # 1. The envelope is one, of our payload type, signed by exactly one key.
    try:
        sealed = Envelope.from_bytes(envelope)
        signature = sealed.sole_signature()
    except ValueError as exc:
        return Refused("GRANT_ENVELOPE", str(exc))
    # 2. The key is known and valid now.
    key = keys.get(signature.keyid)
    if key is None:
        return Refused("GRANT_KEY_UNKNOWN", "the key is not in the trusted set")
    untrusted = key.refusal_at(now_ms)
    if untrusted is not None:
        return Refused(f"GRANT_KEY_{untrusted}", "the key is not valid now")
    # 3. The signature covers the bytes that were received.
    if not key.verify(signature.sig, sealed.signed_bytes):
        return Refused("GRANT_SIGNATURE", "the signature does not match")
    return sealed.payload, key.kid


def _in_force(payload: bytes, purpose: Purpose, audience: str, now_ms: int) -> Grant | Refused:
    # 4. The statement is a grant for this purpose.
    try:
        grant = _grant(Statement.from_bytes(payload), purpose.grant)
    except ValueError as exc:
        return Refused("GRANT_PREDICATE", str(exc))
    # 5. It is addressed to me.
    if grant.audience != audience:
        return Refused("GRANT_AUDIENCE", "the grant is for another executor")
    # 6. It is in force.
    if now_ms < grant.not_before_ms:
        return Refused("GRANT_NOT_YET", "the grant is not yet valid")
    if now_ms >= grant.expires_ms:
        return Refused("GRANT_EXPIRED", "the grant has expired")
    return grant


def _plan(data: bytes) -> Plan | None:
    try:
        plan = Plan.from_json(loads_strict(data))
        return plan if plan.to_bytes() == data else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None  # whatever is wrong with foreign bytes, they are not the plan that was granted


def _undo_is_granted(grant: Grant, undo_plan: bytes | None) -> bool:
    if undo_plan is None:
        return grant.kind is not GrantKind.UNDO
    return grant.undo_plan_digest in (None, digest_bytes(undo_plan))


def _predicate(grant: Grant) -> dict[str, Json]:
    digests = {"stateDigest": grant.state_digest, "undoPlanDigest": grant.undo_plan_digest}
    leave = {} if grant.leave is None else {"leave": leave_json(grant.leave)}
    return {
        "grantId": grant.grant_id,
        "nonce": grant.nonce,
        "audience": grant.audience,
        "notBefore": grant.not_before_ms,
        "expires": grant.expires_ms,
        "tier": grant.tier,
        "agent": agent_json(grant.agent),
        "policy": policy_json(grant.policy),
        "approvals": [approval_json(a) for a in grant.approvals],
        **{k: v for k, v in digests.items() if v is not None},
        **leave,
    }


def _grant(claim: Statement, kind: GrantKind) -> Grant:
    if claim.predicate_type != kind.value:
        raise ValueError(f"the grant is not a {kind.name.lower()} grant")
    required = frozenset(
        {"grantId", "nonce", "audience", "notBefore", "expires", "tier", "agent", "policy", "approvals"}
    )
    optional = frozenset({"stateDigest", "undoPlanDigest", "leave"})
    item = shape.members(claim.predicate, "predicate", required, optional)
    return Grant(
        kind=kind,
        action=claim.action,
        plan_digest=claim.plan_digest,
        grant_id=shape.word(item["grantId"], "grantId"),
        nonce=shape.text(item["nonce"], "nonce", 64),
        audience=shape.text(item["audience"], "audience", 255),
        not_before_ms=shape.integer(item["notBefore"], "notBefore", 0, MAX_MS),
        expires_ms=shape.integer(item["expires"], "expires", 0, MAX_MS),
        tier=shape.text(item["tier"], "tier", 16),
        agent=agent_from(item["agent"]),
        policy=policy_from(item["policy"]),
        approvals=tuple(approval_from(a) for a in shape.array(item["approvals"], "approvals", MAX_APPROVALS)),
        state_digest=shape.sha256(item["stateDigest"], "stateDigest") if "stateDigest" in item else None,
        undo_plan_digest=shape.sha256(item["undoPlanDigest"], "undoPlanDigest") if "undoPlanDigest" in item else None,
        leave=leave_from(item["leave"]) if "leave" in item else None,
    )
