"""What the log tells of timers: which there must be, and when those fire that a leaf or the state row names a time for.

The length of the gateway's own deadlines is in the leaf of its start; before the first such leaf they are not told.
Offers of work (dispatch, probe, sample, undo) have no time of their own: they may not lie further ahead than the
gateway ever sets them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.auditfold import ActionFold, StoredRow, Violation
from gateway.core.canonical import Json
from gateway.core.events import Leaf
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import FINAL, timers
from gateway.core.states import Due, Event, Guard, State
from gateway.core.timers import fits

TIMING = ("observe_ms", "attempt_ms", "attempt_margin_ms", "undo_deadline_ms", "keep_ms")
"""Members of `timing` in the leaf of a start: the lengths of deadlines that no other leaf tells."""
_DUE = frozenset(Due)
_RETRY_MS = 60_000
"""How far ahead what did not succeed is tried again, and how long a claim may hide a timer."""
_PACE_MS = 3_600_000
"""How far ahead the next offer of work may lie."""
_OFFERS = frozenset({Due.DISPATCH, Due.PROBE, Due.UNDO})
_RETRIED = frozenset({Due.LEASE_END, Due.VERIFY_DEADLINE})
"""Timers that are set again a moment later while they cannot do what they are for."""
_MAX_TRIES = 99


@dataclass(frozen=True, slots=True)
class StoredTimer:
    """A timer as it is stored."""

    action: str
    kind: str
    at_ms: int
    payload: str = ""
    claimed_until_ms: int = 0


@dataclass(slots=True)
class TimerFold:
    """The timers as the log tells them, grown leaf by leaf."""

    fires: dict[tuple[str, str], int] = field(default_factory=dict)
    """(action, kind) → when it fires, as the last leaf about it said."""
    between: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Action → the earliest and the latest end that its attempt may have."""
    timing: Mapping[str, int] = field(default_factory=dict)
    at_ms: int = 0

    def take(self, leaf: Leaf) -> None:
        """Take one leaf, in order."""
        self.at_ms = leaf.at_ms
        if leaf.kind is K.RESTART and not leaf.action:
            self.timing = _timing(leaf.body.get("timing"))
        if not leaf.action:
            return
        self._named(leaf)
        if leaf.event is not None and self.timing:
            self._moved(leaf, leaf.event)

    def _named(self, leaf: Leaf) -> None:
        """Take the times that a leaf names itself."""
        kind, name = _NAMED.get(leaf.kind, ("", ""))
        at_ms = leaf.body.get(name)
        if isinstance(at_ms, int):
            self.fires[leaf.action, kind] = at_ms

    def _moved(self, leaf: Leaf, event: Event) -> None:
        """Take the deadlines that a transition sets, as long as the start said they are."""
        action, at_ms, length = leaf.action, leaf.at_ms, self.timing
        if event is Event.SUBMIT:
            self.fires[action, Due.OBSERVE_DEADLINE] = _time(leaf.body, "created_ms", at_ms) + length["observe_ms"]
        elif event is Event.OBSERVE_DEADLINE or (event is Event.VOTE and leaf.guard is Guard.COMPLETES):
            self.fires[action, Due.OBSERVE_DEADLINE] = _time(leaf.body, "at_ms", at_ms) + length["observe_ms"]
        if leaf.state_after is State.EXECUTING:
            first, last = (at_ms, 0) if event is Event.BEGIN_ATTEMPT else self.between.get(action, (0, 0))
            # A start with shorter deadlines leaves those that are set as they are.
            last = max(last, at_ms + length["attempt_ms"] + length["attempt_margin_ms"])
            self.between[action] = (first, last)
        if leaf.state_after is State.UNDOING and leaf.state_before is not State.UNDOING:
            self.fires[action, Due.UNDO_DEADLINE] = at_ms + length["undo_deadline_ms"]
        if leaf.state_after in FINAL:
            self.fires[action, Due.UNDO_WINDOW] = at_ms + length["keep_ms"]


_NAMED: Mapping[K, tuple[str, str]] = {
    K.GRANT: (Due.GRANT_EXPIRY, "expires_ms"),
    K.REQUEST: (Due.APPROVAL_TTL, "expires_ms"),
    K.OUTCOME: (Due.VERIFY_DEADLINE, "deadline_ms"),
    K.UNDO_OUTCOME: (Due.UNDO_DEADLINE, "deadline_ms"),
    K.DRIFT: (Due.DRIFT, "due_ms"),
}


def compare_timers(
    told: TimerFold, actions: Mapping[str, ActionFold], rows: Mapping[str, StoredRow], stored: Sequence[StoredTimer],
    now_ms: int | None,
) -> Iterator[Violation]:  # fmt: skip
    """Yield every timer that is not as the log tells; `now_ms`, if told, bounds what was set since the last leaf.

    The times of a state row count where the row is the one that the log tells.
    """
    have: dict[str, set[str]] = {}
    rows = {name: row for name, row in rows.items() if name in actions and row.digest == actions[name].row}
    for timer in stored:
        name, kind = timer.action, timer.kind
        action = actions.get(name)
        if action is None or kind not in _DUE or not fits(kind, action.state) or not _payload_fits(timer):
            yield Violation(-1, name, "TIMER_UNKNOWN", f"a timer {kind} means nothing for it")
            continue
        have.setdefault(name, set()).add(kind)
        moved = _moved(told, timer, rows.get(name), now_ms)
        if moved:
            yield Violation(-1, name, "TIMER_MOVED", f"the timer {kind} fires at {timer.at_ms}, {moved}")
    until_ms = max(told.at_ms, now_ms or 0)
    for name, action in actions.items():
        for kind in sorted(_needed(told, name, action, rows.get(name), until_ms) - have.get(name, set())):
            if kind != Due.ATTEMPT_DEADLINE or Due.PROBE not in have.get(name, ()):
                yield Violation(-1, name, "TIMER_MISSING", f"{action.state} has no timer {kind}")


def _moved(told: TimerFold, timer: StoredTimer, row: StoredRow | None, now_ms: int | None) -> str:
    """Return what is wrong with the time of a timer; empty when nothing is."""
    now = max(told.at_ms, now_ms or 0)
    if now_ms is not None and timer.claimed_until_ms > now + _RETRY_MS:
        return f"and is hidden until {timer.claimed_until_ms}"
    if timer.kind == Due.ATTEMPT_DEADLINE:
        first, last = told.between.get(timer.action, (0, timer.at_ms))
        return "" if first <= timer.at_ms <= last else f"its attempt ends between {first} and {last}"
    if timer.kind in _OFFERS or timer.kind == Due.SAMPLE:
        bound = max(now + _PACE_MS, told.fires.get((timer.action, Due.VERIFY_DEADLINE), 0) * (timer.kind == Due.SAMPLE))
        return f"which is no pace of work, at {now}" if now_ms is not None and timer.at_ms > bound else ""
    if timer.kind == Due.LEASE_END and row is not None and not row.lease_end_ms:
        return "and there is no lease"
    fires = _fires(told, timer.action, timer.kind, row)
    late = timer.kind in _RETRIED and fires is not None and fires < timer.at_ms and (
        timer.at_ms - fires <= _RETRY_MS or (fires <= told.at_ms and now_ms is None) or
        (now_ms is not None and timer.at_ms <= now + _RETRY_MS)
    )  # fmt: skip
    return "" if fires in {None, timer.at_ms} or late else f"recorded was {fires}"


def _fires(told: TimerFold, name: str, kind: str, row: StoredRow | None) -> int | None:
    """Return when a timer fires as the log says; a state row is as good as its leaf, which holds its digest."""
    fires = told.fires.get((name, kind))
    if kind == Due.LEASE_END:
        return None if row is None else row.lease_end_ms
    if kind == Due.UNDO_WINDOW:
        return None if row is None or fires is None else max(fires, row.undo_until_ms)
    return fires


def _needed(told: TimerFold, name: str, action: ActionFold, row: StoredRow | None, now_ms: int) -> set[str]:
    """Return the timers that an action must have: of its state, of its lease, and of what is still to come."""
    needed: set[str] = {*timers(action.state)}
    if action.state is State.VERIFYING and row is not None and row.lease_end_ms:
        needed.add(Due.LEASE_END)
    for kind in (Due.UNDO_WINDOW, Due.DRIFT):
        if fits(kind, action.state) and (_fires(told, name, kind, row) or 0) > now_ms:
            needed.add(kind)
    return needed


def _payload_fits(timer: StoredTimer) -> bool:
    """Tell whether a payload is what the gateway writes: how often a probe was tried, and nothing else."""
    text = timer.payload
    tries = timer.kind == Due.PROBE and text.isascii() and text.isdigit() and int(text[:3]) <= _MAX_TRIES
    return text == "" or tries


def _timing(value: Json) -> Mapping[str, int]:
    known = value if isinstance(value, Mapping) else {}
    found = {name: known[name] for name in TIMING if isinstance(known.get(name), int)}
    return found if len(found) == len(TIMING) else {}


def _time(body: Mapping[str, Json], name: str, otherwise: int) -> int:
    value = body.get(name)
    return value if isinstance(value, int) else otherwise
