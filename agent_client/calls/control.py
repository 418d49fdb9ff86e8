"""Calls of ControlService."""

from typing import Final

from countermand.gateway.v1 import control_service_pb2 as pb

from agent_client import read
from agent_client.calls.call import Call, Service, request_id_or_new
from agent_client.types import DriftEntry, Page, Status

_SERVICE: Final = Service(pb.DESCRIPTOR.services_by_name["ControlService"])


def stop(reason: str, *, agent: str = "", environment: str = "", request_id: str | None = None) -> Call[int]:
    """Let no new attempt begin, undos go on; returns the index of the record.

    Without an agent and an environment it covers everything.
    """
    request = pb.StopRequest(request_id=request_id_or_new(request_id), scope=_scope(agent, environment), reason=reason)
    return _SERVICE.call("Stop", request, _read_index)


def freeze(reason: str, *, agent: str = "", environment: str = "", request_id: str | None = None) -> Call[int]:
    """Let nothing begin, undos wait for people; returns the index of the record."""
    request = pb.FreezeRequest(
        request_id=request_id_or_new(request_id), scope=_scope(agent, environment), reason=reason
    )
    return _SERVICE.call("Freeze", request, _read_index)


def resume(reason: str, *, agent: str = "", environment: str = "", request_id: str | None = None) -> Call[int]:
    """Take the stop or freeze of exactly this scope back; returns the index of the record."""
    request = pb.ResumeRequest(
        request_id=request_id_or_new(request_id), scope=_scope(agent, environment), reason=reason
    )
    return _SERVICE.call("Resume", request, _read_index)


def status() -> Call[Status]:
    """Return the switches, the policy revision, the executors and the size of the log."""
    return _SERVICE.call("GetStatus", pb.GetStatusRequest(), read.status)


def withdraw(revision: str, reason: str, *, request_id: str | None = None) -> Call[tuple[str, ...]]:
    """Withdraw a policy revision and return the actions whose grants died."""
    request = pb.WithdrawRevisionRequest(request_id=request_id_or_new(request_id), revision=revision, reason=reason)
    return _SERVICE.call("WithdrawRevision", request, lambda r: tuple(r.revoked_action_ids))


def drift(
    *, entry: str = "", open_only: bool = True, page_size: int = 50, page_token: str = ""
) -> Call[Page[DriftEntry]]:
    """Return a page of changes outside their owner in code, newest first; with `entry` that one alone."""
    request = pb.ListDriftRequest(entry=entry, open_only=open_only, page_size=page_size, page_token=page_token)
    return _SERVICE.call("ListDrift", request, _read_drift)


def close_drift(entry: str, reference: str, *, request_id: str | None = None) -> Call[DriftEntry]:
    """Close an entry whose proposal was handed to the owner; `reference` says where it can be read."""
    request = pb.CloseDriftRequest(request_id=request_id_or_new(request_id), entry=entry, reference=reference)
    return _SERVICE.call("CloseDrift", request, lambda r: read.drift_entry(r.entry))


def _read_drift(response: pb.ListDriftResponse) -> Page[DriftEntry]:
    return Page(tuple(read.drift_entry(e) for e in response.entries), response.next_page_token)


def _scope(agent: str, environment: str) -> pb.SwitchScope:
    return pb.SwitchScope(agent=agent, environment=environment)


def _read_index(response: pb.StopResponse) -> int:
    return response.leaf_index
