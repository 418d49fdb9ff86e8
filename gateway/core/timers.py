"""Which timers make sense in which state; whatever else is still armed is left over from before."""

from collections.abc import Mapping

from gateway.core.states import FINAL, Due, State

_FIT: Mapping[State, frozenset[str]] = {
    State.PROPOSED: frozenset({Due.OBSERVE_DEADLINE, Due.DISPATCH}),
    State.AWAITING_APPROVAL: frozenset({Due.APPROVAL_TTL, Due.OBSERVE_DEADLINE, Due.DISPATCH}),
    State.GRANTED: frozenset({Due.GRANT_EXPIRY, Due.DISPATCH}),
    State.EXECUTING: frozenset({Due.ATTEMPT_DEADLINE, Due.PROBE, Due.DISPATCH, Due.LEASE_END, Due.DRIFT}),
    State.VERIFYING: frozenset({Due.SAMPLE, Due.VERIFY_DEADLINE, Due.LEASE_END, Due.DRIFT}),
    State.LEASED: frozenset({Due.LEASE_END, Due.DRIFT}),
    State.UNDOING: frozenset({Due.UNDO, Due.UNDO_DEADLINE, Due.DRIFT}),
    State.NEEDS_HUMAN: frozenset({Due.DRIFT}),
}
_AFTER = frozenset({Due.UNDO_WINDOW, Due.DRIFT})


def fits(kind: str, state: State) -> bool:
    """Tell whether a timer of this kind means anything in a state."""
    return kind in (_AFTER if state in FINAL else _FIT[state])
