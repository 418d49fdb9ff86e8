"""Turn a proposal, text or typed, into a plan of typed steps or one refusal.

Pure and total: both functions answer for any input and never raise. There is no clock here, so the
time limit of parsing is kept by bounds instead: every stage is linear in its input and every input is capped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from gateway.core.canonical import Json
from gateway.core.effect import only_reads
from gateway.core.step import MAX_STEPS, Connector
from gateway.parsing import charset, lexer, registry, typed
from gateway.parsing.catalog import Catalog
from gateway.parsing.result import Parsed, ParsedPlan, ParsedStep, Refusal


def parse(text: bytes, catalog: Catalog, scope: str | None = None) -> Parsed:
    """Parse the text form: commands joined by `&&` or `;`."""
    return _total(lambda: _parse(text, catalog, scope))


def parse_typed(
    steps: Sequence[Mapping[str, Json]], connectors: Sequence[str], catalog: Catalog, scope: str | None = None
) -> Parsed:
    """Parse the typed form: `{tool, operation, params, target?, api?}` and the connectors between steps."""
    return _total(lambda: _parse_typed(steps, connectors, catalog, scope))


def _total(work: Callable[[], Parsed]) -> Parsed:
    """Turn any fault of a parser into a refusal: what was not understood is denied."""
    try:
        return work()
    except Exception as exc:  # noqa: BLE001  # the one place where a parser's fault becomes a denial
        return Refusal("PARSER_FAULT", args={"fault": type(exc).__name__})


def _parse(text: bytes, catalog: Catalog, scope: str | None) -> Parsed:
    decoded = charset.decode(text)
    commands = decoded if isinstance(decoded, Refusal) else lexer.lex(decoded)
    if isinstance(commands, Refusal):
        return commands
    steps: list[ParsedStep] = []
    for command in commands:
        step = _step(command, catalog, scope)
        if isinstance(step, Refusal):
            return step
        steps.append(step)
    return _plan(steps, [c.connector for c in commands if c.connector is not None])


def _step(command: lexer.Command, catalog: Catalog, scope: str | None) -> ParsedStep | Refusal:
    parser = registry.command_parser(command.words, catalog)
    step = parser if isinstance(parser, Refusal) else parser.from_argv(command.words, catalog, scope)
    if isinstance(step, Refusal):
        return step if step.span != (0, 0) else replace(step, span=command.span)
    return replace(step, span=command.span)


def _parse_typed(
    steps: Sequence[Mapping[str, Json]], connectors: Sequence[str], catalog: Catalog, scope: str | None
) -> Parsed:
    refusal = _shape(steps, connectors)
    if refusal is not None:
        return refusal
    parsed: list[ParsedStep] = []
    for value in steps:
        step = _typed_step(value, catalog, scope)
        if isinstance(step, Refusal):
            return step
        parsed.append(step)
    return _plan(parsed, [cast("Connector", connector) for connector in connectors])


def _shape(steps: Sequence[Mapping[str, Json]], connectors: Sequence[str]) -> Refusal | None:
    if not 1 <= len(steps) <= MAX_STEPS:
        return Refusal("TYPED_COUNT", args={"max": MAX_STEPS})
    listed = isinstance(connectors, list | tuple) and all(c in ("&&", ";") for c in connectors)
    if not listed or len(connectors) != len(steps) - 1:
        return Refusal("TYPED_CONNECTORS", args={"steps": len(steps), "wanted": len(steps) - 1})
    return typed.check_size(list(steps)) or typed.check_strings(list(steps))


def _typed_step(value: Json, catalog: Catalog, scope: str | None) -> ParsedStep | Refusal:
    asked = typed.read_step(value, scope)
    if isinstance(asked, Refusal):
        return asked
    parser = registry.typed_parser(asked.tool)
    return parser if isinstance(parser, Refusal) else parser.from_typed(asked, catalog)


def _plan(steps: list[ParsedStep], connectors: list[Connector]) -> Parsed:
    for index, connector in enumerate(connectors):
        if connector == ";":
            for step in steps[index : index + 2]:
                if not only_reads(step.effects):
                    return Refusal("PLAN_SEMICOLON", step.span)
    return ParsedPlan(tuple(steps), tuple(connectors))
