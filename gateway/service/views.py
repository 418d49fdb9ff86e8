"""What the use cases return to the doors: frozen values, free of any wire format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.core.canonical import Json

Verdict = Literal["deny", "shadow", "approve", "allow"]
Purpose = Literal["observe", "apply", "probe", "sample", "undo"]


@dataclass(frozen=True, slots=True)
class FindingView:
    """Why a decision is what it is; exactly one of `permit` and `limit` is set."""

    code: str
    step: int
    """Index of the step; -1 for the whole action."""
    permit: str | None
    limit: str | None
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DecisionView:
    """The decision in force."""

    verdict: Verdict
    findings: tuple[FindingView, ...]
    revision: str
    digest: str
    approvals: Json
    obligations: Json


@dataclass(frozen=True, slots=True)
class StepView:
    """One step and its journal status."""

    digest: str
    document: bytes
    effects: tuple[str, ...]
    undo: str
    status: str


@dataclass(frozen=True, slots=True)
class OutputView:
    """Output of a step, redacted and capped."""

    step: int
    data: bytes
    truncated: bool


@dataclass(frozen=True, slots=True)
class ActionView:
    """An action as it stands; `state` is a name of contract/lifecycle.md such as `AWAITING_APPROVAL`."""

    id: str
    state: str
    version: int
    plan_digest: str
    steps: tuple[StepView, ...]
    decision: DecisionView | None
    created_ms: int
    updated_ms: int
    agent: str
    incident: str
    reason: str
    receipt: bytes
    """DSSE envelope of the ActionReceipt; empty before there is one."""
    outputs: tuple[OutputView, ...]
    lease_end_ms: int
    rendering: str
    """The gateway's own text for people."""
    justification: str
    """The agent's text, untrusted."""
    state_digest: str


@dataclass(frozen=True, slots=True)
class PendingView:
    """An action that waits for people, and what a vote binds."""

    action: ActionView
    nonce: str
    expires_ms: int
    voted: tuple[str, ...]
    trials: Json = ()
    """What a trial of each step told: [{step, undo, objects, status, targets, changes: [{path, from, to}], code?}]."""


@dataclass(frozen=True, slots=True)
class HypothesisView:
    """A possible cause; `state` is open, supported or refuted."""

    id: str
    text: str
    state: str


@dataclass(frozen=True, slots=True)
class IncidentView:
    """An incident; `phase` is derived from recorded steps."""

    id: str
    title: str
    source: str
    phase: str
    alert_ms: int
    opened_ms: int
    hypotheses: tuple[HypothesisView, ...]
    cause: str
    labels: Mapping[str, str]
    first_diagnostic_ms: int
    """When its first read succeeded; 0 before."""


@dataclass(frozen=True, slots=True)
class DriftView:
    """An entry of the drift ledger; `before` and `after` are JSON, `status` is open, closed or edited."""

    id: str
    action: str
    step: int
    target: str
    path: str
    before: str
    after: str
    manager: str
    name: str
    file: str
    owner: str
    status: str
    how: str
    by: str
    reference: str
    opened_ms: int
    due_ms: int
    closed_ms: int
    proposal: str
    """The text of a pull request that makes the code say what stands."""


@dataclass(frozen=True, slots=True)
class ProofView:
    """An inclusion proof of leaf `index`, or a consistency proof (`index` -1, `leaf` empty)."""

    index: int
    leaf: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class StatusView:
    """The gateway as it stands."""

    switches: tuple[str, ...]
    revision: str
    policy_error: str
    audiences: tuple[str, ...]
    log_size: int
    absent: tuple["AbsentView", ...] = ()


@dataclass(frozen=True, slots=True)
class AbsentView:
    """An audience of configured scopes that no executor serves now."""

    audience: str
    scopes: tuple[str, ...]
    since_ms: int
    """As far as this process knows."""


@dataclass(frozen=True, slots=True)
class ScopeView:
    """One configured scope."""

    name: str
    tool: str
    environments: tuple[str, ...]
    online: bool


@dataclass(frozen=True, slots=True)
class CapabilityView:
    """What a caller may propose here."""

    scopes: tuple[ScopeView, ...]
    tools: tuple[str, ...]
    commands: tuple[str, ...]
    revision: str


@dataclass(frozen=True, slots=True)
class WorkView:
    """Work for an executor, with the signed grant for it."""

    work_id: str
    action: str
    purpose: Purpose
    grant: bytes
    plan: bytes
    fence: int
    snapshot: bytes
    checks: bytes
    deadline_ms: int
    first_step: int
    progress: bytes = b""
