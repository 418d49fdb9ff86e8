"""Verification: samples after a change, against limits and a baseline from before, fold to one outcome.

harmed        a `not_worse` check was breached by several samples in a row; told at once
effective     at the end of the window every check has data and every goal is reached
ineffective   every check has data, a goal is not reached
inconclusive  anything else: no checks, too few samples, too long a gap, no baseline. No data is never good news.

The window is cut into slots, one per interval. A slot without a value is missing, whatever the reason; downtime of the
gateway is missing too. A value that is not a finite number is no value.

A check with a control compares with untouched peers: what they moved since the baseline is taken off each value of the
same slot before it is judged (difference in differences). A slot without a value of the peers is missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from statistics import median

from gateway.core.check import Check, CheckKind, Direction, control_of
from gateway.core.obligation import Consequence
from gateway.core.states import Guard


class Outcome(StrEnum):
    """What verification found."""

    HARMED = "harmed"
    INEFFECTIVE = "ineffective"
    EFFECTIVE = "effective"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer; value None is a question that was asked and not answered."""

    at_ms: int
    check: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Window:
    """When samples count: from the change on, one expected per interval."""

    started_ms: int
    window_ms: int
    interval_ms: int

    def __post_init__(self) -> None:
        if not 0 < self.interval_ms <= self.window_ms:
            raise ValueError("a window has at least one interval")

    @property
    def end_ms(self) -> int:
        """Return when the window ends."""
        return self.started_ms + self.window_ms

    @property
    def slots(self) -> int:
        """Return how many samples of each check are expected."""
        return self.window_ms // self.interval_ms

    def passed(self, now_ms: int) -> int:
        """Return how many slots are over: a sample taken now belongs to a later one."""
        return min(max((2 * (now_ms - self.started_ms) - self.interval_ms) // (2 * self.interval_ms), 0), self.slots)

    def slot(self, at_ms: int) -> int | None:
        """Return the slot of a sample, rounded to the nearest expected time, or None outside the window."""
        offset = at_ms - self.started_ms
        slot = max((2 * offset + self.interval_ms) // (2 * self.interval_ms) - 1, 0)
        return slot if offset > 0 and slot < self.slots else None


class Standing(StrEnum):
    """Where one check stands."""

    HARMED = "harmed"
    SILENT = "silent"
    """More slots in a row are missing than `errors` allows."""
    NO_BASELINE = "no_baseline"
    TOO_FEW = "too_few"
    GAP = "gap"
    PENDING_HARM = "pending_harm"
    MISSED = "missed"
    REACHED = "reached"


_NO_DATA = frozenset({
    Standing.SILENT, Standing.NO_BASELINE, Standing.TOO_FEW, Standing.GAP, Standing.PENDING_HARM,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome, None while the window is open and nothing was harmed, and where each check stands."""

    outcome: Outcome | None
    standings: Mapping[str, Standing]


def judge(
    checks: Sequence[Check],
    baseline: Mapping[str, float | None],
    samples: Iterable[Sample],
    window: Window,
    now_ms: int,
) -> Judgement:
    """Fold samples into an outcome; samples outside the window and of unknown checks do not count."""
    taken, passed = tuple(samples), window.passed(now_ms)
    each = [
        _standing(c, _number(baseline.get(c.name)), _judged(c, baseline, taken, window), window, passed) for c in checks
    ]
    standings, found = {c.name: standing for c, standing in zip(checks, each, strict=True)}, frozenset(each)
    if Standing.HARMED in found:
        return Judgement(Outcome.HARMED, standings)
    if now_ms < window.end_ms:
        return Judgement(Outcome.INCONCLUSIVE if Standing.SILENT in found else None, standings)
    if not checks or found & _NO_DATA:
        return Judgement(Outcome.INCONCLUSIVE, standings)
    return Judgement(Outcome.INEFFECTIVE if Standing.MISSED in found else Outcome.EFFECTIVE, standings)


def guard_of(
    outcome: Outcome, *, on_ineffective: Consequence, on_inconclusive: Consequence, undoable: bool, leased: bool
) -> Guard:
    """Return the guard of the `verdict` row that an outcome takes; what cannot be undone goes to a human."""
    if outcome is Outcome.HARMED:
        return Guard.HARMED_UNDO_KNOWN if undoable else Guard.HARMED_UNDO_NONE
    if outcome is Outcome.EFFECTIVE:
        return Guard.EFFECTIVE_TTL if leased else Guard.EFFECTIVE
    if outcome is Outcome.INCONCLUSIVE:
        undo = undoable and on_inconclusive is not Consequence.NEEDS_HUMAN
        return Guard.INCONCLUSIVE_UNDO if undo else Guard.INCONCLUSIVE_HUMAN
    if on_ineffective is Consequence.COMMIT_FLAGGED:
        return Guard.INEFFECTIVE_LEASE if leased else Guard.INEFFECTIVE_COMMIT
    return Guard.INEFFECTIVE_UNDO if undoable and on_ineffective is Consequence.UNDO else Guard.INEFFECTIVE_HUMAN


Series = tuple[tuple[int, float], ...]
"""(slot, value) in the order of time."""


def _series(check: str, samples: tuple[Sample, ...], window: Window) -> Series:
    values = sorted((s.at_ms, value) for s in samples if s.check == check and (value := _number(s.value)) is not None)
    return tuple((slot, value) for at_ms, value in values if (slot := window.slot(at_ms)) is not None)


def _judged(check: Check, baseline: Mapping[str, float | None], samples: tuple[Sample, ...], window: Window) -> Series:
    """Return the values to judge: as sampled, or without what the untouched peers moved too."""
    series = _series(check.name, samples, window)
    if not check.control:
        return series
    before = _number(baseline.get(control_of(check.name)))
    if before is None:
        return ()
    moved = {slot: value - before for slot, value in _series(control_of(check.name), samples, window)}
    return tuple((slot, value - moved[slot]) for slot, value in series if slot in moved)


def _number(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def _standing(check: Check, baseline: float | None, series: Series, window: Window, passed: int) -> Standing:
    if baseline is None and check.limit is None:
        return Standing.NO_BASELINE
    values = [value for _, value in series]
    bad = [check.kind is CheckKind.NOT_WORSE and worse(check, baseline, value) for value in values]
    if _longest(bad) >= check.breaches or (check.failures is not None and sum(bad) >= check.failures):
        return Standing.HARMED
    lacking = _lacking(check, {slot for slot, _ in series}, window, passed)
    if lacking is not None:
        return lacking
    if bad[-1]:
        return Standing.PENDING_HARM
    return Standing.REACHED if _reached(check, baseline, values[-check.min_samples :]) else Standing.MISSED


def _lacking(check: Check, present: set[int], window: Window, passed: int) -> Standing | None:
    """Return what data a check lacks, None when it has enough."""
    missing = [slot not in present for slot in range(window.slots)]
    if check.errors is not None and _longest(missing[:passed]) > check.errors:
        return Standing.SILENT
    if len(present) < check.min_samples:
        return Standing.TOO_FEW
    many = check.max_missing is not None and sum(missing) > check.max_missing
    return Standing.GAP if many or _longest(missing) > check.max_gap else None


def _longest(flags: Iterable[bool]) -> int:
    """Return the length of the longest run of true."""
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


def worse(check: Check, baseline: float | None, value: float) -> bool:
    """Tell whether a value is past the limit (unless it was so before) or past the baseline's margin."""
    sign = 1.0 if check.direction is Direction.LOWER else -1.0
    past_limit = check.limit is not None and sign * value > sign * check.limit
    if baseline is None:
        return past_limit
    past_margin = check.margin is not None and sign * (value - baseline) > check.margin * abs(baseline)
    return past_margin or (past_limit and sign * value > sign * baseline)


def _reached(check: Check, baseline: float | None, tail: Sequence[float]) -> bool:
    if check.kind is CheckKind.NOT_WORSE:
        return True
    if check.kind is CheckKind.EQUALS:
        return all(value == check.limit for value in tail)
    sign = 1.0 if check.direction is Direction.LOWER else -1.0
    middle = median(tail)
    if baseline is None or check.limit is not None:
        return check.limit is not None and sign * middle <= sign * check.limit
    gain = sign * (baseline - middle)
    return gain > 0 and gain >= (check.margin or 0.0) * abs(baseline)
