"""Processes of a host: argv must be exactly one of the configured shapes."""

import re
from collections.abc import Mapping, Sequence

from gateway.core.canonical import Json
from gateway.core.effect import Effect, Undo
from gateway.core.step import Step, Target, Tool
from gateway.parsing.catalog import Catalog, CommandShape, Slot
from gateway.parsing.result import ParsedStep, Refusal
from gateway.parsing.scope import resolve_scope
from gateway.parsing.typed import agrees
from gateway.parsing.words import TypedStep, Word

TOOL: Tool = "process"
TABLE = "process"
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,15}")
_WORD = re.compile(r"[A-Za-z0-9_@%+=:,./][A-Za-z0-9_@%+=:,./-]*")
_MISSING = object()


def from_argv(words: tuple[Word, ...], catalog: Catalog, scope: str | None) -> ParsedStep | Refusal:
    """Read a command by its shapes; settings in which one argv fits two shapes are refused, so at most one fits."""
    name, argv = words[0].text, [word.text for word in words[1:]]
    shapes = [shape for shape in catalog.commands if shape.name == name]
    for shape in shapes:
        values = _match(shape.slots, argv)
        if values is not None:
            return build(shape, values, argv, catalog, scope)
    known = "; ".join(_describe(shape) for shape in shapes)
    return Refusal("PROCESS_SHAPE", words[0].span, {"tool": name, "known": known})


def from_typed(step: TypedStep, catalog: Catalog) -> ParsedStep | Refusal:
    """Read a typed step: the operation names the shape, params are the values of its named slots."""
    shapes = [shape for shape in catalog.commands if shape.operation == step.operation]
    if not shapes:
        known = ", ".join(sorted({shape.operation for shape in catalog.commands})) or "none"
        return Refusal("TYPED_OPERATION_UNKNOWN", args={"operation": "this", "known": known})
    for shape in shapes:
        argv = _fill(shape.slots, step.params)
        values = None if argv is None else _match(shape.slots, argv)
        if argv is not None and values is not None and values == dict(step.params):
            parsed = build(shape, values, argv, catalog, step.scope)
            return parsed if isinstance(parsed, Refusal) else agrees(step, parsed) or parsed
    slots = "; ".join(", ".join(_key(s) for s in shape.slots if _key(s)) or "none" for shape in shapes)
    return Refusal("PROCESS_PARAMS", args={"operation": step.operation, "known": slots})


def build(
    shape: CommandShape, values: Mapping[str, Json], argv: Sequence[str], catalog: Catalog, scope: str | None
) -> ParsedStep | Refusal:
    """Return the one step that a command means, for both doors."""
    where = resolve_scope(catalog, TOOL, scope)
    if isinstance(where, Refusal):
        return where
    target = Target(scope=where.name, kind="process", id=f"process:{where.name}/{shape.name}", names=(shape.name,))
    api = {"argv": [shape.name, *argv]}
    step = Step(tool=TOOL, operation=shape.operation, api=api, target=target, params=values)
    effects = frozenset(Effect(effect) for effect in shape.effects) or frozenset({Effect.UNKNOWN})
    return ParsedStep(step, effects, (f"shape:{shape.operation}",), TABLE, Undo(shape.undo))


def fits(slot: Slot, text: str) -> bool:
    """Tell whether a word fits a slot."""
    return _value(slot, text) is not _MISSING


def _match(slots: Sequence[Slot], argv: Sequence[str]) -> dict[str, Json] | None:
    """Return the values of named slots when argv is these slots; an optional slot takes a word if it can."""
    if not slots:
        return None if argv else {}
    slot, rest = slots[0], slots[1:]
    value = _value(slot, argv[0]) if argv else _MISSING
    if value is not _MISSING:
        inner = _match(rest, argv[1:])
        if inner is not None:
            key = _key(slot)
            return {key: value} | inner if key else inner
    return _match(rest, argv) if slot.optional else None


def _key(slot: Slot) -> str:
    """Return the name of a slot in params; a literal that is always there has none."""
    if slot.kind == "literal":
        return slot.name or (slot.values[0] if slot.optional else "")
    return slot.name or slot.kind


def _value(slot: Slot, text: str) -> Json:
    if slot.kind in {"literal", "choice"}:
        return text if text in slot.values else _MISSING
    if slot.kind == "int":
        number = int(text) if _INTEGER.fullmatch(text) else None
        return number if number is not None and slot.low <= number <= slot.high else _MISSING
    plain = len(text) <= slot.max_chars and _WORD.fullmatch(text) is not None and ".." not in text.split("/")
    return text if plain else _MISSING


def _fill(slots: Sequence[Slot], params: Mapping[str, Json]) -> list[str] | None:
    """Return the argv that params describe, None when a slot that is needed has no value."""
    argv: list[str] = []
    for slot in slots:
        key = _key(slot)
        if key and key in params:
            value = params[key]
            if isinstance(value, bool) or not isinstance(value, int | str):
                return None
            argv.append(str(value))
        elif slot.kind == "literal" and not key:
            argv.append(slot.values[0])
        elif not slot.optional:
            return None
    return argv


def _describe(shape: CommandShape) -> str:
    words = [slot.values[0] if slot.kind == "literal" else f"<{slot.name or slot.kind}>" for slot in shape.slots]
    return " ".join([shape.name, *words])
