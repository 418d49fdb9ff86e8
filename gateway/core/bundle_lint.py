"""Lint a bundle before any engine sees it: the portable subset of Rego, and rules that cannot forge or lose a finding.

1  a file's package is its folder; only main, lib/<name>, rules/<domain> and their tests exist
2  every call names a function of the bundle or of the portable subset
3  nothing depends on itself (regorus would crash on a recursive function)
4  no local variable has the name of an import, rule, `input` or `data` of its package
5  a helper belongs to one file; only findings and obligations are united over files
6  `with` and test rules live in _test.rego files, findings and obligations in rules/
7  a finding and an obligation have literal heads: code, and permit or limit
8  a code is emitted by one file, documented there with a message, and with a remedy when it limits
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.core.bundle import ROOT, Bundle
from gateway.core.canonical import Json
from gateway.core.rego_ast import (
    Definition,
    Reference,
    Unit,
    declared,
    literal_members,
    occurrences,
    references,
    uses_with,
)
from gateway.core.rego_builtins import PORTABLE

_AFTER_DOT = "/"
"""The character after the dot: where names that begin with `path.` end, in sorted order."""
_EMITTING = ("findings", "obligations")
_LEVELS = {"permit": {"shadow", "approve", "allow"}, "limit": {"deny", "shadow", "approve"}}
_Mention = tuple[Unit, Definition, tuple[Reference, ...]]
_PLAIN_ARGUMENTS = frozenset({"Var", "String", "RawString", "Number", "Bool", "Null"})
_REMEDY_LEVELS = {
    ("limit", "deny"),
    ("limit", "shadow"),
    ("limit", "approve"),
    ("permit", "shadow"),
    ("permit", "approve"),
}


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One reason to refuse a bundle."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message} [{self.rule}]"


@dataclass(frozen=True, slots=True, order=True)
class Emission:
    """A code that a rule can emit, and as what: `permit`, `limit` or `obligation`."""

    code: str
    kind: str
    level: str
    """allow, approve, shadow, deny; empty for an obligation."""
    path: str
    line: int


def lint(bundle: Bundle, units: Iterable[Unit]) -> tuple[Fault, ...]:
    """Return all faults, sorted; none means the bundle may be loaded."""
    found = tuple(units)
    mentions = _mentions(found)
    faults = [
        *(fault for unit in found for fault in _placement(unit)),
        *_calls(mentions),
        *_cycles(mentions),
        *_names(found),
        *(fault for unit in found for fault in (*_heads(unit), *_literals(unit), *_negations(unit))),
        *_texts(bundle, found),
    ]
    return tuple(sorted(set(faults)))


def emissions(units: Iterable[Unit]) -> tuple[Emission, ...]:
    """Return everything that the rules can emit; the canary must see each (code, kind) of it."""
    return tuple(sorted({e for unit in units for d in _emitting(unit) if (e := _emission(unit, d)) is not None}))


def _is_test(unit: Unit) -> bool:
    return unit.source.path.endswith("_test.rego")


def _emitting(unit: Unit) -> Iterator[Definition]:
    return (d for d in unit.definitions if unit.local(d).split(".")[0] in _EMITTING)


def _placement(unit: Unit) -> Iterator[Fault]:
    path, folder = unit.source.path, unit.source.path.split("/")[:-1]
    expected = {1: folder[1:] == ["main"] or folder[1:] == ["lib"], 2: folder[1:2] == ["rules"]}.get(len(folder) - 1)
    if not expected or folder[0] != ROOT:
        yield Fault(path, 1, "placement", "Rego lives in main/, lib/ and rules/<domain>/ only")
        return
    package = ".".join(folder)
    if folder[1:] == ["lib"]:
        package += "." + path.rpartition("/")[2].removesuffix(".rego").removesuffix("_test")
    package += "_test" if _is_test(unit) else ""
    if unit.package != package:
        yield Fault(path, 1, "placement", f"the package must be {package}")
    for definition in unit.definitions:
        name = unit.local(definition)
        if not _is_test(unit) and name.startswith("test_"):
            yield Fault(path, definition.line, "placement", f"{name} belongs into a _test.rego file")
    emitting = folder[1] in {"main", "rules"} and not _is_test(unit)
    for definition in () if emitting else _emitting(unit):
        yield Fault(path, definition.line, "placement", f"{unit.local(definition)} belong into rules/<domain>/")
    line = None if _is_test(unit) else uses_with([d.node for d in unit.definitions])
    if line is not None:
        yield Fault(path, line, "with", "`with` is for tests only: it could change what a rule sees")


def _mentions(units: tuple[Unit, ...]) -> list[_Mention]:
    return [(unit, d, tuple(references(unit, _body(d)))) for unit in units for d in unit.definitions]


def _calls(mentions: list[_Mention]) -> Iterator[Fault]:
    functions = {definition.name for _, definition, _ in mentions if definition.kind == "function"}
    for unit, _, found in mentions:
        for reference in found:
            if not reference.call:
                continue
            known = reference.path in PORTABLE or _target(unit, reference.path) in functions
            if not known or reference.dynamic:
                message = f"{reference.path} is no function of the bundle or of the portable subset"
                yield Fault(unit.source.path, reference.line, "function", message)


def _target(unit: Unit, path: str) -> str:
    """Return the qualified name that a path means inside a unit."""
    return path.removeprefix("data.") if path.startswith("data.") else f"{unit.package}.{path}"


def _cycles(mentions: list[_Mention]) -> Iterator[Fault]:
    where = {definition.name: (unit.source.path, definition.line) for unit, definition, _ in mentions}
    graph = {name: set[str]() for name in where}
    names = sorted(where)
    for unit, definition, found in mentions:
        for path, dynamic in {(_target(unit, r.path), r.dynamic) for r in found}:
            graph[definition.name] |= _targets(path, names, dynamic=dynamic)
    for name in _on_cycles(graph):
        yield Fault(*where[name], "recursion", f"{name} depends on itself")


def _body(definition: Definition) -> object:
    """Leave out the head's own name; its key, value and arguments stay."""
    head = definition.node.get("head")
    if head is None:
        return definition.node["value"]
    ((_, parts),) = head.items()
    return [parts.get("key"), parts.get("assign"), parts.get("args"), definition.node["bodies"]]


def _targets(path: str, names: Sequence[str], *, dynamic: bool) -> set[str]:
    """Return the definitions that a path may reach: itself, what is below it, or what it reaches into; sorted names."""
    parts = path.split(".")
    prefixes = (".".join(parts[: i + 1]) for i in range(len(parts)))
    exact = {prefix for prefix in prefixes if _holds(names, prefix)}
    if exact and not dynamic:
        return exact
    return exact | {*names[bisect_left(names, path + ".") : bisect_left(names, path + _AFTER_DOT)]}


def _holds(names: Sequence[str], name: str) -> bool:
    place = bisect_left(names, name)
    return place < len(names) and names[place] == name


def _on_cycles(graph: dict[str, set[str]]) -> list[str]:
    """Return the nodes that remain when sources and sinks are taken away until nothing changes."""
    left = {name: set(targets) for name, targets in graph.items()}
    while True:
        pointed = set().union(*left.values()) if left else set()
        gone = {name for name, targets in left.items() if not targets or name not in pointed}
        if not gone:
            return sorted(left)
        left = {name: targets - gone for name, targets in left.items() if name not in gone}


def _negations(unit: Unit) -> Iterator[Fault]:
    for definition in () if _is_test(unit) else unit.definitions:
        for negation in occurrences(definition.node, "NotExpr"):
            if not _plain_negation(negation["expr"]):
                message = (
                    "negate a helper called with plain variables: OPA evaluates operands outside `not`, "
                    "so an undefined one loses the rule"
                )
                yield Fault(unit.source.path, negation["span"]["line"], "negation", message)


def _plain_negation(expression: Json) -> bool:
    ((kind, value),) = expression.items()
    if kind == "Call":
        return all(next(iter(argument)) in _PLAIN_ARGUMENTS for argument in value["params"])
    return kind in {"Var", "RefDot", "RefBrack"}


def _literals(unit: Unit) -> Iterator[Fault]:
    for definition in unit.definitions:
        for literal in occurrences(definition.node, "String", "RawString"):
            if f"data.{ROOT}" in literal["value"]:
                line = literal["span"]["line"]
                yield Fault(unit.source.path, line, "literal", f"no text may contain data.{ROOT}")


def _names(units: tuple[Unit, ...]) -> Iterator[Fault]:
    for package in sorted({unit.package for unit in units}):
        members = [unit for unit in units if unit.package == package]
        owners: dict[str, str] = {}
        taken = {"input", "data"} | {alias for unit in members for alias in unit.source.imports}
        for unit in members:
            for definition in unit.definitions:
                name = unit.local(definition).split(".")[0]
                owner = owners.setdefault(name, unit.source.path)
                if owner != unit.source.path and name not in _EMITTING:
                    yield Fault(unit.source.path, definition.line, "name", f"{name} is defined in {owner} too")
        for unit in members:
            yield from _locals(unit, taken | owners.keys())


def _locals(unit: Unit, taken: set[str]) -> Iterator[Fault]:
    for definition in unit.definitions:
        if unit.local(definition).split(".")[0] in unit.source.imports:
            yield Fault(unit.source.path, definition.line, "name", f"{unit.local(definition)} is an import's name")
        for name, line in declared(unit, definition.node):
            if name in taken:
                message = f"the variable {name} hides an import or rule of {unit.package}"
                yield Fault(unit.source.path, line, "name", message)
        for assignment in occurrences(definition.node, "AssignExpr"):
            if assignment["op"] != "ColEq":
                yield Fault(unit.source.path, assignment["span"]["line"], "name", "use := or ==, not =")


def _heads(unit: Unit) -> Iterator[Fault]:
    if not unit.package.startswith(f"{ROOT}.rules.") or _is_test(unit):
        return
    for definition in _emitting(unit):
        if _emission(unit, definition) is None:
            message = "a head is a literal object: code, step, and permit, limit or a duty, with literal words"
            yield Fault(unit.source.path, definition.line, "head", message)


def _emission(unit: Unit, definition: Definition) -> Emission | None:
    name = unit.local(definition)
    if definition.kind != "set" or name not in _EMITTING or not unit.package.startswith(f"{ROOT}.rules."):
        return None
    members = literal_members(definition.node["head"]["Set"]["key"])
    code = None if members is None else members.get("code")
    if members is None or code is None or "step" not in members:
        return None
    if name == "obligations":
        known = not {"permit", "limit"} & members.keys()
        return Emission(code, "obligation", "", unit.source.path, definition.line) if known else None
    kinds = [kind for kind in _LEVELS if kind in members]
    if len(kinds) != 1 or members.keys() != {"code", "step", "args", kinds[0]}:
        return None
    level = members[kinds[0]]
    if level not in _LEVELS[kinds[0]]:
        return None
    return Emission(code, kinds[0], level, unit.source.path, definition.line)


def _texts(bundle: Bundle, units: tuple[Unit, ...]) -> Iterator[Fault]:
    emitted = emissions(units)
    for emission in emitted:
        text = bundle.codes.get(emission.code)
        if text is None or text.file != emission.path:
            message = (
                f"{emission.code} must be documented in this file's METADATA, custom.codes, and emitted by it alone"
            )
            yield Fault(emission.path, emission.line, "code", message)
        elif not text.remedy and (emission.kind, emission.level) in _REMEDY_LEVELS:
            yield Fault(emission.path, emission.line, "code", f"{emission.code} limits and needs a remedy")
    for code in sorted(bundle.codes.keys() - {e.code for e in emitted}):
        yield Fault(bundle.codes[code].file, 1, "code", f"{code} is documented but no rule emits it")
