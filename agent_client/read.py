"""Messages to values; the seam where wire names end."""

import json
from types import MappingProxyType
from typing import Any, Final, cast

from countermand.gateway.v1 import (
    action_pb2,
    approval_service_pb2,
    audit_service_pb2,
    capability_service_pb2,
    control_service_pb2,
    incident_service_pb2,
)

from agent_client.types import (
    Absent,
    Action,
    Capabilities,
    Decision,
    DriftEntry,
    Finding,
    Hypothesis,
    Incident,
    Output,
    Pending,
    Proof,
    Scope,
    State,
    Status,
    Step,
    Verdict,
)

_STATES: Final = MappingProxyType(
    {v: State(n.removeprefix("STATE_")) for n, v in action_pb2.Action.State.items() if v != 0}
)
_VERDICTS: Final = MappingProxyType(
    {v: cast("Verdict", n.removeprefix("VERDICT_").lower()) for n, v in action_pb2.Verdict.items() if v != 0}
)


def action(message: action_pb2.Action) -> Action:
    """Return an action."""
    return Action(
        id=message.id,
        state=_STATES.get(message.state, State.UNKNOWN),
        version=message.version,
        plan_digest=message.plan_digest,
        steps=tuple(_step(s) for s in message.steps),
        decision=_decision(message.decision) if message.HasField("decision") else None,
        created_ms=message.create_time_ms,
        updated_ms=message.update_time_ms,
        agent=message.agent,
        incident=message.incident_id,
        reason=message.reason,
        receipt=message.receipt,
        outputs=tuple(output(o) for o in message.outputs),
        lease_end_ms=message.lease_end_ms,
        rendering=message.rendering,
        justification=message.justification,
        state_digest=message.state_digest,
    )


def output(message: action_pb2.StepOutput) -> Output:
    """Return the output of a step."""
    return Output(message.step, message.data, message.truncated)


def state_to_wire(state: State) -> action_pb2.Action.State:
    """Return the number of a state; raises ValueError for UNKNOWN."""
    return cast("action_pb2.Action.State", action_pb2.Action.State.Value(f"STATE_{state.value}"))


def incident(message: incident_service_pb2.Incident) -> Incident:
    """Return an incident."""
    return Incident(
        id=message.id,
        title=message.title,
        source=message.source,
        phase=message.phase,
        alert_ms=message.alert_time_ms,
        opened_ms=message.open_time_ms,
        hypotheses=tuple(Hypothesis(h.id, h.text, h.state) for h in message.hypotheses),
        cause=message.cause,
        labels=MappingProxyType(dict(message.labels)),
        first_diagnostic_ms=message.first_diagnostic_ms,
    )


def pending(message: approval_service_pb2.PendingApproval) -> Pending:
    """Return an action that waits for people."""
    trials = tuple(_json(message.trials) or ())
    return Pending(action(message.action), message.nonce, message.expire_time_ms, tuple(message.voted), trials)


def capabilities(message: capability_service_pb2.ListCapabilitiesResponse) -> Capabilities:
    """Return what may be proposed."""
    scopes = tuple(Scope(s.name, s.tool, tuple(s.environments), s.online) for s in message.scopes)
    return Capabilities(scopes, tuple(message.tools), tuple(message.commands), message.revision)


def proof(message: audit_service_pb2.GetProofResponse) -> Proof:
    """Return a proof."""
    return Proof(message.leaf_index, message.leaf, tuple(message.hashes), message.checkpoint)


def status(message: control_service_pb2.GetStatusResponse) -> Status:
    """Return the gateway as it stands."""
    return Status(
        tuple(message.switches),
        message.revision,
        message.policy_error,
        tuple(message.audiences),
        message.log_size,
        tuple(Absent(away.audience, tuple(away.scopes), away.since_time_ms) for away in message.absent),
    )


def drift_entry(message: control_service_pb2.DriftEntry) -> DriftEntry:
    """Return an entry of the drift ledger."""
    return DriftEntry(
        id=message.id,
        action=message.action_id,
        step=message.step,
        target=message.target,
        path=message.path,
        before=json.loads(message.before),
        after=json.loads(message.after),
        manager=message.manager,
        name=message.name,
        file=message.file,
        owner=message.owner,
        status=message.status,
        how=message.how,
        by=message.by,
        reference=message.reference,
        opened_ms=message.open_time_ms,
        due_ms=message.due_time_ms,
        closed_ms=message.close_time_ms,
        proposal=message.proposal,
    )


def _step(message: action_pb2.Step) -> Step:
    return Step(message.digest, _json(message.document), tuple(message.effects), message.undo, message.status)


def _decision(message: action_pb2.Decision) -> Decision:
    return Decision(
        verdict=_VERDICTS[message.verdict],
        findings=tuple(_finding(f) for f in message.findings),
        revision=message.revision,
        digest=message.digest,
        approvals=_json(message.approvals),
        obligations=_json(message.obligations),
    )


def _finding(message: action_pb2.Finding) -> Finding:
    return Finding(
        message.code,
        message.step,
        _VERDICTS.get(message.permit),
        _VERDICTS.get(message.limit),
        message.message,
        message.remedy,
    )


def _json(data: bytes) -> Any:
    return json.loads(data) if data else None
