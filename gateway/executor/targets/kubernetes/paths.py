"""Paths into Kubernetes objects that stay right when a list is edited: elements are named by their merge key.

`/spec/template/spec/containers[name=web]/image` is the image of the container `web`, wherever it stands in the list. In
a member name `~`, `/`, `[`, `]`, `,` and `=` are written `~0` to `~5` (the first two as in a JSON pointer).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core.canonical import Json

_ESCAPES = (("~", "~0"), ("/", "~1"), ("[", "~2"), ("]", "~3"), (",", "~4"), ("=", "~5"))
_PART = re.compile(r"(?P<name>[^\[\]/]*)(?:\[(?P<keys>[^\[\]/]*)\])?")


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a list, by the text of the members that identify it."""

    keys: tuple[tuple[str, str], ...]

    def names(self, item: Json) -> bool:
        """Tell whether this is the element."""
        return isinstance(item, Mapping) and all(text_of(item.get(name)) == value for name, value in self.keys)


Segment = str | Element
Path = tuple[Segment, ...]


class Absent:
    """The value of a member that is not there; there is one instance."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
Value = Json | Absent


def text_of(key: Json) -> str | None:
    """Return the text of a value that can identify an element, else None."""
    return str(key) if isinstance(key, str | int) and not isinstance(key, bool) else None


def render(path: Path) -> str:
    """Return a path as text; the empty path is the whole object."""
    parts: list[str] = []
    for segment in path:
        if isinstance(segment, Element):
            keys = ",".join(f"{_escape(name)}={_escape(value)}" for name, value in segment.keys)
            parts.append(f"[{keys}]")
        else:
            parts.append("/" + _escape(segment))
    return "".join(parts)


def read(text: str) -> Path:
    """Read the text of a path back; raises ValueError."""
    path: list[Segment] = []
    for i, part in enumerate(text.split("/")):
        match = _PART.fullmatch(part)
        if match is None or (i == 0 and match["name"]):
            raise ValueError(f"not a path: {text!r}")
        if i:
            path.append(_unescape(match["name"]))
        if match["keys"] is not None:
            pairs = [pair.partition("=") for pair in match["keys"].split(",")]
            path.append(Element(tuple((_unescape(name), _unescape(value)) for name, _, value in pairs)))
    return tuple(path)


def find(document: Json, path: Path) -> Value:
    """Return the value at a path, or ABSENT; null counts as absent, as it does to the API server."""
    for segment in path:
        document = _below(document, segment)
        if document is ABSENT:
            return ABSENT
    return document


def broken(document: Json, path: Path) -> bool:
    """Tell whether a list element on the way to a path is missing: the field could not be set there."""
    return any(
        isinstance(segment, Element) and find(document, path[: i + 1]) is ABSENT for i, segment in enumerate(path[:-1])
    )


def position(items: Sequence[Json], element: Element) -> int | None:
    """Return the index of an element, or None."""
    return next((i for i, item in enumerate(items) if element.names(item)), None)


def pointer(segments: Sequence[str | int]) -> str:
    """Return an RFC 6901 pointer."""
    return "".join("/" + str(each).replace("~", "~0").replace("/", "~1") for each in segments)


def _below(document: Json, segment: Segment) -> Value:
    if isinstance(segment, Element):
        if not isinstance(document, list | tuple):
            return ABSENT
        at = position(document, segment)
        return ABSENT if at is None else document[at]
    value = document.get(segment) if isinstance(document, Mapping) else None
    return ABSENT if value is None else value


def _escape(text: str) -> str:
    for char, escaped in _ESCAPES:
        text = text.replace(char, escaped)
    return text


def _unescape(text: str) -> str:
    for char, escaped in reversed(_ESCAPES):
        text = text.replace(escaped, char)
    return text
