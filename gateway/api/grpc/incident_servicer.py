"""IncidentService."""

from countermand.gateway.v1 import incident_service_pb2 as pb

from gateway.api.grpc.action_servicer import page_size
from gateway.api.grpc.convert import incident_to_pb
from gateway.core.principal import Principal
from gateway.service.usecases import IncidentUseCases


class IncidentServicer:
    """Keep the record of incidents."""

    def __init__(self, gateway: IncidentUseCases) -> None:
        self._gateway = gateway

    async def open_incident(self, request: pb.OpenIncidentRequest, principal: Principal) -> pb.OpenIncidentResponse:
        """Open an incident."""
        view = await self._gateway.open_incident(principal, request.request_id, request.title)
        return pb.OpenIncidentResponse(incident=incident_to_pb(view))

    async def get_incident(self, request: pb.GetIncidentRequest, principal: Principal) -> pb.GetIncidentResponse:
        """Return one incident."""
        view = await self._gateway.get_incident(principal, request.incident_id)
        return pb.GetIncidentResponse(incident=incident_to_pb(view))

    async def list_incidents(self, request: pb.ListIncidentsRequest, principal: Principal) -> pb.ListIncidentsResponse:
        """Return one page, newest first."""
        views, token = await self._gateway.list_incidents(
            principal,
            page_size=page_size(request.page_size),
            page_token=request.page_token,
            open_only=request.open_only,
        )
        return pb.ListIncidentsResponse(incidents=[incident_to_pb(v) for v in views], next_page_token=token)

    async def add_hypothesis(self, request: pb.AddHypothesisRequest, principal: Principal) -> pb.AddHypothesisResponse:
        """Record what may be the cause."""
        view, hypothesis = await self._gateway.add_hypothesis(
            principal, request.request_id, request.incident_id, request.text
        )
        return pb.AddHypothesisResponse(incident=incident_to_pb(view), hypothesis_id=hypothesis)

    async def declare_cause(self, request: pb.DeclareCauseRequest, principal: Principal) -> pb.DeclareCauseResponse:
        """Say which hypothesis holds."""
        view = await self._gateway.declare_cause(
            principal,
            request.request_id,
            request.incident_id,
            request.hypothesis_id,
            request.cause,
            tuple(request.evidence_action_ids),
        )
        return pb.DeclareCauseResponse(incident=incident_to_pb(view))

    async def close_incident(self, request: pb.CloseIncidentRequest, principal: Principal) -> pb.CloseIncidentResponse:
        """End an incident."""
        view = await self._gateway.close_incident(principal, request.request_id, request.incident_id)
        return pb.CloseIncidentResponse(incident=incident_to_pb(view))
