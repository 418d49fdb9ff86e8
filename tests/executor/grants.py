"""Work with grants, right ones and forged ones."""

from collections.abc import Iterable, Mapping
from itertools import count

from countermand.gateway.v1 import executor_service_pb2 as pb

from gateway.core.assurance import Assurance
from gateway.core.canonical import Json, canonical, digest_bytes
from gateway.core.grant import Grant, GrantKind, Purpose, statement
from gateway.core.keys import VerifyKey, emit_jwks
from gateway.core.predicate import AgentRef, ApprovalRef, PolicyRef
from gateway.core.step import Connector, Plan, Step
from tests.core.signing import GATEWAY, public_key, sign

AUDIENCE = "executor/test"
ACTION = "act_1"
FAR_MS = 4_000_000_000_000
_DIGEST = "sha256:" + "a" * 64
_PURPOSE = {
    pb.PURPOSE_OBSERVE: Purpose.OBSERVE, pb.PURPOSE_APPLY: Purpose.APPLY, pb.PURPOSE_PROBE: Purpose.PROBE,
    pb.PURPOSE_SAMPLE: Purpose.SAMPLE, pb.PURPOSE_UNDO: Purpose.UNDO,
}  # fmt: skip
_NUMBERS = count(1)


def jwks(*keys: VerifyKey) -> bytes:
    return emit_jwks(keys or (public_key(GATEWAY),))


def plan_of(steps: Iterable[Step]) -> Plan:
    made = tuple(steps)
    joined: list[Connector] = ["&&" for _ in made[1:]]
    return Plan(made, tuple(joined))


def grant(plan: Plan, kind: GrantKind, snapshot: bytes = b"", **changes: Json) -> Grant:
    evidence = ApprovalRef("ana", "click", Assurance.OIDC, 1, _DIGEST)
    undo = {"undo_plan_digest": digest_bytes(snapshot)} if kind is GrantKind.UNDO else {}
    members: dict[str, Json] = {
        "kind": kind, "action": ACTION, "plan_digest": plan.digest, "grant_id": "g1", "nonce": "n" * 22,
        "audience": AUDIENCE, "not_before_ms": 0, "expires_ms": FAR_MS, "agent": AgentRef("agent", "team"),
        "tier": "approval", "policy": PolicyRef(_DIGEST, "d1", _DIGEST), "approvals": (evidence,),
    }  # fmt: skip
    return Grant(**members | undo | changes)


def work(
    steps: Iterable[Step],
    purpose: pb.Purpose,
    *,
    snapshots: Iterable[Mapping[str, Json]] | None = None,
    checks: Json = None,
    fence: int = 1,
    action: str = ACTION,
    **changes: Json,
) -> pb.Work:
    """Return honest work for a plan; `changes` are members of the message, put in after the grant was signed."""
    plan = plan_of(steps)
    snapshot = b"" if snapshots is None else canonical({"steps": list(snapshots)})
    made = pb.Work(
        work_id=f"wrk_{next(_NUMBERS)}",
        action_id=action,
        purpose=purpose,
        grant=sign(statement(grant(plan, _PURPOSE[purpose].grant, snapshot, action=action))),
        plan=plan.to_bytes(),
        fence=fence,
        snapshot=snapshot,
        checks=b"" if checks is None else canonical(checks),
        deadline_ms=FAR_MS,
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made
