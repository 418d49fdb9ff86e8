"""ControlService."""

from countermand.gateway.v1 import control_service_pb2 as pb

from gateway.core.principal import Principal
from gateway.service.usecases import ControlUseCases
from gateway.service.views import DriftView


class ControlServicer:
    """The big red switches."""

    def __init__(self, gateway: ControlUseCases) -> None:
        self._gateway = gateway

    async def stop(self, request: pb.StopRequest, principal: Principal) -> pb.StopResponse:
        """Let no new attempt begin."""
        scope = request.scope
        index = await self._gateway.stop(principal, request.request_id, scope.agent, scope.environment, request.reason)
        return pb.StopResponse(leaf_index=index)

    async def freeze(self, request: pb.FreezeRequest, principal: Principal) -> pb.FreezeResponse:
        """Let nothing begin."""
        scope = request.scope
        index = await self._gateway.freeze(
            principal, request.request_id, scope.agent, scope.environment, request.reason
        )
        return pb.FreezeResponse(leaf_index=index)

    async def resume(self, request: pb.ResumeRequest, principal: Principal) -> pb.ResumeResponse:
        """Take a switch back."""
        scope = request.scope
        index = await self._gateway.resume(
            principal, request.request_id, scope.agent, scope.environment, request.reason
        )
        return pb.ResumeResponse(leaf_index=index)

    async def get_status(self, _request: pb.GetStatusRequest, _principal: Principal) -> pb.GetStatusResponse:
        """Return the gateway as it stands."""
        view = await self._gateway.status()
        return pb.GetStatusResponse(
            switches=view.switches,
            revision=view.revision,
            policy_error=view.policy_error,
            audiences=view.audiences,
            log_size=view.log_size,
            absent=[pb.AbsentExecutor(audience=away.audience, scopes=away.scopes, since_time_ms=away.since_ms)
                    for away in view.absent],
        )  # fmt: skip

    async def withdraw_revision(
        self, request: pb.WithdrawRevisionRequest, principal: Principal
    ) -> pb.WithdrawRevisionResponse:
        """Kill the grants of a policy revision."""
        revoked = await self._gateway.withdraw(principal, request.request_id, request.revision, request.reason)
        return pb.WithdrawRevisionResponse(revoked_action_ids=revoked)

    async def list_drift(self, request: pb.ListDriftRequest, _principal: Principal) -> pb.ListDriftResponse:
        """Return the drift ledger."""
        entries, token = await self._gateway.list_drift(
            entry=request.entry, open_only=request.open_only, page_size=request.page_size,
            page_token=request.page_token,
        )  # fmt: skip
        return pb.ListDriftResponse(entries=map(_drift, entries), next_page_token=token)

    async def close_drift(self, request: pb.CloseDriftRequest, principal: Principal) -> pb.CloseDriftResponse:
        """Close an entry of the drift ledger."""
        view = await self._gateway.close_drift(principal, request.request_id, request.entry, request.reference)
        return pb.CloseDriftResponse(entry=_drift(view))


def _drift(view: DriftView) -> pb.DriftEntry:
    return pb.DriftEntry(
        id=view.id, action_id=view.action, step=view.step, target=view.target, path=view.path, before=view.before,
        after=view.after, manager=view.manager, name=view.name, file=view.file, owner=view.owner, status=view.status,
        how=view.how, by=view.by, reference=view.reference, open_time_ms=view.opened_ms, due_time_ms=view.due_ms,
        close_time_ms=view.closed_ms, proposal=view.proposal,
    )  # fmt: skip
