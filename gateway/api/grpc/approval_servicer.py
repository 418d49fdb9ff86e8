"""ApprovalService."""

from countermand.gateway.v1 import approval_service_pb2 as pb

from gateway.api.grpc.convert import action_to_pb, pending_to_pb
from gateway.core.principal import Principal
from gateway.errors import InvalidRequest
from gateway.service.usecases import ApprovalUseCases

MARKS = ("would_do", "did_it", "wrong")
RESOLUTIONS = ("kept", "undone_by_hand", "retry_undo")


class ApprovalServicer:
    """What people decide."""

    def __init__(self, gateway: ApprovalUseCases) -> None:
        self._gateway = gateway

    async def list_pending(self, _request: pb.ListPendingRequest, principal: Principal) -> pb.ListPendingResponse:
        """List what waits for people."""
        views = await self._gateway.list_pending(principal)
        return pb.ListPendingResponse(pending=[pending_to_pb(v) for v in views])

    async def approve(self, request: pb.ApproveRequest, principal: Principal) -> pb.ApproveResponse:
        """Vote for exactly what was shown."""
        view = await self._gateway.approve(
            principal,
            request.request_id,
            request.action_id,
            plan_digest=request.plan_digest,
            decision_digest=request.decision_digest,
            state_digest=request.state_digest,
            nonce=request.nonce,
            comment=request.comment,
        )
        return pb.ApproveResponse(action=action_to_pb(view))

    async def reject(self, request: pb.RejectRequest, principal: Principal) -> pb.RejectResponse:
        """Vote against."""
        view = await self._gateway.reject(principal, request.request_id, request.action_id, request.comment)
        return pb.RejectResponse(action=action_to_pb(view))

    async def acknowledge(self, request: pb.AcknowledgeRequest, principal: Principal) -> pb.AcknowledgeResponse:
        """Mark a suggestion."""
        _one_of("mark", request.mark, MARKS)
        view = await self._gateway.acknowledge(principal, request.request_id, request.action_id, request.mark)
        return pb.AcknowledgeResponse(action=action_to_pb(view))

    async def keep(self, request: pb.KeepRequest, principal: Principal) -> pb.KeepResponse:
        """Keep a change for good."""
        view = await self._gateway.keep(principal, request.request_id, request.action_id)
        return pb.KeepResponse(action=action_to_pb(view))

    async def resolve(self, request: pb.ResolveRequest, principal: Principal) -> pb.ResolveResponse:
        """End NEEDS_HUMAN."""
        _one_of("resolution", request.resolution, RESOLUTIONS)
        view = await self._gateway.resolve(
            principal, request.request_id, request.action_id, request.resolution, request.comment
        )
        return pb.ResolveResponse(action=action_to_pb(view))


def _one_of(field: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidRequest(
            "VALUE_UNKNOWN",
            f"`{field}` is none of {', '.join(allowed)}",
            field=field,
            remedy=f"send one of {', '.join(allowed)}",
        )
