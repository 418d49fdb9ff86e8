"""The vocabulary of an action's life: states, events, guards and timers."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """Where an action is."""

    PROPOSED = "PROPOSED"
    DENIED = "DENIED"
    SHADOWED = "SHADOWED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    GRANTED = "GRANTED"
    REVOKED = "REVOKED"
    REFUSED = "REFUSED"
    EXECUTING = "EXECUTING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    NOT_APPLIED = "NOT_APPLIED"
    VERIFYING = "VERIFYING"
    COMMITTED = "COMMITTED"
    LEASED = "LEASED"
    SUPERSEDED = "SUPERSEDED"
    UNDOING = "UNDOING"
    UNDONE = "UNDONE"
    NEEDS_HUMAN = "NEEDS_HUMAN"
    RESOLVED = "RESOLVED"


OPEN = frozenset(
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
FINAL = frozenset(State) - OPEN
"""COMMITTED stays undoable inside its window; SHADOWED takes acknowledgements."""


class Event(StrEnum):
    """What happened to an action."""

    SUBMIT = "submit"
    RESUBMIT = "resubmit"
    ADMIT = "admit"
    DECIDE = "decide"
    OBSERVE_DEADLINE = "observe_deadline"
    ACKNOWLEDGE = "acknowledge"
    VOTE = "vote"
    QUORUM = "quorum"
    REJECT = "reject"
    APPROVAL_TTL = "approval_ttl"
    CANCEL = "cancel"
    BEGIN_ATTEMPT = "begin_attempt"
    GRANT_EXPIRY = "grant_expiry"
    REVOKE = "revoke"
    REFUSE = "refuse"
    STEP_APPLIED = "step_applied"
    STEP_FAILED = "step_failed"
    ABORT = "abort"
    STOP = "stop"
    FREEZE = "freeze"
    ATTEMPT_DEADLINE = "attempt_deadline"
    EXECUTOR_LOST = "executor_lost"
    PROBED = "probed"
    SAMPLE = "sample"
    VERDICT = "verdict"
    CONFLICT = "conflict"
    KEEP = "keep"
    ROLLBACK = "rollback"
    RENEW = "renew"
    RELEASE = "release"
    LEASE_END = "lease_end"
    SUPERSEDE = "supersede"
    STEP_UNDONE = "step_undone"
    UNDO_FAILED = "undo_failed"
    UNDO_DEADLINE = "undo_deadline"
    RESOLVE = "resolve"
    RETRY_UNDO = "retry_undo"
    RESTART = "restart"


class Guard(StrEnum):
    """The condition under which an event takes a row; `GUARDS` says what each means."""

    PARSED = "parsed"
    NOT_PARSED = "not_parsed"
    SAME_DIGEST = "same_digest"
    OTHER_DIGEST = "other_digest"
    DENY = "deny"
    SHADOW = "shadow"
    APPROVE = "approve"
    ALLOW = "allow"
    OBSERVE = "observe"
    WOULD_DO = "would_do"
    DID_IT = "did_it"
    WRONG = "wrong"
    COUNTED = "counted"
    COMPLETES = "completes"
    SAME_STATE = "same_state"
    CHANGED = "changed"
    CHANGED_TOO_OFTEN = "changed_too_often"
    BELOW_APPROVE = "below_approve"
    HOLDS = "holds"
    BUSY = "busy"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    FROZEN = "frozen"
    KEY_REVOKED = "key_revoked"
    MORE = "more"
    LAST = "last"
    RECHECK = "recheck"
    LAST_READ = "last_read"
    LAST_WRITE = "last_write"
    READS = "reads"
    NO_WRITE = "no_write"
    HALT_NO_WRITE = "halt_no_write"
    HALT_UNDO_KNOWN = "halt_undo_known"
    HALT_UNDO_NONE = "halt_undo_none"
    UNDO_KNOWN = "undo_known"
    UNDO_NONE = "undo_none"
    IN_FLIGHT = "in_flight"
    CANNOT_TELL = "cannot_tell"
    EFFECTIVE = "effective"
    EFFECTIVE_TTL = "effective_ttl"
    HARMED_UNDO_KNOWN = "harmed_undo_known"
    HARMED_UNDO_NONE = "harmed_undo_none"
    INEFFECTIVE_UNDO = "ineffective_undo"
    INEFFECTIVE_HUMAN = "ineffective_human"
    INEFFECTIVE_COMMIT = "ineffective_commit"
    INEFFECTIVE_LEASE = "ineffective_lease"
    INCONCLUSIVE_UNDO = "inconclusive_undo"
    INCONCLUSIVE_HUMAN = "inconclusive_human"
    NO_TTL = "no_ttl"
    TTL = "ttl"
    ALLOWED = "allowed"
    NOT_ALLOWED = "not_allowed"
    TRANSIENT = "transient"
    IMPOSSIBLE = "impossible"
    EDITED = "edited"
    CHECKS_GOOD = "checks_good"
    CHECKS_BAD = "checks_bad"
    UNPROVEN = "unproven"
    KEPT = "kept"
    UNDONE_BY_HAND = "undone_by_hand"


GUARDS: Mapping[Guard, str] = MappingProxyType(
    {
        Guard.PARSED: "every step was understood",
        Guard.NOT_PARSED: "the proposal was refused by the parser or a cap",
        Guard.SAME_DIGEST: "same caller, request_id and digest: the first answer again",
        Guard.OTHER_DIGEST: "same caller and request_id, another digest: an error",
        Guard.DENY: "decided deny",
        Guard.SHADOW: "decided shadow",
        Guard.APPROVE: "decided approve",
        Guard.ALLOW: "decided allow",
        Guard.OBSERVE: "not denied, and more than a plain read: an observe grant is issued",
        Guard.WOULD_DO: "a human would do the same",
        Guard.DID_IT: "a human did it",
        Guard.WRONG: "a human says it is wrong",
        Guard.COUNTED: "eligible, distinct, bound to the digests shown; no quorum yet",
        Guard.COMPLETES: "the vote that makes the quorum: observed and decided again",
        Guard.SAME_STATE: "same state_digest, decided again approve or allow, requirement met",
        Guard.CHANGED: "state_digest or requirement changed, at most 3 times",
        Guard.CHANGED_TOO_OFTEN: "changed more than 3 times",
        Guard.BELOW_APPROVE: "decided again deny or shadow",
        Guard.HOLDS: "all checks of BeginAttempt hold",
        Guard.BUSY: "another action holds the target; the answer names it",
        Guard.WITHDRAWN: "the policy revision was withdrawn",
        Guard.STOPPED: "a stop covers it",
        Guard.FROZEN: "a freeze covers it",
        Guard.KEY_REVOKED: "the signing key was revoked",
        Guard.MORE: "more steps to come; no abort, stop or freeze",
        Guard.LAST: "the last step; no check is to be asked again",
        Guard.RECHECK: "the last step; the checks are sampled again",
        Guard.LAST_READ: "the last step of a plan that only reads",
        Guard.LAST_WRITE: "the last step of a plan that writes",
        Guard.READS: "the plan only reads",
        Guard.NO_WRITE: "the plan writes, none applied, none in flight",
        Guard.HALT_NO_WRITE: "abort, stop, freeze, lease end or deadline before any write",
        Guard.HALT_UNDO_KNOWN: "abort, stop, lease end or deadline after a write that can be undone",
        Guard.HALT_UNDO_NONE: "abort, stop, lease end or deadline after a write that cannot be undone",
        Guard.UNDO_KNOWN: "a write was applied and can be undone",
        Guard.UNDO_NONE: "a write was applied and cannot be undone",
        Guard.IN_FLIGHT: "a step is in flight; takes effect when its outcome is known",
        Guard.CANNOT_TELL: "it cannot be told whether the step was applied",
        Guard.EFFECTIVE: "effective, no ttl",
        Guard.EFFECTIVE_TTL: "effective, a ttl was given",
        Guard.HARMED_UNDO_KNOWN: "harmed, can be undone",
        Guard.HARMED_UNDO_NONE: "harmed, cannot be undone",
        Guard.INEFFECTIVE_UNDO: "ineffective, the profile says undo",
        Guard.INEFFECTIVE_HUMAN: "ineffective, the profile says needs_human or undo is none",
        Guard.INEFFECTIVE_COMMIT: "ineffective, the profile says commit_flagged, no ttl",
        Guard.INEFFECTIVE_LEASE: "ineffective, the profile says commit_flagged, a ttl was given",
        Guard.INCONCLUSIVE_UNDO: "inconclusive, the profile says undo",
        Guard.INCONCLUSIVE_HUMAN: "inconclusive, the profile says needs_human or undo is none",
        Guard.NO_TTL: "no ttl was given",
        Guard.TTL: "a ttl was given",
        Guard.ALLOWED: "decided, within the limits",
        Guard.NOT_ALLOWED: "decided otherwise",
        Guard.TRANSIENT: "a transient error before the undo deadline",
        Guard.IMPOSSIBLE: "the target refuses the undo",
        Guard.EDITED: "our fields were edited by another; nothing is overwritten",
        Guard.CHECKS_GOOD: "taken back, and no check is worse than before the change",
        Guard.CHECKS_BAD: "taken back, yet the checks are still bad at the end of the window",
        Guard.UNPROVEN: "taken back, and there is no data: UNDONE where the profile says undo, else people are asked",
        Guard.KEPT: "a human keeps the change",
        Guard.UNDONE_BY_HAND: "a human took it back",
    }
)


class Due(StrEnum):
    """The kinds of timers."""

    OBSERVE_DEADLINE = "observe_deadline"
    APPROVAL_TTL = "approval_ttl"
    GRANT_EXPIRY = "grant_expiry"
    DISPATCH = "dispatch"
    ATTEMPT_DEADLINE = "attempt_deadline"
    PROBE = "probe"
    SAMPLE = "sample"
    VERIFY_DEADLINE = "verify_deadline"
    LEASE_END = "lease_end"
    UNDO = "undo"
    UNDO_DEADLINE = "undo_deadline"
    UNDO_WINDOW = "undo_window"
    """Sealed snapshots of a committed action may be deleted."""
    DRIFT = "drift"
    """A change outside its owner in code is due to be closed."""
    NOTIFY = "notify"
