"""What a gateway answers, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, Literal, TypeVar

T = TypeVar("T")
Verdict = Literal["deny", "shadow", "approve", "allow"]
Mark = Literal["would_do", "did_it", "wrong"]
Resolution = Literal["kept", "undone_by_hand", "retry_undo"]


class State(StrEnum):
    """Where an action is in its life."""

    UNKNOWN = "UNKNOWN"
    """A state that this client does not know; the gateway is newer."""
    PROPOSED = "PROPOSED"
    DENIED = "DENIED"
    SHADOWED = "SHADOWED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    GRANTED = "GRANTED"
    EXECUTING = "EXECUTING"
    VERIFYING = "VERIFYING"
    LEASED = "LEASED"
    UNDOING = "UNDOING"
    NEEDS_HUMAN = "NEEDS_HUMAN"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    NOT_APPLIED = "NOT_APPLIED"
    COMMITTED = "COMMITTED"
    UNDONE = "UNDONE"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    REVOKED = "REVOKED"
    REFUSED = "REFUSED"
    SUPERSEDED = "SUPERSEDED"
    RESOLVED = "RESOLVED"


OPEN: Final = frozenset(
    {
        State.PROPOSED,
        State.AWAITING_APPROVAL,
        State.GRANTED,
        State.EXECUTING,
        State.VERIFYING,
        State.LEASED,
        State.UNDOING,
        State.NEEDS_HUMAN,
    }
)
FINAL: Final = frozenset(State) - OPEN - {State.UNKNOWN}
"""States that do not change any more (COMMITTED can still be rolled back inside its window)."""
RESTING: Final = FINAL | {State.AWAITING_APPROVAL, State.LEASED, State.NEEDS_HUMAN}
"""States in which nothing happens until a person, a lease or the caller moves."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a decision is what it is; exactly one of `permit` and `limit` is set."""

    code: str
    step: int
    """Index of the step; -1 for the whole action."""
    permit: Verdict | None
    limit: Verdict | None
    message: str
    remedy: str
    """Something that would itself be accepted; may be empty."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gateway decided, and under which policy revision."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    revision: str
    digest: str
    approvals: Any
    """JSON: which groups have to approve, how many, how sure."""
    obligations: Any
    """JSON: lease, verification window and notifications that come with the verdict."""


@dataclass(frozen=True, slots=True)
class Step:
    """One typed step, as it runs."""

    digest: str
    document: Mapping[str, Any]
    """The canonical step: tool, operation, api, target, params."""
    effects: tuple[str, ...]
    undo: str
    status: str
    """pending, intended, applied, not_applied, partly, unknown or undone."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a step returned, redacted and capped by the gateway."""

    step: int
    data: bytes
    truncated: bool

    @property
    def text(self) -> str:
        """Return the output as text; bytes that are not UTF-8 are replaced."""
        return self.data.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Action:
    """One proposal: one lifecycle, one grant, one receipt."""

    id: str
    """Empty for an explanation, which is not recorded."""
    state: State
    version: int
    plan_digest: str
    steps: tuple[Step, ...]
    decision: Decision | None
    created_ms: int
    updated_ms: int
    agent: str
    incident: str
    reason: str
    """Reason code of the present state; may be empty."""
    receipt: bytes
    """DSSE envelope, checked by `check_receipt`; empty before there is one."""
    outputs: tuple[Output, ...]
    lease_end_ms: int
    rendering: str
    """The gateway's own words for what the steps do."""
    justification: str
    state_digest: str

    @property
    def is_final(self) -> bool:
        """Tell whether the state does not change any more."""
        return self.state in FINAL

    @property
    def denials(self) -> tuple[Finding, ...]:
        """Return the findings that deny."""
        return tuple(f for f in self.decision.findings if f.limit == "deny") if self.decision else ()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; an empty `next_token` means the last one."""

    items: tuple[T, ...]
    next_token: str


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A possible cause; `state` is open, supported or refuted."""

    id: str
    text: str
    state: str


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident, with its phase derived from recorded steps."""

    id: str
    title: str
    source: str
    phase: str
    alert_ms: int
    opened_ms: int
    hypotheses: tuple[Hypothesis, ...]
    cause: str
    labels: Mapping[str, str]
    first_diagnostic_ms: int
    """When its first read succeeded; 0 before."""


@dataclass(frozen=True, slots=True)
class AddedHypothesis:
    """The incident after a hypothesis was added, and the id to name it by."""

    incident: Incident
    hypothesis: str


@dataclass(frozen=True, slots=True)
class Scope:
    """A configured place; `online` tells whether an executor for it is attached."""

    name: str
    tool: str
    environments: tuple[str, ...]
    online: bool


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What may be proposed here."""

    scopes: tuple[Scope, ...]
    tools: tuple[str, ...]
    commands: tuple[str, ...]
    """One usage line per process command."""
    revision: str


@dataclass(frozen=True, slots=True)
class Proof:
    """An inclusion proof of a leaf, or a consistency proof (`index` -1, `leaf` empty)."""

    index: int
    leaf: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """One record of the log."""

    index: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Pending:
    """An action that waits for people; a vote is bound to exactly this."""

    action: Action
    nonce: str
    expires_ms: int
    voted: tuple[str, ...]
    trials: tuple[Mapping[str, Any], ...] = ()
    """What a trial of each step told: {step, undo, objects, status, targets, changes: [{path, from, to}], code?}."""


@dataclass(frozen=True, slots=True)
class Absent:
    """An audience of configured scopes that no executor serves now: what is granted there waits, undos too."""

    audience: str
    scopes: tuple[str, ...]
    since_ms: int
    """As far as the gateway's process knows."""


@dataclass(frozen=True, slots=True)
class Status:
    """The gateway as it stands."""

    switches: tuple[str, ...]
    revision: str
    policy_error: str
    """Why the newest bundle was not accepted; empty when it was."""
    audiences: tuple[str, ...]
    log_size: int
    absent: tuple[Absent, ...] = ()


@dataclass(frozen=True, slots=True)
class DriftEntry:
    """One field of one target that is not as its owner in code says."""

    id: str
    action: str
    step: int
    target: str
    path: str
    before: Any
    """The value that code gives."""
    after: Any
    """The value that stands."""
    manager: str
    name: str
    file: str
    owner: str
    status: str
    """open or closed."""
    how: str
    """How it was closed: reverted, lease_ended, superseded, proposed."""
    by: str
    reference: str
    opened_ms: int
    due_ms: int
    closed_ms: int
    proposal: str
    """The text of a pull request that makes the code say what stands."""
