"""Members that grants and receipts share: the agent, the decision, the approvals."""

from dataclasses import dataclass

from gateway.core import shape
from gateway.core.assurance import Assurance
from gateway.core.canonical import Json

MAX_MS = 2**53 - 1
_TEXT = 255


@dataclass(frozen=True, slots=True)
class AgentRef:
    """The agent that proposed the action, and for whom."""

    id: str
    owner: str
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyRef:
    """The decision that a grant rests on; `revision` and `decision` are digests."""

    revision: str
    decision_id: str
    decision: str


@dataclass(frozen=True, slots=True)
class ApprovalRef:
    """One approval that was counted; `evidence` is the digest of what the person sent."""

    subject: str
    method: str
    assurance: Assurance
    at_ms: int
    evidence: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave to begin that was recorded together with the decision: for one process of an executor, under one fence."""

    instance: str
    fence: int


def agent_json(agent: AgentRef) -> dict[str, Json]:
    """Return the `agent` member; `onBehalfOf` is absent when not set."""
    behalf = {} if agent.on_behalf_of is None else {"onBehalfOf": agent.on_behalf_of}
    return {"id": agent.id, "owner": agent.owner, **behalf}


def agent_from(value: Json) -> AgentRef:
    """Read the `agent` member; raises ValueError."""
    item = shape.members(value, "agent", frozenset({"id", "owner"}), frozenset({"onBehalfOf"}))
    behalf = shape.text(item["onBehalfOf"], "onBehalfOf", _TEXT) if "onBehalfOf" in item else None
    return AgentRef(shape.text(item["id"], "agent id", _TEXT), shape.text(item["owner"], "owner", _TEXT), behalf)


def leave_json(leave: Leave) -> dict[str, Json]:
    """Return the `leave` member of a grant to act."""
    return {"instance": leave.instance, "fence": leave.fence}


def leave_from(value: Json) -> Leave:
    """Read the `leave` member; raises ValueError."""
    item = shape.members(value, "leave", frozenset({"instance", "fence"}))
    return Leave(shape.text(item["instance"], "instance", _TEXT), shape.integer(item["fence"], "fence", 1, MAX_MS))


def policy_json(policy: PolicyRef) -> dict[str, Json]:
    """Return the `policy` member of grants and receipts."""
    return {"revision": policy.revision, "decisionId": policy.decision_id, "decision": policy.decision}


def policy_from(value: Json) -> PolicyRef:
    """Read the `policy` member of grants and receipts; raises ValueError."""
    item = shape.members(value, "policy", frozenset({"revision", "decisionId", "decision"}))
    return PolicyRef(
        revision=shape.sha256(item["revision"], "revision"),
        decision_id=shape.word(item["decisionId"], "decisionId"),
        decision=shape.sha256(item["decision"], "decision"),
    )


def approval_json(approval: ApprovalRef) -> dict[str, Json]:
    """Return one member of `approvals`."""
    evidence = shape.sha256(approval.evidence, "evidence").removeprefix("sha256:")
    return {
        "subject": approval.subject,
        "method": approval.method,
        "assurance": approval.assurance.value,
        "at": approval.at_ms,
        "evidence": {"sha256": evidence},
    }


def approval_from(value: Json) -> ApprovalRef:
    """Read one member of `approvals`; raises ValueError."""
    required = frozenset({"subject", "method", "assurance", "at", "evidence"})
    item = shape.members(value, "approval", required)
    evidence = shape.members(item["evidence"], "evidence", frozenset({"sha256"}))["sha256"]
    return ApprovalRef(
        subject=shape.text(item["subject"], "subject", _TEXT),
        method=shape.word(item["method"], "method"),
        assurance=Assurance(shape.text(item["assurance"], "assurance", 16)),
        at_ms=shape.integer(item["at"], "at", 0, MAX_MS),
        evidence=shape.sha256(f"sha256:{evidence}", "evidence"),
    )
