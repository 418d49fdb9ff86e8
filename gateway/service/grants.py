"""Sign grants: one to observe, one to act, one to undo; each names the decision it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.assurance import Assurance
from gateway.core.canonical import Json, canonical, digest, digest_bytes
from gateway.core.dsse import PAYLOAD_TYPE, pae, seal
from gateway.core.finding import Verdict
from gateway.core.grant import Grant, GrantKind, statement
from gateway.core.predicate import AgentRef, ApprovalRef, Leave, PolicyRef
from gateway.ports import VoteRow
from gateway.service.decide import Decision
from gateway.service.hub import Session
from gateway.service.proposal import Proposal
from gateway.service.world import World

FIRST_FENCE = 1
_LOST_ATTEMPTS = 10
"""How many attempts and probes an action may take before it is verified; its way back must outlive them."""
_TIER = {Verdict.ALLOW: "autonomous", Verdict.APPROVE: "approval", Verdict.SHADOW: "shadow", Verdict.DENY: "shadow"}


@dataclass(frozen=True, slots=True)
class Granted:
    """The signed grants of an action; `undo` is empty for reads."""

    action: bytes
    undo: bytes
    expires_ms: int
    nonce: str
    instance: str = ""
    """The process of an executor that has leave to begin with the grant itself; the others ask for it."""


async def sign(world: World, payload: bytes) -> bytes:
    """Return the DSSE envelope of a statement."""
    signature = await world.signer.sign(pae(PAYLOAD_TYPE, payload))
    return seal(payload, world.signer.kid, signature)


async def sign_observe(world: World, action: str, proposal: Proposal, policy: PolicyRef, expires_ms: int) -> bytes:
    """Return a grant to read facts, to probe or to sample, until `expires_ms`."""
    grant = _grant(world, GrantKind.OBSERVE, action, proposal, policy, world.clock.now_ms(), expires_ms)
    return await sign(world, statement(grant))


async def sign_action(
    world: World,
    action: str,
    proposal: Proposal,
    decision: Decision,
    votes: Sequence[VoteRow],
    state_digest: str,
    snapshot: bytes,
    session: Session | None = None,
) -> Granted:
    """Return the grant to act and, for a change, the grant to take it back; both are signed together.

    For a plain read, `session` is the executor that is to begin without asking.
    """
    now, timing = world.clock.now_ms(), world.settings.timing
    ttl = decision.requirements.grant_ttl_s
    expires = now + (ttl * 1000 if ttl is not None else timing.grant_ttl_ms)
    policy = policy_ref(action, decision.revision, decision.digest)
    tier = "approval" if votes else _TIER[decision.verdict]
    common = {"tier": tier, "approvals": tuple(_approval(v) for v in votes), "state_digest": state_digest or None}
    if session is not None and not proposal.reads:
        raise ValueError("only a plain read is begun with its decision")
    leave = None if session is None else Leave(session.process, FIRST_FENCE)
    act = _grant(world, GrantKind.ACTION, action, proposal, policy, now, expires, **common, leave=leave)
    envelope = await sign(world, statement(act))
    if proposal.reads:
        return Granted(envelope, b"", expires, act.nonce, session.instance if session else "")
    undo = _grant(
        world, GrantKind.UNDO, action, proposal, policy, now, _undo_until(world, decision, expires, proposal),
        **common, undo_plan_digest=digest_bytes(snapshot),
    )  # fmt: skip
    return Granted(envelope, await sign(world, statement(undo)), expires, act.nonce)


def policy_ref(action: str, revision: str, decision_digest: str) -> PolicyRef:
    """Return how a grant names the decision it rests on."""
    return PolicyRef(revision, action, decision_digest)


def vote_evidence(vote: VoteRow) -> str:
    """Return the digest of what a person sent when voting."""
    return digest(
        {
            "action": vote.action, "subject": vote.subject, "approve": vote.approve, "at": vote.at_ms,
            "plan": vote.plan_digest, "decision": vote.decision_digest, "state": vote.state_digest,
            "nonce": vote.nonce, "comment": vote.comment,
        }
    )  # fmt: skip


def _undo_until(world: World, decision: Decision, expires_ms: int, proposal: Proposal) -> int:
    timing = world.settings.timing
    window = decision.requirements.undo_window_s
    verify = decision.requirements.verify
    longest = window * 1000 if window is not None else timing.undo_window_ms
    if proposal.doc["lease_s"]:
        longest += timing.lease_max_ms  # renewed up to here, and kept only then
    verify_ms = verify.window_s * 1000 if verify is not None else 0
    lost_ms = timing.attempt_ms * _LOST_ATTEMPTS
    return expires_ms + lost_ms + verify_ms + longest + timing.undo_deadline_ms


def _grant(
    world: World,
    kind: GrantKind,
    action: str,
    proposal: Proposal,
    policy: PolicyRef,
    not_before_ms: int,
    expires_ms: int,
    **more: Json,
) -> Grant:
    agent = proposal.doc["agent"]
    more.setdefault("tier", "autonomous" if kind is GrantKind.OBSERVE else "approval")
    return Grant(
        kind=kind, action=action, plan_digest=str(proposal.doc["plan_digest"]), grant_id=world.ids.new("grt"),
        nonce=world.ids.nonce(), audience=str(proposal.doc["audience"]), not_before_ms=not_before_ms,
        expires_ms=expires_ms, agent=AgentRef(agent["id"], agent["owner"] or "-"), policy=policy, **more,
    )  # fmt: skip


def _approval(vote: VoteRow) -> ApprovalRef:
    return ApprovalRef(vote.subject, "grpc", Assurance(vote.assurance), vote.at_ms, vote_evidence(vote))


def snapshot_bytes(snapshots: Sequence[Json]) -> bytes:
    """Return the canonical snapshot document, one entry per step, that an undo grant is bound to."""
    return canonical({"steps": list(snapshots)})
