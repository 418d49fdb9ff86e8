"""Views to protobuf and reports from protobuf; the seam where wire names end."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, cast

from countermand.gateway.v1 import action_pb2, approval_service_pb2, executor_service_pb2, incident_service_pb2

from gateway.core.canonical import canonical
from gateway.errors import InvalidRequest
from gateway.service import reports
from gateway.service.views import (
    ActionView,
    DecisionView,
    FindingView,
    IncidentView,
    OutputView,
    PendingView,
    Purpose,
    StepView,
    WorkView,
)

_STATES: Final[Mapping[str, action_pb2.Action.State]] = MappingProxyType(
    {n.removeprefix("STATE_"): cast("action_pb2.Action.State", v) for n, v in action_pb2.Action.State.items()}
)
_STATE_NAMES: Final[Mapping[int, str]] = MappingProxyType({value: name for name, value in _STATES.items()})
_VERDICTS: Final[Mapping[str | None, action_pb2.Verdict]] = MappingProxyType(
    {
        None: action_pb2.VERDICT_UNSPECIFIED,
        "deny": action_pb2.VERDICT_DENY,
        "shadow": action_pb2.VERDICT_SHADOW,
        "approve": action_pb2.VERDICT_APPROVE,
        "allow": action_pb2.VERDICT_ALLOW,
    }
)
_PURPOSES: Final[Mapping[Purpose, executor_service_pb2.Purpose]] = MappingProxyType(
    {
        "observe": executor_service_pb2.PURPOSE_OBSERVE,
        "apply": executor_service_pb2.PURPOSE_APPLY,
        "probe": executor_service_pb2.PURPOSE_PROBE,
        "sample": executor_service_pb2.PURPOSE_SAMPLE,
        "undo": executor_service_pb2.PURPOSE_UNDO,
    }
)
_PURPOSE_NAMES: Final[Mapping[int, Purpose]] = MappingProxyType({v: name for name, v in _PURPOSES.items()})
_STEP_STATUSES: Final[Mapping[int, reports.StepStatus]] = MappingProxyType(
    {
        executor_service_pb2.STEP_STATUS_APPLIED: "applied",
        executor_service_pb2.STEP_STATUS_NOT_APPLIED: "not_applied",
        executor_service_pb2.STEP_STATUS_PARTLY: "partly",
        executor_service_pb2.STEP_STATUS_UNKNOWN: "unknown",
    }
)
_UNDO_STATUSES: Final[Mapping[int, reports.UndoStatus]] = MappingProxyType(
    {
        executor_service_pb2.UNDO_STATUS_UNDONE: "undone",
        executor_service_pb2.UNDO_STATUS_CONFLICT: "conflict",
        executor_service_pb2.UNDO_STATUS_RETRY: "retry",
        executor_service_pb2.UNDO_STATUS_IMPOSSIBLE: "impossible",
    }
)


def action_to_pb(view: ActionView) -> action_pb2.Action:
    """Return an action for the wire."""
    return action_pb2.Action(
        id=view.id,
        state=_STATES[view.state],
        version=view.version,
        plan_digest=view.plan_digest,
        steps=[_step(step) for step in view.steps],
        decision=None if view.decision is None else _decision(view.decision),
        create_time_ms=view.created_ms,
        update_time_ms=view.updated_ms,
        agent=view.agent,
        incident_id=view.incident,
        reason=view.reason,
        receipt=view.receipt,
        outputs=[output_to_pb(output) for output in view.outputs],
        lease_end_ms=view.lease_end_ms,
        rendering=view.rendering,
        justification=view.justification,
        state_digest=view.state_digest,
    )


def output_to_pb(view: OutputView) -> action_pb2.StepOutput:
    """Return the output of a step for the wire."""
    return action_pb2.StepOutput(step=view.step, data=view.data, truncated=view.truncated)


def pending_to_pb(view: PendingView) -> approval_service_pb2.PendingApproval:
    """Return a pending approval for the wire."""
    return approval_service_pb2.PendingApproval(
        action=action_to_pb(view.action), nonce=view.nonce, expire_time_ms=view.expires_ms, voted=view.voted,
        trials=canonical(view.trials),
    )  # fmt: skip


def incident_to_pb(view: IncidentView) -> incident_service_pb2.Incident:
    """Return an incident for the wire."""
    return incident_service_pb2.Incident(
        id=view.id,
        title=view.title,
        source=view.source,
        phase=view.phase,
        alert_time_ms=view.alert_ms,
        open_time_ms=view.opened_ms,
        hypotheses=[incident_service_pb2.Hypothesis(id=h.id, text=h.text, state=h.state) for h in view.hypotheses],
        cause=view.cause,
        labels=dict(view.labels),
        first_diagnostic_ms=view.first_diagnostic_ms,
    )


def work_to_pb(view: WorkView) -> executor_service_pb2.Work:
    """Return a piece of work for the wire."""
    return executor_service_pb2.Work(
        work_id=view.work_id,
        action_id=view.action,
        purpose=_PURPOSES[view.purpose],
        grant=view.grant,
        plan=view.plan,
        fence=view.fence,
        snapshot=view.snapshot,
        checks=view.checks,
        deadline_ms=view.deadline_ms,
        first_step=view.first_step,
        progress=view.progress,
    )


def states_from_pb(values: list[int]) -> tuple[str, ...]:
    """Return the names of states; raises InvalidRequest for one that is none."""
    try:
        names = tuple(_STATE_NAMES[value] for value in values)
    except KeyError as exc:
        raise _unknown("states", exc.args[0]) from exc
    if "UNSPECIFIED" in names:
        raise _unknown("states", 0)
    return names


def purpose_from_pb(value: int) -> Purpose:
    """Return a purpose; raises InvalidRequest for one that is none."""
    if value not in _PURPOSE_NAMES:
        raise _unknown("purpose", value)
    return _PURPOSE_NAMES[value]


def report_from_pb(request: executor_service_pb2.ReportRequest) -> reports.Report:
    """Return what an executor reports; raises InvalidRequest for an empty body or a status that is none."""
    kind = request.WhichOneof("body")
    if kind is None:
        raise InvalidRequest("REPORT_EMPTY", "the report has no body", remedy="send one body")
    return _REPORTS[kind](getattr(request, kind))


def _step(view: StepView) -> action_pb2.Step:
    return action_pb2.Step(
        digest=view.digest, document=view.document, effects=view.effects, undo=view.undo, status=view.status
    )


def _decision(view: DecisionView) -> action_pb2.Decision:
    return action_pb2.Decision(
        verdict=_VERDICTS[view.verdict],
        findings=[_finding(finding) for finding in view.findings],
        revision=view.revision,
        digest=view.digest,
        approvals=canonical(view.approvals),
        obligations=canonical(view.obligations),
    )


def _finding(view: FindingView) -> action_pb2.Finding:
    return action_pb2.Finding(
        code=view.code,
        step=view.step,
        permit=_VERDICTS[view.permit],
        limit=_VERDICTS[view.limit],
        message=view.message,
        remedy=view.remedy,
    )


def _step_report(step: executor_service_pb2.StepOutcome) -> reports.StepReport:
    return reports.StepReport(
        step=step.step,
        status=_step_status(step.status),
        code=step.code,
        detail=step.detail,
        output=step.output,
        truncated=step.truncated,
        after=step.after,
    )


def _probe_report(probe: executor_service_pb2.ProbeResult) -> reports.ProbeReport:
    return reports.ProbeReport(probe.step, _step_status(probe.status), probe.after)


def _undo_report(undo: executor_service_pb2.UndoOutcome) -> reports.UndoReport:
    if undo.status not in _UNDO_STATUSES:
        raise _unknown("undo.status", undo.status)
    return reports.UndoReport(undo.step, _UNDO_STATUSES[undo.status], undo.code, undo.detail, undo.read_back)


def _step_status(value: int) -> reports.StepStatus:
    if value not in _STEP_STATUSES:
        raise _unknown("status", value)
    return _STEP_STATUSES[value]


def _unknown(field: str, value: int) -> InvalidRequest:
    return InvalidRequest(
        "ENUM_UNKNOWN", f"`{field}` {value} is not known", field=field, value=value, remedy="use a named value"
    )


_REPORTS: Final[Mapping[str, Callable[[Any], reports.Report]]] = MappingProxyType(
    {
        "refusal": lambda refusal: reports.RefusalReport(refusal.code, refusal.detail),
        "observation": lambda observation: reports.ObservationReport(observation.document),
        "step": _step_report,
        "probe": _probe_report,
        "samples": lambda samples: reports.SamplesReport(samples.document),
        "undo": _undo_report,
        "chunk": lambda chunk: reports.ChunkReport(chunk.step, chunk.data),
    }
)
