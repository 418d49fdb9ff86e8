"""Values of the client as text for people."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from agent_client import Absent, Action, DriftEntry, Incident, Output, Pending, State
from gateway.cli.failure import REFUSED
from gateway.cli.text import line

FAILED = frozenset(
    {
        State.DENIED, State.REJECTED, State.EXPIRED, State.CANCELLED, State.REVOKED, State.REFUSED, State.FAILED,
        State.NOT_APPLIED, State.UNDONE, State.NEEDS_HUMAN,
    }
)  # fmt: skip
"""States after which what was asked for is not so: exit code 1."""
_MAX_CHANGES = 100
_MAX_VALUE = 400


def action_text(action: Action) -> str:
    """Return an action as people read it: state, what it does, why, what it printed."""
    head = f"{action.id or '(not recorded)'}  {action.state.value}"
    lines = [head + (f"  {action.reason}" if action.reason else "")]
    lines += [f"  {step}" for step in action.rendering.splitlines()]
    if action.decision is not None:
        lines.append(f"  verdict {action.decision.verdict}, policy {action.decision.revision}")
        for finding in action.decision.findings:
            word = f"permits {finding.permit}" if finding.permit else f"limits to {finding.limit}"
            lines.append(f"  {finding.code} {word}: {finding.message}")
            lines += [f"    remedy: {finding.remedy}"] if finding.remedy else []
    if action.lease_end_ms:
        lines.append(f"  lease ends {time_text(action.lease_end_ms)}")
    lines += [output_text(output) for output in action.outputs]
    return "\n".join(lines)


def absent_text(away: Absent) -> str:
    """Return an audience that no executor serves, for people."""
    return f"{away.audience}, which serves {', '.join(away.scopes)}, since {time_text(away.since_ms)}"


def drift_row(entry: DriftEntry) -> tuple[str, ...]:
    """Return an entry of the drift ledger as a row of a table."""
    late = entry.due_ms < datetime.now(UTC).timestamp() * 1000
    state = entry.how or ("overdue" if late else entry.status)
    value = f"{json.dumps(entry.before)} -> {json.dumps(entry.after)}"
    owner = " ".join(filter(None, (entry.manager, entry.name)))
    return entry.id, state, time_text(entry.due_ms), owner, entry.target, entry.path, value


def drift_text(entry: DriftEntry) -> str:
    """Return an entry of the drift ledger in full, with the text that proposes it to its owner."""
    closed = f"  closed {time_text(entry.closed_ms)}: {entry.how} {entry.by} {entry.reference}".rstrip()
    lines = [
        f"{entry.id}  {entry.status}  {entry.action}",
        f"  owner {entry.manager} {entry.name} {entry.owner}".rstrip(),
        f"  due {time_text(entry.due_ms)}" if entry.status == "open" else closed,
        "",
        entry.proposal,
    ]
    return "\n".join(lines)


def refuse(*, refused: bool) -> None:
    """End the command with 1 when the gateway answered no."""
    if refused:
        raise click.exceptions.Exit(REFUSED)


def output_text(output: Output) -> str:
    """Return the output of a step below its number."""
    cut = " (cut)" if output.truncated else ""
    return f"  output of step {output.step}{cut}:\n" + "\n".join(f"    {text}" for text in output.text.splitlines())


def action_row(action: Action) -> tuple[str, ...]:
    """Return an action as a row of a table."""
    what = action.rendering.splitlines()[0] if action.rendering else ""
    return action.id, action.state.value, time_text(action.updated_ms), action.agent, line(what)


def pending_text(pending: Pending) -> str:
    """Return all that a vote would bind, in full."""
    action = pending.action
    lines = [action_text(action)]
    lines += [text for trial in pending.trials for text in trial_text(trial)]
    if action.justification:
        lines.append(f"  the agent says: {line(action.justification)}")
    if action.decision is not None:
        lines.append(f"  needs {json.dumps(action.decision.approvals)}")
        lines.append(f"  decision {action.decision.digest}")
    lines += [
        f"  plan     {action.plan_digest}",
        f"  state    {action.state_digest}",
        f"  nonce    {pending.nonce}",
        f"  expires  {time_text(pending.expires_ms)}; voted: {', '.join(pending.voted) or 'nobody'}",
    ]
    return "\n".join(lines)


def trial_text(trial: Mapping[str, Any]) -> list[str]:
    """Return what a trial run of a step told, a line an object and a field; where there are many, the first of them."""
    targets, changes = trial.get("targets", 0), trial.get("changes", ())
    code = f", {trial['code']}" if "code" in trial else ""
    said = f"{trial['status']}, {targets} object{'' if targets == 1 else 's'}{code}, undo {trial['undo']}"
    lines = [f"  trial of step {trial['step']}: {said}" + (", it would change:" if changes else "")]
    objects = [line(each) for each in trial.get("objects", ())]
    lines += [f"    object {each}" for each in objects[:_MAX_CHANGES]]
    if len(objects) > _MAX_CHANGES:
        lines.append(f"    and {len(objects) - _MAX_CHANGES} objects more, which --json shows")
    for each in changes[:_MAX_CHANGES]:
        old, new = (_short(json.dumps(each.get(name))) for name in ("from", "to"))
        lines.append(f"    {line(each['path'])}: {old} -> {new}")
    if len(changes) > _MAX_CHANGES:
        lines.append(f"    and {len(changes) - _MAX_CHANGES} fields more, which --json shows")
    return lines


def _short(text: str) -> str:
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"


def incident_text(incident: Incident) -> str:
    """Return an incident as people read it."""
    lines = [f"{incident.id}  {incident.phase}  opened by {incident.source}", f"  {line(incident.title)}"]
    lines += [f"  {k}={line(v)}" for k, v in sorted(incident.labels.items())]
    lines += [f"  {h.id} {h.state}: {line(h.text)}" for h in incident.hypotheses]
    if incident.cause:
        lines.append(f"  cause: {line(incident.cause)}")
    if incident.first_diagnostic_ms and incident.alert_ms:
        seconds = (incident.first_diagnostic_ms - incident.alert_ms) / 1000
        lines.append(f"  first diagnostic read {seconds:.1f} s after the alert")
    return "\n".join(lines)


def time_text(ms: int) -> str:
    """Return a time in UTC; a dash for none."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if ms else "-"
