"""The life of an action as one table (DESIGN §6); nothing else moves a state.

Each row is (state, event, guard) → (next state, records). The guard is the name of a condition that the service has
established, so whoever folds the log later needs no facts: a leaf stores event and guard, and the table says the rest.
`records` are the kinds of leaves that a transition must write, `optional` those it may, and `ANYTIME` those that may
always come along. docs/lifecycle.md is generated from this module.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.core.kinds import LeafKind as K
from gateway.core.states import FINAL, OPEN, Due, Event, Guard, State
from gateway.errors import CountermandError

__all__ = [
    "ANYTIME",
    "FINAL",
    "FIRES",
    "OPEN",
    "ROWS",
    "Due",
    "Event",
    "Guard",
    "LifecycleError",
    "Row",
    "State",
    "advance",
    "timers",
]


class LifecycleError(CountermandError):
    """An event that the table does not allow in this state; a fault of the caller, nothing was written."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; `state` None is an action that does not exist yet."""

    state: State | None
    event: Event
    guard: Guard | None
    next: State
    records: tuple[K, ...] = ()
    optional: tuple[K, ...] = ()


E, G, S = Event, Guard, State


def _rows(
    states: State | Iterable[State | None] | None,
    event: Event,
    guards: Guard | Iterable[Guard] | None,
    to: State | None,
    records: tuple[K, ...] = (),
    optional: tuple[K, ...] = (),
) -> tuple[Row, ...]:
    """Spread one line of the table over its states and guards; `to` None keeps the state."""
    every_state = (states,) if isinstance(states, State) or states is None else tuple(states)
    every_guard = (guards,) if isinstance(guards, Guard) or guards is None else tuple(guards)
    return tuple(
        Row(state, event, guard, _kept(state) if to is None else to, records, optional)
        for state in every_state
        for guard in every_guard
    )


def _kept(state: State | None) -> State:
    if state is None:
        raise ValueError("an action that does not exist has no state to keep")
    return state


_END = (K.OUTCOME, K.RECEIPT)
_BACK = (K.OUTCOME, K.UNDO_INTENT)
_PAGE = (K.NOTIFICATION,)

_PROPOSE = (
    *_rows(None, E.SUBMIT, G.PARSED, S.PROPOSED, (K.PROPOSAL,)),
    *_rows(None, E.SUBMIT, G.NOT_PARSED, S.DENIED, (K.PROPOSAL, K.DECISION)),
    *_rows(State, E.RESUBMIT, (G.SAME_DIGEST, G.OTHER_DIGEST), None),
    *_rows(S.PROPOSED, E.ADMIT, G.DENY, S.DENIED, (K.DECISION,)),
    *_rows(S.PROPOSED, E.ADMIT, G.OBSERVE, None, (K.GRANT,), (K.DECISION,)),
    *_rows(S.PROPOSED, E.DECIDE, G.DENY, S.DENIED, (K.DECISION,), (K.OBSERVATION,)),
    *_rows(S.PROPOSED, E.DECIDE, G.SHADOW, S.SHADOWED, (K.DECISION,), (K.OBSERVATION,)),
    *_rows(S.PROPOSED, E.DECIDE, G.APPROVE, S.AWAITING_APPROVAL, (K.DECISION, K.REQUEST), (K.OBSERVATION,)),
    *_rows(S.PROPOSED, E.DECIDE, G.ALLOW, S.GRANTED, (K.DECISION, K.GRANT), (K.OBSERVATION,)),
    *_rows(S.PROPOSED, E.OBSERVE_DEADLINE, None, S.EXPIRED, (K.EXPIRY,)),
    *_rows(S.SHADOWED, E.ACKNOWLEDGE, (G.WOULD_DO, G.DID_IT, G.WRONG), None, (K.ACKNOWLEDGEMENT,)),
)
_APPROVE = (
    *_rows(S.AWAITING_APPROVAL, E.VOTE, G.COUNTED, None, (K.VOTE,)),
    *_rows(S.AWAITING_APPROVAL, E.VOTE, G.COMPLETES, None, (K.VOTE,), (K.GRANT,)),
    *_rows(S.AWAITING_APPROVAL, E.OBSERVE_DEADLINE, None, None, (K.GRANT,)),
    *_rows(S.AWAITING_APPROVAL, E.QUORUM, G.SAME_STATE, S.GRANTED, (K.DECISION, K.GRANT), (K.VOTE, K.OBSERVATION)),
    *_rows(S.AWAITING_APPROVAL, E.QUORUM, G.CHANGED, None, (K.VOID, K.DECISION, K.REQUEST), (K.VOTE, K.OBSERVATION)),
    *_rows(S.AWAITING_APPROVAL, E.QUORUM, G.CHANGED_TOO_OFTEN, S.EXPIRED, (K.EXPIRY,),
           (K.VOTE, K.OBSERVATION, K.DECISION)),
    *_rows(S.AWAITING_APPROVAL, E.QUORUM, G.BELOW_APPROVE, S.DENIED, (K.DECISION,), (K.VOTE, K.OBSERVATION)),
    *_rows(S.AWAITING_APPROVAL, E.REJECT, None, S.REJECTED, (K.VOTE,)),
    *_rows(S.AWAITING_APPROVAL, E.APPROVAL_TTL, None, S.EXPIRED, (K.EXPIRY,)),
    *_rows((S.AWAITING_APPROVAL, S.GRANTED), E.CANCEL, None, S.CANCELLED, (K.CANCELLATION,)),
)  # fmt: skip
_GRANTED = (
    *_rows(S.GRANTED, E.BEGIN_ATTEMPT, G.HOLDS, S.EXECUTING, (K.ATTEMPT, K.INTENT), (K.GRANT,)),
    *_rows(S.GRANTED, E.BEGIN_ATTEMPT, G.BUSY, None),
    *_rows(S.GRANTED, E.GRANT_EXPIRY, None, S.EXPIRED, (K.EXPIRY,)),
    *_rows(S.GRANTED, E.REVOKE, (G.WITHDRAWN, G.STOPPED, G.FROZEN, G.KEY_REVOKED), S.REVOKED, (K.REVOCATION,)),
    *_rows(S.GRANTED, E.REFUSE, None, S.REFUSED, (K.REFUSAL, K.SECURITY)),
)
_HALTS = (E.ABORT, E.STOP, E.LEASE_END, E.ATTEMPT_DEADLINE)
_WHY_HALTED = (K.ABORT, K.SWITCH, K.LEASE)
_EXECUTE = (
    *_rows(S.EXECUTING, E.STEP_APPLIED, G.MORE, None, (K.OUTCOME, K.INTENT), (K.PROBE,)),
    *_rows(S.EXECUTING, E.STEP_APPLIED, G.LAST_READ, S.SUCCEEDED, _END, (K.PROBE,)),
    *_rows(S.EXECUTING, E.STEP_APPLIED, G.LAST_WRITE, S.VERIFYING, (K.OUTCOME,), (K.PROBE, K.GRANT)),
    *_rows(S.EXECUTING, E.STEP_APPLIED, G.HALT_NO_WRITE, S.NOT_APPLIED, _END, (K.PROBE,)),
    *_rows(S.EXECUTING, E.STEP_APPLIED, G.HALT_UNDO_KNOWN, S.UNDOING, _BACK, (K.PROBE,)),
    *_rows(S.EXECUTING, E.STEP_APPLIED, (G.HALT_UNDO_NONE, G.FROZEN), S.NEEDS_HUMAN, (K.OUTCOME, *_PAGE), (K.PROBE,)),
    *_rows(S.EXECUTING, E.STEP_FAILED, G.READS, S.FAILED, _END, (K.PROBE,)),
    *_rows(S.EXECUTING, E.STEP_FAILED, G.NO_WRITE, S.NOT_APPLIED, _END, (K.PROBE,)),
    *_rows(S.EXECUTING, E.STEP_FAILED, G.UNDO_KNOWN, S.UNDOING, _BACK, (K.PROBE,)),
    *_rows(S.EXECUTING, E.STEP_FAILED, (G.UNDO_NONE, G.FROZEN), S.NEEDS_HUMAN, (K.OUTCOME, *_PAGE), (K.PROBE,)),
    *(
        row
        for event in _HALTS
        for row in (
            *_rows(S.EXECUTING, event, G.NO_WRITE, S.NOT_APPLIED, _END, _WHY_HALTED),
            *_rows(S.EXECUTING, event, G.UNDO_KNOWN, S.UNDOING, _BACK, _WHY_HALTED),
            *_rows(S.EXECUTING, event, G.UNDO_NONE, S.NEEDS_HUMAN, (K.OUTCOME, *_PAGE), _WHY_HALTED),
        )
    ),
    *_rows(S.EXECUTING, E.ABORT, G.IN_FLIGHT, None, (K.ABORT,)),
    *_rows(S.EXECUTING, E.STOP, G.IN_FLIGHT, None, (K.SWITCH,)),
    *_rows(S.EXECUTING, E.LEASE_END, G.IN_FLIGHT, None, (K.LEASE,)),
    *_rows(S.EXECUTING, E.FREEZE, G.NO_WRITE, S.NOT_APPLIED, _END, (K.SWITCH,)),
    *_rows(S.EXECUTING, E.FREEZE, (G.UNDO_KNOWN, G.UNDO_NONE), S.NEEDS_HUMAN, (K.OUTCOME, *_PAGE), (K.SWITCH,)),
    *_rows(S.EXECUTING, E.FREEZE, G.IN_FLIGHT, None, (K.SWITCH,)),
    *_rows(S.EXECUTING, E.EXECUTOR_LOST, None, None, (K.ATTEMPT,), (K.PROBE, K.GRANT)),
    *_rows(S.EXECUTING, E.ATTEMPT_DEADLINE, G.IN_FLIGHT, None, (K.ATTEMPT,), (K.PROBE, K.GRANT)),
    *_rows(S.EXECUTING, E.ATTEMPT_DEADLINE, G.READS, S.FAILED, _END),
    *_rows(S.EXECUTING, E.BEGIN_ATTEMPT, G.HOLDS, None, (K.ATTEMPT, K.INTENT), (K.PROBE,)),
    *_rows(S.EXECUTING, E.PROBED, G.CANNOT_TELL, S.NEEDS_HUMAN, (K.PROBE, K.RECEIPT, *_PAGE)),
    *_rows(S.EXECUTING, E.ATTEMPT_DEADLINE, G.CANNOT_TELL, S.NEEDS_HUMAN, (K.ATTEMPT, K.RECEIPT, *_PAGE)),
)
_VERIFY = (
    *_rows(S.VERIFYING, E.SAMPLE, None, None, (K.SAMPLE,), (K.GRANT,)),
    *_rows(S.VERIFYING, E.VERDICT, G.EFFECTIVE, S.COMMITTED, (K.VERDICT, K.RECEIPT)),
    *_rows(S.VERIFYING, E.VERDICT, G.EFFECTIVE_TTL, S.LEASED, (K.VERDICT, K.RECEIPT, K.LEASE)),
    *_rows(S.VERIFYING, E.VERDICT, (G.HARMED_UNDO_KNOWN, G.INEFFECTIVE_UNDO, G.INCONCLUSIVE_UNDO), S.UNDOING,
           (K.VERDICT, K.UNDO_INTENT)),
    *_rows(S.VERIFYING, E.VERDICT, (G.HARMED_UNDO_NONE, G.INEFFECTIVE_HUMAN, G.INCONCLUSIVE_HUMAN), S.NEEDS_HUMAN,
           (K.VERDICT, *_PAGE)),
    *_rows(S.VERIFYING, E.VERDICT, G.INEFFECTIVE_COMMIT, S.COMMITTED, (K.VERDICT, K.RECEIPT)),
    *_rows(S.VERIFYING, E.VERDICT, G.INEFFECTIVE_LEASE, S.LEASED, (K.VERDICT, K.RECEIPT, K.LEASE)),
    *_rows(S.VERIFYING, E.ABORT, G.UNDO_KNOWN, S.UNDOING, (K.ABORT, K.UNDO_INTENT)),
    *_rows(S.VERIFYING, E.ABORT, G.UNDO_NONE, S.NEEDS_HUMAN, (K.ABORT, *_PAGE)),
    *_rows(S.VERIFYING, E.LEASE_END, G.UNDO_KNOWN, S.UNDOING, (K.LEASE, K.UNDO_INTENT)),
    *_rows(S.VERIFYING, E.LEASE_END, G.UNDO_NONE, S.NEEDS_HUMAN, (K.LEASE, *_PAGE)),
    *_rows(S.VERIFYING, E.CONFLICT, G.EDITED, S.NEEDS_HUMAN, (K.CONFLICT, *_PAGE), (K.SAMPLE,)),
    *_rows(S.VERIFYING, E.FREEZE, None, S.NEEDS_HUMAN, _PAGE, (K.SWITCH,)),
    *_rows(S.VERIFYING, E.KEEP, G.NO_TTL, S.COMMITTED, (K.DECISION, K.VOTE, K.RECEIPT)),
    *_rows(S.VERIFYING, E.KEEP, G.TTL, S.LEASED, (K.DECISION, K.VOTE, K.RECEIPT, K.LEASE)),
    *_rows((S.VERIFYING, S.UNDOING), E.STOP, None, None, (K.SWITCH,)),
)  # fmt: skip
_KEEP = (
    *_rows(S.COMMITTED, E.ROLLBACK, G.ALLOWED, S.UNDOING, (K.DECISION, K.UNDO_INTENT), (K.GRANT,)),
    *_rows(S.COMMITTED, E.ROLLBACK, G.NOT_ALLOWED, None, (K.DECISION,)),
    *_rows(S.LEASED, E.RENEW, G.ALLOWED, None, (K.DECISION, K.LEASE), (K.GRANT,)),
    *_rows(S.LEASED, E.RENEW, G.NOT_ALLOWED, None, (K.DECISION,)),
    *_rows(S.LEASED, E.KEEP, G.ALLOWED, S.COMMITTED, (K.DECISION, K.VOTE, K.RECEIPT), (K.LEASE,)),
    *_rows((S.VERIFYING, S.LEASED), E.KEEP, G.NOT_ALLOWED, None, (K.DECISION,)),
    *_rows(S.LEASED, E.LEASE_END, G.UNDO_KNOWN, S.UNDOING, (K.LEASE, K.UNDO_INTENT)),
    *_rows(S.LEASED, E.LEASE_END, (G.UNDO_NONE, G.FROZEN), S.NEEDS_HUMAN, (K.LEASE, *_PAGE)),
    *_rows(S.LEASED, E.LEASE_END, G.BUSY, None),
    *_rows(S.LEASED, E.RELEASE, G.UNDO_KNOWN, S.UNDOING, (K.LEASE, K.UNDO_INTENT)),
    *_rows(S.LEASED, E.RELEASE, (G.UNDO_NONE, G.FROZEN), S.NEEDS_HUMAN, (K.LEASE, *_PAGE)),
    *_rows((S.COMMITTED, S.LEASED), E.SUPERSEDE, None, S.SUPERSEDED, (K.SUPERSESSION, K.RECEIPT)),
)
_UNDO = (
    *_rows(S.UNDOING, E.BEGIN_ATTEMPT, G.HOLDS, None, (K.ATTEMPT,), (K.UNDO_INTENT, K.GRANT)),
    *_rows(S.UNDOING, E.STEP_UNDONE, G.MORE, None, (K.UNDO_OUTCOME, K.READ_BACK), (K.UNDO_INTENT,)),
    *_rows(S.UNDOING, E.STEP_UNDONE, G.RECHECK, None, (K.UNDO_OUTCOME, K.READ_BACK), (K.GRANT,)),
    *_rows(S.UNDOING, E.SAMPLE, None, None, (K.SAMPLE,), (K.GRANT,)),
    *_rows(S.UNDOING, E.VERDICT, (G.CHECKS_GOOD, G.UNPROVEN), S.UNDONE, (K.VERDICT, K.RECEIPT)),
    *_rows(S.UNDOING, E.UNDO_FAILED, (G.CHECKS_BAD, G.UNPROVEN), S.NEEDS_HUMAN, (K.VERDICT, *_PAGE)),
    *_rows(S.UNDOING, E.STEP_UNDONE, G.LAST, S.UNDONE, (K.UNDO_OUTCOME, K.READ_BACK, K.RECEIPT)),
    *_rows(S.UNDOING, E.UNDO_FAILED, G.TRANSIENT, None, (K.ATTEMPT,), (K.UNDO_OUTCOME,)),
    *_rows(S.UNDOING, E.UNDO_FAILED, G.EDITED, S.NEEDS_HUMAN, (K.CONFLICT, *_PAGE), (K.UNDO_OUTCOME,)),
    *_rows(S.UNDOING, E.UNDO_FAILED, G.IMPOSSIBLE, S.NEEDS_HUMAN, (K.UNDO_OUTCOME, *_PAGE)),
    *_rows(S.UNDOING, E.UNDO_DEADLINE, None, S.NEEDS_HUMAN, (K.EXPIRY, *_PAGE)),
    *_rows(S.UNDOING, E.FREEZE, None, S.NEEDS_HUMAN, _PAGE, (K.SWITCH,)),
    *_rows(S.UNDOING, E.EXECUTOR_LOST, None, None, (K.ATTEMPT,), (K.PROBE, K.GRANT)),
    *_rows(S.NEEDS_HUMAN, E.RESOLVE, (G.KEPT, G.UNDONE_BY_HAND), S.RESOLVED, (K.RESOLUTION, K.RECEIPT)),
    *_rows(S.NEEDS_HUMAN, E.RETRY_UNDO, None, S.UNDOING, (K.UNDO_INTENT,), (K.RESOLUTION, K.GRANT)),
)
_RESTART = _rows(sorted(OPEN), E.RESTART, None, None, (K.RESTART,))

ROWS: tuple[Row, ...] = (*_PROPOSE, *_APPROVE, *_GRANTED, *_EXECUTE, *_VERIFY, *_KEEP, *_UNDO, *_RESTART)
_INDEX: Mapping[tuple[State | None, Event, Guard | None], Row] = MappingProxyType(
    {(row.state, row.event, row.guard): row for row in ROWS}
)
_TIMERS: Mapping[State, frozenset[Due]] = MappingProxyType(
    {
        S.PROPOSED: frozenset({Due.OBSERVE_DEADLINE}),
        S.AWAITING_APPROVAL: frozenset({Due.APPROVAL_TTL}),
        S.GRANTED: frozenset({Due.GRANT_EXPIRY}),
        S.EXECUTING: frozenset({Due.ATTEMPT_DEADLINE}),
        S.VERIFYING: frozenset({Due.VERIFY_DEADLINE}),
        S.LEASED: frozenset({Due.LEASE_END}),
        S.UNDOING: frozenset({Due.UNDO, Due.UNDO_DEADLINE}),
    }
)
FIRES: Mapping[Due, Event] = MappingProxyType(
    {
        Due.OBSERVE_DEADLINE: E.OBSERVE_DEADLINE,
        Due.APPROVAL_TTL: E.APPROVAL_TTL,
        Due.GRANT_EXPIRY: E.GRANT_EXPIRY,
        Due.ATTEMPT_DEADLINE: E.ATTEMPT_DEADLINE,
        Due.VERIFY_DEADLINE: E.VERDICT,
        Due.LEASE_END: E.LEASE_END,
        Due.UNDO: E.BEGIN_ATTEMPT,
        Due.UNDO_DEADLINE: E.UNDO_DEADLINE,
    }
)
"""The event that a timer leads to when nothing else came."""
ANYTIME = frozenset({K.NOTIFICATION, K.REFUSAL, K.SECURITY, K.DRIFT, K.MISHAP})


def advance(state: State | None, event: Event, guard: Guard | None = None) -> Row:
    """Return the row that an event takes; raises LifecycleError when there is none."""
    row = _INDEX.get((state, event, guard))
    if row is None:
        named = f"{event}[{guard}]" if guard else str(event)
        raise LifecycleError("LIFECYCLE_NO_ROW", f"{state or 'a new action'} does not take {named}")
    return row


def timers(state: State) -> frozenset[Due]:
    """Return the timers without which an action in this state could wait for ever."""
    return _TIMERS.get(state, frozenset())
