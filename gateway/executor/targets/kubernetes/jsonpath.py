"""kubectl's JSONPath templates as trees: text, `{.path}`, `{range}…{end}`, filters, slices, unions, `..` and quotes.

The dialect is client-go's (k8s.io/client-go/util/jsonpath) with its quirks: `$` and `@` both are the current value,
and a path that is missing gives nothing. What it has no meaning for is an error.
"""

import re
from dataclasses import dataclass

_TERMINATORS = frozenset(" \t\r\n.,[]$@{}")
_SLICE = re.compile(r"(-?\d*)(?::(-?\d*))?(?::(-?\d*))?")
_FILTER = re.compile(r"([^!<>=]+)([!<>=]+)(.+)")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_OPERATORS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}


class TemplateError(ValueError):
    """The template is not one that kubectl takes, or does not fit the value."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A number or a truth value."""

    value: float | bool


@dataclass(frozen=True, slots=True)
class Field:
    """A member; the empty name is the value itself."""

    name: str


@dataclass(frozen=True, slots=True)
class Wildcard:
    """All members or elements."""


@dataclass(frozen=True, slots=True)
class Recursive:
    """The value and everything below it."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Elements from start to end; a single one when `single`."""

    start: int | None
    end: int | None
    step: int
    single: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """Elements for which left stands to right as the operator says, or for which left is there."""

    left: "Path"
    operator: str
    right: "Path"


@dataclass(frozen=True, slots=True)
class Union:
    """The results of several paths, one after the other."""

    paths: tuple["Path", ...]


@dataclass(frozen=True, slots=True)
class Path:
    """One `{…}`: its parts are applied one after the other."""

    parts: tuple["Part", ...]


@dataclass(frozen=True, slots=True)
class Range:
    """`{range …}` and what stands before its `{end}`."""

    over: Path
    body: tuple["Node", ...]


Part = Text | Literal | Field | Wildcard | Recursive | Slice | Filter | Union
Node = Text | Path | Range


def parse(template: str) -> tuple[Node, ...]:
    """Return the tree of a template. Raises TemplateError."""
    nodes, rest = _nodes(_pieces(template), inside=False)
    if rest:
        raise TemplateError("{end} without {range}")
    return tuple(nodes)


def relaxed(expression: str) -> Path:
    """Return the path of a column or sort key, with or without braces and the leading dot. Raises TemplateError."""
    inner = expression.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1]
    return path(inner if inner.startswith((".", "[", "$", "@")) else f".{inner}")


def _pieces(template: str) -> list[tuple[bool, str]]:
    """Return (is an expression, text) of a template's pieces."""
    found, at = [], 0
    while at < len(template):
        if template[at] != "{":
            end = template.find("{", at)
            end = len(template) if end < 0 else end
            found.append((False, template[at:end]))
            at = end
            continue
        end = _closing(template, at + 1, "}")
        found.append((True, template[at + 1 : end]))
        at = end + 1
    return found


def _closing(text: str, at: int, closer: str) -> int:
    """Return where the closer is that is not inside quotes."""
    quote = ""
    while at < len(text):
        char = text[at]
        if quote:
            if char == "\\":
                at += 1
            elif char == quote:
                quote = ""
        elif char in "'\"":
            quote = char
        elif char == closer:
            return at
        at += 1
    raise TemplateError(f"{closer} is missing")


def _nodes(pieces: list[tuple[bool, str]], *, inside: bool) -> tuple[list[Node], list[tuple[bool, str]]]:
    """Return the nodes up to the `{end}` of this range, and the pieces behind it."""
    nodes: list[Node] = []
    while pieces:
        (expression, text), pieces = pieces[0], pieces[1:]
        word = text.strip()
        if not expression:
            nodes.append(Text(text))
        elif word == "end":
            if not inside:
                return nodes, [(expression, text), *pieces]
            return nodes, pieces
        elif word.startswith(("range ", "range.")):
            body, pieces = _nodes(pieces, inside=True)
            nodes.append(Range(path(word.removeprefix("range")), tuple(body)))
        else:
            nodes.append(path(text))
    if inside:
        raise TemplateError("{range} without {end}")
    return nodes, []


def path(text: str) -> Path:
    """Return the path inside one pair of braces. Raises TemplateError."""
    parts: list[Part] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char in " @$":
            at += 1
        elif char == ".":
            at = _field(text, at + 1, parts)
        elif char == "[":
            end = _bracket(text, at + 1)
            parts.append(_brackets(text[at + 1 : end].strip()))
            at = end + 1
        elif char in "'\"":
            end = _quote_end(text, at)
            parts.append(Text(_unquoted(text[at + 1 : end])))
            at = end + 1
        else:
            at = _word(text, at, parts)
    return Path(tuple(parts))


def _quote_end(text: str, at: int) -> int:
    quote = text[at]
    at += 1
    while at < len(text) and text[at] != quote:
        at += 2 if text[at] == "\\" else 1
    if at >= len(text):
        raise TemplateError("a quote is not closed")
    return at


def _unquoted(text: str) -> str:
    found, at = [], 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            found.append(_ESCAPES.get(text[at + 1], text[at + 1]))
            at += 2
        else:
            found.append(text[at])
            at += 1
    return "".join(found)


def _field(text: str, at: int, parts: list[Part]) -> int:
    if text[at : at + 1] == ".":
        parts.append(Recursive())
        at += 1
    if text[at : at + 1] == "[":
        return at
    start = at
    while at < len(text) and text[at] not in _TERMINATORS:
        at += 2 if text[at] == "\\" else 1
    name = text[start:at]
    parts.append(Wildcard() if name == "*" else Field(name.replace("\\", "")))
    return at


def _word(text: str, at: int, parts: list[Part]) -> int:
    number = _NUMBER.match(text, at)
    if number is not None:
        parts.append(Literal(float(number[0]) if number[1] else int(number[0])))
        return number.end()
    for word, value in (("true", True), ("false", False)):
        if text.startswith(word, at):
            parts.append(Literal(value))
            return at + len(word)
    raise TemplateError(f"unknown word {text[at : at + 16]!r}")


def _bracket(text: str, at: int) -> int:
    """Return where a bracket closes; others may stand inside."""
    depth, quote = 1, ""
    while at < len(text):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            depth += (char == "[") - (char == "]")
            if not depth:
                return at
        at += 1
    raise TemplateError("] is missing")


def _brackets(text: str) -> Part:
    if text == "*":
        return Wildcard()
    if text.startswith("?(") and text.endswith(")"):
        return _filter(text[2:-1])
    parts = _commas(text)
    if len(parts) > 1:
        return Union(tuple(Path((_brackets(part.strip()),)) for part in parts))
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return Field(_unquoted(text[1:-1]))
    found = _SLICE.fullmatch(text)
    if found is None or not text:
        raise TemplateError(f"invalid index [{text[:32]}]")
    start, end, step = (int(each) if each else None for each in found.groups())
    if step is not None and step <= 0:
        raise TemplateError("a step is positive")
    return Slice(start, end, step or 1, ":" not in text)


def _commas(text: str) -> list[str]:
    parts, start, quote = [], 0, ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == ",":
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _filter(text: str) -> Filter:
    found = _FILTER.fullmatch(text)
    if found is None:
        return Filter(path(text), "exists", Path(()))
    if found[2] not in _OPERATORS:
        raise TemplateError(f"unknown operator {found[2][:8]}")
    return Filter(path(found[1]), found[2], path(found[3]))
