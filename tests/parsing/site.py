"""A catalog for tests of parsing: one scope of each tool that needs no tables, and a few processes."""

from collections.abc import Mapping
from typing import cast

from gateway.core.canonical import Json
from gateway.parsing.catalog import Catalog, CommandShape, Scope, Slot
from gateway.parsing.parse import parse, parse_typed
from gateway.parsing.result import Parsed, ParsedPlan, ParsedStep, Refusal
from gateway.parsing.tables_aws import AwsTables
from gateway.parsing.tables_kubectl import KubectlTable
from gateway.parsing.tools import postgres

SYSTEMCTL_STATUS = CommandShape(
    "systemctl",
    (Slot("literal", values=("status",)), Slot("word", "unit", max_chars=32)),
    frozenset({"read"}),
    "units.status",
    "not_needed",
)
SYSTEMCTL_RESTART = CommandShape(
    "systemctl",
    (Slot("literal", values=("restart",)), Slot("choice", "unit", values=("web.service", "worker.service"))),
    frozenset({"write"}),
    "units.restart",
    "neutral",
)
DRAIN = CommandShape(
    "drain-node",
    (
        Slot("literal", values=("--seconds",), optional=True),
        Slot("int", "seconds", low=1, high=600, optional=True),
        Slot("word", "node"),
    ),
    frozenset({"write"}),
    "nodes.drain",
)
COMMANDS = (SYSTEMCTL_STATUS, SYSTEMCTL_RESTART, DRAIN)
SCOPES = (Scope("orders", "postgres"), Scope("shop", "git"), Scope("web-1", "process"))


def site(*scopes: Scope, sql_functions: frozenset[str] = frozenset()) -> Catalog:
    """Return a catalog without kubectl and aws tables; their scopes are absent, so the tables are never read."""
    return Catalog(
        scopes={scope.name: scope for scope in (scopes or SCOPES)},
        kubectl=cast("KubectlTable", None),
        aws=cast("AwsTables", None),
        commands=COMMANDS,
        sql_functions=sql_functions,
    )


SITE = site()


def plan(text: str, catalog: Catalog = SITE, scope: str | None = None) -> ParsedPlan:
    """Parse text that must be accepted."""
    parsed = parse(text.encode(), catalog, scope)
    assert not isinstance(parsed, Refusal), parsed
    return parsed


def step(text: str, catalog: Catalog = SITE, scope: str | None = None) -> ParsedStep:
    """Parse text that must be one accepted step."""
    (only,) = plan(text, catalog, scope).steps
    return only


def code(text: str, catalog: Catalog = SITE, scope: str | None = None) -> str:
    """Return the code of a refusal, or `accepted`."""
    parsed = parse(text.encode(), catalog, scope)
    return parsed.code if isinstance(parsed, Refusal) else "accepted"


def sql(text: str) -> str:
    """Return the code of a statement, or `accepted`."""
    parsed = postgres.build(text, SITE.scopes["orders"], SITE)
    return parsed.code if isinstance(parsed, Refusal) else "accepted"


def typed(value: Mapping[str, Json], catalog: Catalog = SITE, scope: str | None = None) -> Parsed:
    """Parse one typed step."""
    return parse_typed([value], [], catalog, scope)


def typed_code(value: Mapping[str, Json], catalog: Catalog = SITE, scope: str | None = None) -> str:
    """Return the code of a typed step's refusal, or `accepted`."""
    parsed = typed(value, catalog, scope)
    return parsed.code if isinstance(parsed, Refusal) else "accepted"


def as_typed(parsed: ParsedStep) -> dict[str, Json]:
    """Return the typed form of a step: a step as the gateway shows it can be proposed again."""
    return parsed.step.to_json()
