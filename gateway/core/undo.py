"""Comparing fields: whether a change was applied, and whether it may be taken back.

Only the fields that a step changes are compared, each for itself: an edit of other fields by somebody else is left
alone, an edit of ours wins. A field that is not set is None on all sides. The change itself, and the fields before
it, are those that the decision rested on; `now` is a fresh read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.canonical import Json, thaw

Fields = Mapping[str, Json]
"""Path → value."""


def fields_of(snapshot: Mapping[str, Json]) -> Fields:
    """Return the fields that a step's snapshot holds: its member `fields`, or, where it has none, all of it."""
    found: Fields = snapshot.get("fields", snapshot)
    return found


class Way(StrEnum):
    """What an undo has to do."""

    RESTORE = "restore"
    """Set back the fields that still hold what we wrote."""
    ALREADY = "already"
    """Nothing: every field holds its old value."""
    CONFLICT = "conflict"
    """Nothing: a field was edited since; it wins, and a human has to look."""


class Probed(StrEnum):
    """What a fresh read tells about a lost attempt."""

    APPLIED = "applied"
    NOT_APPLIED = "not_applied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How an undo goes on; `restore` are the old values to set, `edited` the paths that somebody else changed."""

    way: Way
    restore: Fields
    edited: tuple[str, ...]


def compare(before: Fields, written: Fields, now: Fields) -> Comparison:
    """Compare the fields that were written with a fresh read.

    Raises ValueError when the fields before are not those that were written: the snapshot is of another change.
    """
    _same_paths(before, written)
    old, ours = _equal(before, now), _equal(written, now)
    edited = tuple(sorted(path for path in written if not old[path] and not ours[path]))
    if edited:
        return Comparison(Way.CONFLICT, {}, edited)
    restore = {path: value for path, value in before.items() if not old[path]}
    return Comparison(Way.RESTORE if restore else Way.ALREADY, restore, ())


def probed(before: Fields, written: Fields, now: Fields) -> Probed:
    """Tell whether a lost attempt was applied; half of a change, or another's edit, cannot be told.

    A change that changes nothing counts as applied: there is nothing left to do. Raises ValueError like `compare`.
    """
    _same_paths(before, written)
    if all(_equal(written, now).values()):
        return Probed.APPLIED
    return Probed.NOT_APPLIED if all(_equal(before, now).values()) else Probed.UNKNOWN


def _equal(wanted: Fields, now: Fields) -> dict[str, bool]:
    return {path: json_equal(thaw(value), thaw(now.get(path))) for path, value in wanted.items()}


def json_equal(left: Json, right: Json) -> bool:
    """Compare JSON values: 1 and 1.0 are one number, but neither is true."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(json_equal(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(json_equal, left, right))
    return bool(left == right)


def _same_paths(before: Fields, written: Fields) -> None:
    if not written or before.keys() != written.keys():
        raise ValueError("the snapshot and the change name different fields")
