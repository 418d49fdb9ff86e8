"""Calls of ActionService."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from countermand.gateway.v1 import action_service_pb2 as pb

from agent_client import read
from agent_client.calls.call import Call, Service, Stream, request_id_or_new
from agent_client.types import Action, Output, Page, State

_SERVICE: Final = Service(pb.DESCRIPTOR.services_by_name["ActionService"])
_Json = Mapping[str, Any]


def propose(
    command: str,
    *,
    scope: str = "",
    justification: str = "",
    incident: str = "",
    hypothesis: str = "",
    lease_s: int = 0,
    wait_s: float = 0,
    request_id: str | None = None,
) -> Call[Action]:
    """Propose a command and return the action with its decision; a denial is an answer, not an error.

    `scope` names the cluster, account or database when the command does not; `hypothesis` is the one a read
    tests or a write acts on; `lease_s` makes the change temporary. With `wait_s`, at most 60, the answer waits that
    long for the action to rest, as `wait` does: one call for a read. Keep a `request_id` (UUID4) across restarts to
    propose exactly once.
    """
    return _submit(
        pb.SubmitActionRequest(
            request_id=request_id_or_new(request_id),
            command=command,
            scope=scope,
            justification=justification,
            incident_id=incident,
            hypothesis_id=hypothesis,
            lease_s=lease_s,
            wait_ms=_ms(wait_s),
        ),
        wait_s,
    )


def propose_steps(
    steps: Sequence[_Json],
    *,
    connectors: Sequence[str] = (),
    scope: str = "",
    justification: str = "",
    incident: str = "",
    hypothesis: str = "",
    lease_s: int = 0,
    wait_s: float = 0,
    request_id: str | None = None,
) -> Call[Action]:
    """Propose typed steps; the same meaning as a command gives the same digest.

    `connectors` holds one `&&` or `;` between neighbours. The rest is as for `propose`.
    """
    document = {"steps": list(steps), "connectors": list(connectors)}
    return _submit(
        pb.SubmitActionRequest(
            request_id=request_id_or_new(request_id),
            steps=json.dumps(document).encode(),
            scope=scope,
            justification=justification,
            incident_id=incident,
            hypothesis_id=hypothesis,
            lease_s=lease_s,
            wait_ms=_ms(wait_s),
        ),
        wait_s,
    )


def explain(
    command: str, *, scope: str = "", incident: str = "", hypothesis: str = "", lease_s: int = 0
) -> Call[Action]:
    """Return what would be decided about a command; nothing is recorded and nothing runs."""
    return _submit(
        pb.SubmitActionRequest(
            request_id=request_id_or_new(None),
            command=command,
            scope=scope,
            incident_id=incident,
            hypothesis_id=hypothesis,
            lease_s=lease_s,
            validate_only=True,
        )
    )


def get(action: str) -> Call[Action]:
    """Return an action as it stands."""
    return _SERVICE.call("GetAction", pb.GetActionRequest(action_id=action), _read_action)


def list_actions(
    *, incident: str = "", states: Iterable[State] = (), page_size: int = 0, page_token: str = ""
) -> Call[Page[Action]]:
    """Return a page of actions, newest first; `page_size` is at most 200, 50 when 0."""
    request = pb.ListActionsRequest(
        page_size=page_size, page_token=page_token, incident_id=incident, states=[read.state_to_wire(s) for s in states]
    )
    return _SERVICE.call("ListActions", request, _read_page)


def watch(action: str) -> Stream[Action | Output]:
    """Yield the action now, then every change of state and every chunk of output, until a final state."""
    return _SERVICE.stream("WatchAction", pb.WatchActionRequest(action_id=action), _read_event)


def cancel(action: str, reason: str = "", *, request_id: str | None = None) -> Call[Action]:
    """Cancel an action that has not begun, or abort it: what it changed is taken back."""
    request = pb.CancelActionRequest(request_id=request_id_or_new(request_id), action_id=action, reason=reason)
    return _SERVICE.call("CancelAction", request, _read_action)


def rollback(action: str, reason: str = "", *, request_id: str | None = None) -> Call[Action]:
    """Take a committed action back, inside its undo window."""
    request = pb.RollbackActionRequest(request_id=request_id_or_new(request_id), action_id=action, reason=reason)
    return _SERVICE.call("RollbackAction", request, _read_action)


def renew(action: str, lease_s: int, *, request_id: str | None = None) -> Call[Action]:
    """Extend a lease to `lease_s` seconds from now; decided again."""
    request = pb.RenewLeaseRequest(request_id=request_id_or_new(request_id), action_id=action, lease_s=lease_s)
    return _SERVICE.call("RenewLease", request, _read_action)


def release(action: str, *, request_id: str | None = None) -> Call[Action]:
    """End a lease now; the change is taken back."""
    request = pb.ReleaseLeaseRequest(request_id=request_id_or_new(request_id), action_id=action)
    return _SERVICE.call("ReleaseLease", request, _read_action)


def _submit(request: pb.SubmitActionRequest, wait_s: float = 0) -> Call[Action]:
    return _SERVICE.call("SubmitAction", request, _read_action, wait_s)


def _ms(wait_s: float) -> int:
    """Return whole milliseconds, more rather than fewer: a short wait must not become none."""
    return math.ceil(wait_s * 1_000)


def _read_action(response: pb.GetActionResponse) -> Action:
    return read.action(response.action)


def _read_page(response: pb.ListActionsResponse) -> Page[Action]:
    return Page(tuple(read.action(a) for a in response.actions), response.next_page_token)


def _read_event(response: pb.WatchActionResponse) -> Action | Output:
    return read.action(response.action) if response.HasField("action") else read.output(response.chunk)
