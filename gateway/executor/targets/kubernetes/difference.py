"""Which fields a change touches: two states of one object compared field by field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.canonical import Json, thaw
from gateway.core.undo import json_equal
from gateway.executor.targets.kubernetes.paths import ABSENT, Element, Path, Value, read, render, text_of
from gateway.executor.targets.kubernetes.schema import (
    FALLBACK_KEY,
    MANAGED_TAINTS,
    MERGE_KEYS,
    PORT_KEYS,
    SERVER_FIELDS,
)

_EMPTY: tuple[Json, ...] = ({}, [])


@dataclass(frozen=True, slots=True)
class Difference:
    """The fields that differ, before and after, by path; None stands for a field that is not set."""

    before: Mapping[str, Json]
    after: Mapping[str, Json]
    made: tuple[str, ...] = ()
    """Objects and lists that were not there before: once empty again, they go too."""
    orders: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Lists whose elements came, went or moved → the elements in their old order."""

    def to_json(self) -> dict[str, Json]:
        """Return the form that stands in a snapshot."""
        return {
            "before": dict(self.before), "after": dict(self.after), "made": list(self.made),
            "orders": {path: list(order) for path, order in self.orders.items()},
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> "Difference":
        """Read the form of `to_json` back; raises KeyError or TypeError."""
        return cls(thaw(value["before"]), thaw(value["after"]), tuple(value["made"]), thaw(value["orders"]))


def difference(before: Json, after: Json, ignored: Sequence[str] = SERVER_FIELDS) -> Difference:
    """Compare two states of an object; `ignored` are paths that do not count, with everything below."""
    found = _Walk(frozenset(read(path) for path in ignored))
    found.walk((), thaw(before), thaw(after))
    return Difference(found.before, found.after, tuple(sorted(found.made, reverse=True)), found.orders)


class _Walk:
    """One comparison and what it has found."""

    def __init__(self, ignored: frozenset[Path]) -> None:
        self._ignored = ignored
        self.before: dict[str, Json] = {}
        self.after: dict[str, Json] = {}
        self.made: list[str] = []
        self.orders: dict[str, list[str]] = {}

    def walk(self, path: Path, old: Value, new: Value) -> None:
        """Note every difference at or below a path."""
        old, new = (ABSENT if value is None else value for value in (old, new))
        if path in self._ignored or _same(old, new):
            return
        if _both(dict, old, new):
            self._members(path, old, new)
        elif _both(list, old, new) and (keys := keys_of(path, old, new)):
            self._elements(path, old, new, keys)
        else:
            self._leaf(path, old, new)

    def _members(self, path: Path, old: Value, new: Value) -> None:
        if old is ABSENT:
            self.made.append(render(path))
        left, right = _members_of(old), _members_of(new)
        for name in sorted(left.keys() | right.keys()):
            self.walk((*path, name), left.get(name), right.get(name))

    def _elements(self, path: Path, old: Value, new: Value, keys: tuple[str, ...]) -> None:
        if old is ABSENT:
            self.made.append(render(path))
        left = {_id(item, keys): item for item in _items(old) if not _is_managed(path, item)}
        right = {_id(item, keys): item for item in _items(new) if not _is_managed(path, item)}
        for name in dict.fromkeys((*left, *right)):
            if name in left and name in right:
                self.walk((*path, name), left[name], right[name])
            else:
                self._leaf((*path, name), left.get(name, ABSENT), right.get(name, ABSENT))
        if list(left) != list(right):
            self.orders[render(path)] = [render((name,)) for name in left]

    def _leaf(self, path: Path, old: Value, new: Value) -> None:
        name = render(path)
        self.before[name] = None if old is ABSENT else old
        self.after[name] = None if new is ABSENT else new


def keys_of(path: Path, old: Value, new: Value) -> tuple[str, ...] | None:
    """Return the members that name the elements of both lists, or None where only the whole list can be compared."""
    member = next((segment for segment in reversed(path) if isinstance(segment, str)), "")
    known = PORT_KEYS if member == "ports" else (MERGE_KEYS.get(member, FALLBACK_KEY),)
    for keys in known:
        for some in (keys, keys[:1]):
            if all(_named(_items(value), some) for value in (old, new)):
                return some
    return None


def _is_managed(path: Path, item: Mapping[str, Json]) -> bool:
    """Tell whether an element is a controller's own, such as the taint of a node that is not ready."""
    return path == ("spec", "taints") and str(item.get("key", "")).startswith(MANAGED_TAINTS)


def _named(items: Sequence[Json], keys: tuple[str, ...]) -> bool:
    """Tell whether the keys name every element, and no two alike."""
    if not all(isinstance(item, Mapping) and all(text_of(item.get(key)) is not None for key in keys) for item in items):
        return False
    return len({_id(item, keys) for item in items}) == len(items)


def _id(item: Mapping[str, Json], keys: tuple[str, ...]) -> Element:
    return Element(tuple((key, str(item[key])) for key in keys))


def _items(value: Value) -> Sequence[Json]:
    return value if isinstance(value, list | tuple) else ()


def _members_of(value: Value) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _both(kind: type, old: Value, new: Value) -> bool:
    """Tell whether both are of a kind or missing, so that what is below can be compared one by one."""
    if not all(value is ABSENT or isinstance(value, kind) for value in (old, new)):
        return False
    return not (ABSENT in (old, new) and any(value in _EMPTY for value in (old, new)))


def _same(old: Value, new: Value) -> bool:
    if old is ABSENT or new is ABSENT:
        return old is new
    return json_equal(old, new)
