"""Calls of ApprovalService."""

from typing import Final

from countermand.gateway.v1 import approval_service_pb2 as pb

from agent_client import read
from agent_client.calls.call import Call, Service, request_id_or_new
from agent_client.types import Action, Mark, Pending, Resolution

_SERVICE: Final = Service(pb.DESCRIPTOR.services_by_name["ApprovalService"])


def pending() -> Call[tuple[Pending, ...]]:
    """Return the actions that wait for people."""
    return _SERVICE.call("ListPending", pb.ListPendingRequest(), lambda r: tuple(read.pending(p) for p in r.pending))


def approve(shown: Pending, comment: str = "", *, request_id: str | None = None) -> Call[Action]:
    """Vote for exactly what was shown; a change of plan, decision or state makes the vote stale."""
    action = shown.action
    request = pb.ApproveRequest(
        request_id=request_id_or_new(request_id),
        action_id=action.id,
        plan_digest=action.plan_digest,
        decision_digest=action.decision.digest if action.decision else "",
        state_digest=action.state_digest,
        nonce=shown.nonce,
        comment=comment,
    )
    return _SERVICE.call("Approve", request, _read_action)


def reject(action: str, comment: str = "", *, request_id: str | None = None) -> Call[Action]:
    """Vote against an action; one vote is enough."""
    request = pb.RejectRequest(request_id=request_id_or_new(request_id), action_id=action, comment=comment)
    return _SERVICE.call("Reject", request, _read_action)


def acknowledge(action: str, mark: Mark, *, request_id: str | None = None) -> Call[Action]:
    """Say of a shadow suggestion: would do, did it, or wrong."""
    request = pb.AcknowledgeRequest(request_id=request_id_or_new(request_id), action_id=action, mark=mark)
    return _SERVICE.call("Acknowledge", request, _read_action)


def keep(action: str, *, request_id: str | None = None) -> Call[Action]:
    """Keep a verifying or leased change for good."""
    request = pb.KeepRequest(request_id=request_id_or_new(request_id), action_id=action)
    return _SERVICE.call("Keep", request, _read_action)


def resolve(action: str, resolution: Resolution, comment: str = "", *, request_id: str | None = None) -> Call[Action]:
    """End NEEDS_HUMAN: the change was kept, was undone by hand, or the undo is tried again."""
    request = pb.ResolveRequest(
        request_id=request_id_or_new(request_id), action_id=action, resolution=resolution, comment=comment
    )
    return _SERVICE.call("Resolve", request, _read_action)


def _read_action(response: pb.ApproveResponse) -> Action:
    return read.action(response.action)
