"""Calls of IncidentService."""

from collections.abc import Sequence
from typing import Final

from countermand.gateway.v1 import incident_service_pb2 as pb

from agent_client import read
from agent_client.calls.call import Call, Service, request_id_or_new
from agent_client.types import AddedHypothesis, Incident, Page

_SERVICE: Final = Service(pb.DESCRIPTOR.services_by_name["IncidentService"])


def open_incident(title: str, *, request_id: str | None = None) -> Call[Incident]:
    """Open an incident; one that an agent opens caps its actions at approval."""
    request = pb.OpenIncidentRequest(request_id=request_id_or_new(request_id), title=title)
    return _SERVICE.call("OpenIncident", request, _read_incident)


def get_incident(incident: str) -> Call[Incident]:
    """Return an incident as it stands."""
    return _SERVICE.call("GetIncident", pb.GetIncidentRequest(incident_id=incident), _read_incident)


def list_incidents(*, open_only: bool = False, page_size: int = 0, page_token: str = "") -> Call[Page[Incident]]:
    """Return a page of incidents, newest first; `page_size` is at most 200, 50 when 0."""
    request = pb.ListIncidentsRequest(page_size=page_size, page_token=page_token, open_only=open_only)
    return _SERVICE.call("ListIncidents", request, _read_page)


def add_hypothesis(incident: str, text: str, *, request_id: str | None = None) -> Call[AddedHypothesis]:
    """Record what may be the cause, to be named by the reads that test it."""
    request = pb.AddHypothesisRequest(request_id=request_id_or_new(request_id), incident_id=incident, text=text)
    return _SERVICE.call("AddHypothesis", request, _read_added)


def declare_cause(
    incident: str, hypothesis: str, cause: str, evidence: Sequence[str], *, request_id: str | None = None
) -> Call[Incident]:
    """Say which hypothesis holds; `evidence` names actions that succeeded. On-call is told."""
    request = pb.DeclareCauseRequest(
        request_id=request_id_or_new(request_id),
        incident_id=incident,
        hypothesis_id=hypothesis,
        cause=cause,
        evidence_action_ids=evidence,
    )
    return _SERVICE.call("DeclareCause", request, _read_incident)


def close_incident(incident: str, *, request_id: str | None = None) -> Call[Incident]:
    """End an incident."""
    request = pb.CloseIncidentRequest(request_id=request_id_or_new(request_id), incident_id=incident)
    return _SERVICE.call("CloseIncident", request, _read_incident)


def _read_incident(response: pb.GetIncidentResponse) -> Incident:
    return read.incident(response.incident)


def _read_page(response: pb.ListIncidentsResponse) -> Page[Incident]:
    return Page(tuple(read.incident(i) for i in response.incidents), response.next_page_token)


def _read_added(response: pb.AddHypothesisResponse) -> AddedHypothesis:
    return AddedHypothesis(read.incident(response.incident), response.hypothesis_id)
