"""ActionService."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from countermand.gateway.v1 import action_service_pb2 as pb

from gateway.api.grpc.convert import action_to_pb, output_to_pb, states_from_pb
from gateway.core.principal import Principal
from gateway.errors import InvalidRequest
from gateway.service.usecases import ActionUseCases
from gateway.service.views import ActionView

DEFAULT_PAGE = 50
MAX_PAGE = 200


class ActionServicer:
    """Propose and follow actions."""

    def __init__(self, gateway: ActionUseCases) -> None:
        self._gateway = gateway

    async def submit_action(self, request: pb.SubmitActionRequest, principal: Principal) -> pb.SubmitActionResponse:
        """Propose; a denial is an answer."""
        proposal = request.WhichOneof("proposal")
        if proposal is None:
            raise InvalidRequest("PROPOSAL_MISSING", "neither a command nor steps were sent", remedy="send one of them")
        if request.lease_s < 0:
            raise InvalidRequest("LEASE_INVALID", "`lease_s` is negative", remedy="send 0 for no lease, or seconds")
        view = await self._gateway.submit(
            principal,
            request_id=request.request_id,
            command=request.command.encode() if proposal == "command" else None,
            steps=request.steps if proposal == "steps" else None,
            scope=request.scope,
            justification=request.justification,
            incident=request.incident_id,
            hypothesis=request.hypothesis_id,
            lease_s=request.lease_s,
            validate_only=request.validate_only,
            wait_ms=request.wait_ms,
        )
        return pb.SubmitActionResponse(action=action_to_pb(view))

    async def get_action(self, request: pb.GetActionRequest, principal: Principal) -> pb.GetActionResponse:
        """Return one action."""
        view = await self._gateway.get_action(principal, request.action_id)
        return pb.GetActionResponse(action=action_to_pb(view))

    async def list_actions(self, request: pb.ListActionsRequest, principal: Principal) -> pb.ListActionsResponse:
        """Return one page, newest first."""
        views, token = await self._gateway.list_actions(
            principal,
            page_size=page_size(request.page_size),
            page_token=request.page_token,
            incident=request.incident_id,
            states=states_from_pb(list(request.states)),
        )
        return pb.ListActionsResponse(actions=[action_to_pb(v) for v in views], next_page_token=token)

    async def watch_action(
        self, request: pb.WatchActionRequest, principal: Principal
    ) -> AsyncGenerator[pb.WatchActionResponse, None]:
        """Stream states and output until a final state."""
        async with aclosing(self._gateway.watch(principal, request.action_id)) as events:
            async for event in events:
                if isinstance(event, ActionView):
                    yield pb.WatchActionResponse(action=action_to_pb(event))
                else:
                    yield pb.WatchActionResponse(chunk=output_to_pb(event))

    async def cancel_action(self, request: pb.CancelActionRequest, principal: Principal) -> pb.CancelActionResponse:
        """Cancel what has not begun, abort what has."""
        view = await self._gateway.cancel(principal, request.request_id, request.action_id, request.reason)
        return pb.CancelActionResponse(action=action_to_pb(view))

    async def rollback_action(
        self, request: pb.RollbackActionRequest, principal: Principal
    ) -> pb.RollbackActionResponse:
        """Take a committed action back."""
        view = await self._gateway.rollback(principal, request.request_id, request.action_id, request.reason)
        return pb.RollbackActionResponse(action=action_to_pb(view))

    async def renew_lease(self, request: pb.RenewLeaseRequest, principal: Principal) -> pb.RenewLeaseResponse:
        """Extend a lease."""
        if request.lease_s <= 0:
            raise InvalidRequest("LEASE_INVALID", "`lease_s` is not positive", remedy="send seconds from now")
        view = await self._gateway.renew(principal, request.request_id, request.action_id, request.lease_s)
        return pb.RenewLeaseResponse(action=action_to_pb(view))

    async def release_lease(self, request: pb.ReleaseLeaseRequest, principal: Principal) -> pb.ReleaseLeaseResponse:
        """End a lease now."""
        view = await self._gateway.release(principal, request.request_id, request.action_id)
        return pb.ReleaseLeaseResponse(action=action_to_pb(view))


def page_size(asked: int) -> int:
    """Return the page size to use: 50 when 0, at most 200; raises InvalidRequest when negative."""
    if asked < 0:
        raise InvalidRequest("PAGE_SIZE_INVALID", "`page_size` is negative", remedy="send 0 to 200")
    return min(asked or DEFAULT_PAGE, MAX_PAGE)
