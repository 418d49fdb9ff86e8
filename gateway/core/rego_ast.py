"""Read regorus' syntax tree of one Rego file: what it defines, refers to, calls and declares."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.core.bundle_merge import Source
from gateway.core.canonical import Json

_PATTERNS = ("Array", "Object", "Set", "Var")


@dataclass(frozen=True, slots=True)
class Reference:
    """A dotted path as far as it is literal; `dynamic` when a variable follows it."""

    path: str
    line: int
    dynamic: bool = False
    call: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """One rule or function body set, as written in one place."""

    name: str
    """Fully qualified without `data.`: `countermand.lib.fact.sole`."""
    kind: str
    """`set` (contains), `function`, `value` or `default`."""
    line: int
    node: Json


@dataclass(frozen=True, slots=True)
class Unit:
    """One file with its tree."""

    source: Source
    definitions: tuple[Definition, ...]
    text: bytes

    @property
    def package(self) -> str:
        """Return the package without `data.`."""
        return self.source.package

    def local(self, definition: Definition) -> str:
        """Return the name of a definition inside its package."""
        return definition.name.removeprefix(self.package + ".")


def read_unit(source: Source, text: str, tree: Json) -> Unit:
    """Read the tree of one file; `tree` is the `ast` member of regorus' answer."""
    definitions = tuple(_definition(source.package, rule) for rule in tree["rules"])
    return Unit(source, definitions, text.encode())


def references(unit: Unit, node: Json) -> Iterator[Reference]:
    """Yield every name that a node refers to, import aliases resolved, the longest literal path only."""
    for kind, value in _nodes(node):
        if kind == "Call":
            yield _resolved(unit, _reference(value["fcn"], call=True))
        elif kind in {"RefDot", "RefBrack", "Var"}:
            yield _resolved(unit, _reference({kind: value}))


def declared(unit: Unit, node: Json) -> Iterator[tuple[str, int]]:
    """Yield (name, line) of every local variable that a node declares."""
    for kind, value in _all(node):
        if kind == "SomeVars":
            yield from (_at(unit, span) for span in value["vars"])
        elif kind == "SomeIn":
            for part in (value["key"], value["value"]):
                yield from _pattern(part)
        elif kind == "Every":
            yield from (_at(unit, value[part]) for part in ("key", "value") if value[part] is not None)
        elif kind == "AssignExpr" and value["op"] == "ColEq":
            yield from _pattern(value["lhs"])
        elif kind == "Func":
            for argument in value["args"]:
                yield from _pattern(argument)


def occurrences(node: Json, *kinds: str) -> Iterator[Json]:
    """Yield the value of every node of some kinds, wherever it is."""
    return (value for found, value in _all(node) if found in kinds)


def uses_with(node: Json) -> int | None:
    """Return the line of the first `with`, or None."""
    return min((used[0]["span"]["line"] for used in occurrences(node, "with_mods") if used), default=None)


def literal_members(node: Json) -> dict[str, str | None] | None:
    """Return the members of an object literal: key → its text when it is a string literal, else None."""
    if not isinstance(node, Mapping) or "Object" not in node:
        return None
    members: dict[str, str | None] = {}
    for _, key, value in ((None, *field[-2:]) for field in node["Object"]["fields"]):
        if "String" not in key:
            return None
        members[key["String"]["value"]] = value["String"]["value"] if "String" in value else None
    return members


def _definition(package: str, rule: Mapping[str, Json]) -> Definition:
    ((form, body),) = rule.items()
    if form == "Default":
        reference = _reference(body["refr"])
        return Definition(f"{package}.{reference.path}", "default", reference.line, body)
    ((head_kind, head),) = body["head"].items()
    reference = _reference(head["refr"])
    kind = {"Set": "set", "Func": "function"}.get(head_kind, "value")
    return Definition(f"{package}.{reference.path}", kind, reference.line, body)


def _reference(node: Json, *, call: bool = False) -> Reference:
    ((kind, value),) = node.items()
    if kind == "Var":
        return Reference(value["value"], value["span"]["line"], call=call)
    if kind == "RefDot":
        inner = _reference(value["refr"], call=call)
        name = value["field"][1] if isinstance(value["field"], list) else ""
        return inner if inner.dynamic else Reference(f"{inner.path}.{name}", inner.line, call=call)
    if kind == "RefBrack":
        inner = _reference(value["refr"], call=call)
        index = value["index"].get("String")
        if inner.dynamic or index is None:
            return Reference(inner.path, inner.line, dynamic=True, call=call)
        return Reference(f"{inner.path}.{index['value']}", inner.line, call=call)
    return Reference("", _line(value), dynamic=True, call=call)


def _resolved(unit: Unit, reference: Reference) -> Reference:
    """Resolve an import alias; a plain name of the file stays as it is."""
    first, dot, rest = reference.path.partition(".")
    target = unit.source.imports.get(first)
    path = reference.path if target is None else target + dot + rest
    return Reference(path, reference.line, reference.dynamic, reference.call)


def _nodes(node: Json) -> Iterator[tuple[str, Json]]:
    """Yield calls and references; inside a reference only its indexes, inside a call only its arguments."""
    if isinstance(node, list):
        for item in node:
            yield from _nodes(item)
        return
    if not isinstance(node, Mapping):
        return
    for kind, value in node.items():
        if kind == "Call":
            yield kind, value
            yield from _nodes(value["params"])
        elif kind in {"RefDot", "RefBrack"}:
            yield kind, value
            yield from _indexes(value)
        elif kind == "Var":
            yield kind, value
        else:
            yield from _nodes(value)


def _indexes(value: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    if "index" in value:
        yield from _nodes(value["index"])
    ((kind, inner),) = value["refr"].items()
    if kind in {"RefDot", "RefBrack"}:
        yield from _indexes(inner)
    elif kind != "Var":
        yield from _nodes(value["refr"])


def _all(node: Json) -> Iterator[tuple[str, Json]]:
    """Yield every (kind, value) below a node, in no particular order; spans hold nothing and are left out."""
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            for kind, value in current.items():
                if kind != "span" and isinstance(value, (dict, list)):
                    yield kind, value
                    pending.append(value)
        elif isinstance(current, list):
            pending.extend(current)


def _pattern(node: Json) -> Iterator[tuple[str, int]]:
    """Yield the variables of a pattern on the left of an assignment, a `some … in` or an argument."""
    if not isinstance(node, Mapping):
        return
    for kind in _PATTERNS:
        if kind not in node:
            continue
        value = node[kind]
        if kind == "Var":
            yield value["value"], value["span"]["line"]
        elif kind == "Object":
            for field in value["fields"]:
                yield from _pattern(field[-1])
        else:
            for item in value["items"]:
                yield from _pattern(item)


def _at(unit: Unit, span: Mapping[str, Json]) -> tuple[str, int]:
    return unit.text[span["start"] : span["end"]].decode(), span["line"]


def _line(value: Json) -> int:
    return int(value["span"]["line"]) if isinstance(value, Mapping) and "span" in value else 0
