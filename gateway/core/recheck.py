"""Verified again after: what the checks say once a change was taken back.

Only what a change could harm is asked again: the checks that must not be worse. A goal that it was to reach is not
expected any more, since everything is as it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from math import isfinite

from gateway.core.check import Check, CheckKind, control_of
from gateway.core.outcome import Sample, worse


class After(StrEnum):
    """What one round of samples says."""

    CLEAN = "clean"
    """Every check has data, and none is worse than its limit or its baseline from before the change."""
    BAD = "bad"
    NO_DATA = "no_data"
    """A check without a value, or with nothing to compare it with; none is known to be bad."""


def asked_again(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks that count after a change was taken back."""
    return tuple(check for check in checks if check.kind is CheckKind.NOT_WORSE)


def recheck(
    checks: Sequence[Check], baseline: Mapping[str, float | None], samples: Iterable[Sample]
) -> tuple[After, dict[str, After]]:
    """Fold the newest sample of each check; returns the whole and where each check stands."""
    newest: dict[str, Sample] = {}
    for sample in sorted(samples, key=lambda s: s.at_ms):
        newest[sample.check] = sample
    each = {
        check.name: _one(check, baseline.get(check.name), _value(check, baseline, newest))
        for check in asked_again(checks)
    }
    for worst in (After.BAD, After.NO_DATA):
        if worst in each.values():
            return worst, each
    return After.CLEAN, each


def _value(check: Check, baseline: Mapping[str, float | None], newest: Mapping[str, Sample]) -> float | None:
    """Return the newest value, without what the peers of a check with a control moved since the baseline."""
    value = newest[check.name].value if check.name in newest else None
    if value is None or not check.control:
        return value
    name = control_of(check.name)
    now, before = newest[name].value if name in newest else None, baseline.get(name)
    return None if now is None or before is None else value - (now - before)


def _one(check: Check, before: float | None, value: float | None) -> After:
    if value is None or not isfinite(value):
        return After.NO_DATA
    before = before if before is not None and isfinite(before) else None
    if before is None and check.limit is None:
        return After.NO_DATA
    return After.BAD if worse(check, before, value) else After.CLEAN
