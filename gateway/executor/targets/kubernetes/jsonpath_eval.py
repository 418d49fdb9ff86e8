"""Values of JSONPath templates, printed as kubectl prints them; the work is bounded."""

import json
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gateway.core.canonical import Json
from gateway.executor.targets.kubernetes.jsonpath import (
    Field,
    Filter,
    Literal,
    Node,
    Part,
    Path,
    Range,
    Recursive,
    Slice,
    TemplateError,
    Text,
    Union,
    Wildcard,
)

MAX_VALUES = 500_000
"""More than this one template does not touch."""
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class Evaluation:
    """One run of a template over one document."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def text(self, nodes: Sequence[Node], value: Json) -> str:
        """Return what a template prints for a value. Raises TemplateError."""
        return "".join(self._printed(nodes, value))

    def values(self, path: Path, value: Json) -> list[Json]:
        """Return what a path finds in a value. Raises TemplateError."""
        found = [value]
        for part in path.parts:
            found = self._apply(part, found)
            self._left -= len(found) + 1
            if self._left < 0:
                raise TemplateError(f"the expression touches more than {MAX_VALUES} values")
        return found

    def _printed(self, nodes: Sequence[Node], value: Json) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, Text):
                yield node.text
            elif isinstance(node, Range):
                for each in self.values(node.over, value):
                    yield from self._printed(node.body, each)
            else:
                yield " ".join(shown(each) for each in self.values(node, value))

    def _apply(self, part: Part, values: list[Json]) -> list[Json]:
        found: list[Json]
        match part:
            case Text(text):
                found = [text]
            case Literal(value):
                found = [value]
            case Field(""):
                found = values
            case Field(name):
                found = [each[name] for each in values if isinstance(each, Mapping) and name in each]
            case Wildcard():
                found = [below for each in values for below in _below(each)]
            case Recursive():
                found = [item for each in values for item in self._recursive(each)]
            case Slice():
                found = [item for each in values if each is not None for item in _sliced(part, each)]
            case Filter():
                found = [item for each in values if each is not None for item in self._filtered(part, each)]
            case Union(paths):
                found = [item for path in paths for each in values for item in self.values(path, each)]
        return found

    def _recursive(self, value: Json) -> Iterator[Json]:
        below = _below(value)
        if below:
            self._left -= len(below)
            yield value
            for each in below:
                yield from self._recursive(each)

    def _filtered(self, part: Filter, value: Json) -> Iterator[Json]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise TemplateError("a filter applies to lists only")
        for each in value:
            left = self.values(part.left, each)
            if part.operator == "exists":
                if left:
                    yield each
                continue
            right = self.values(part.right, each)
            if len(left) > 1 or len(right) > 1:
                raise TemplateError("a filter compares one value with one value")
            if left and right and _compared(part.operator, left[0], right[0]):
                yield each


def shown(value: Json) -> str:
    """Return a value as kubectl's jsonpath output shows it."""
    if value is None:
        return "null"
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return sprint(value)


def sprint(value: Json) -> str:
    """Return a value as Go's fmt.Sprint shows it: `map[a:b]`, `[a b]`, `<nil>`."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{name}:{sprint(value[name])}" for name in sorted(value)) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(sprint, value)) + "]"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    return str(value)


def _below(value: Json) -> list[Json]:
    if isinstance(value, Mapping):
        return [value[name] for name in sorted(value)]
    return list(value) if isinstance(value, list | tuple) else []


def _sliced(part: Slice, value: Json) -> Sequence[Json]:
    if not isinstance(value, list | tuple):
        raise TemplateError("an index applies to lists only")
    size = len(value)
    start = part.start or 0
    start += size if start < 0 else 0
    if part.single:
        if not 0 <= start < size:
            raise TemplateError(f"array index out of bounds: index {start}, length {size}")
        return [value[start]]
    end = size if part.end is None else part.end + (size if part.end < 0 else 0)
    if start == end:
        return []
    if not 0 <= start < size or not start <= end <= size:
        raise TemplateError(f"array index out of bounds: {start}:{end}, length {size}")
    return value[start : end : part.step]


def _compared(name: str, left: Json, right: Json) -> bool:
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (left, right))
    if not numbers and type(left) is not type(right):
        raise TemplateError("a filter compares values of different types")
    try:
        return _COMPARE[name](left, right)
    except TypeError as exc:
        raise TemplateError("a filter compares values that have no order") from exc
