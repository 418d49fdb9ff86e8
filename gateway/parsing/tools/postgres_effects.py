"""What a read shows: statistics, a site's own data, or credentials.

Statistics and catalogs are plain reads. Rows of a site's tables are `read_sensitive`, unless the only columns that
reach the output are operational ones (status, times, sizes) or are merely counted: what an incident needs without
showing a customer. A WHERE clause can still ask yes-or-no questions of any column; that much is accepted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from gateway.core.effect import Effect
from gateway.parsing.names import names
from gateway.parsing.result import Refusal
from gateway.parsing.tools.postgres_names import (
    OPERATIONAL_RELATIONS,
    SENSITIVE_RELATIONS,
    SENSITIVE_SCHEMA_RELATIONS,
    SYSTEM_RELATIONS,
)
from gateway.parsing.tools.postgres_tree import Query, read_tree

_COLUMNS = names(
    "id status state kind type level severity priority queue shard partition region zone version attempt attempts "
    "retries duration latency bytes size created updated started finished enabled active locked"
)
_COLUMN_ENDINGS = (
    "_at", "_time", "_ts", "_on", "_status", "_state", "_type", "_kind", "_ms", "_seconds", "_bytes", "_size",
    "_count", "_attempts", "_retries", "_version",
)  # fmt: skip
_SCHEMA = "information_schema."


@dataclass(frozen=True, slots=True)
class Examined:
    """What the tree of a read says: its relations, its effect and the evidence for the effect."""

    relations: tuple[str, ...]
    effect: Effect
    why: str


@lru_cache(maxsize=512)
def examine(sql: str, extra: frozenset[str]) -> Examined | Refusal:
    """Pass a canonical SELECT through the tree gate and class it.

    Answers are remembered: agents and telemetry ask the same questions again and again, and reading the
    tree is the dearest stage of a parse.
    """
    query = read_tree(sql, extra)
    return query if isinstance(query, Refusal) else Examined(query.relations, *read_effect(query))


def read_effect(query: Query) -> tuple[Effect, str]:
    """Return the effect of running a read, and the evidence for it."""
    kinds = {_kind(relation) for relation in query.relations}
    if "credentials" in kinds:
        return Effect.READ_SENSITIVE, "relation:credentials"
    if "data" not in kinds:
        return Effect.READ, "relation:statistics"
    if _operational_output(query.tree):
        return Effect.READ, "output:operational"
    return Effect.READ_SENSITIVE, "relation:data"


def _kind(relation: str) -> str:
    if relation.startswith(_SCHEMA):
        inner = relation.removeprefix(_SCHEMA)
        return "credentials" if inner in SENSITIVE_SCHEMA_RELATIONS else "statistics"
    if relation in SENSITIVE_RELATIONS:
        return "credentials"
    known = relation in SYSTEM_RELATIONS or relation.removeprefix("public.") in OPERATIONAL_RELATIONS
    return "statistics" if known else "data"


def _operational_output(tree: exp.Expr) -> bool:
    """Tell whether a statement without inner queries puts out only operational columns and counts."""
    if isinstance(tree, exp.SetOperation):
        return _operational_output(tree.this) and _operational_output(tree.expression)
    if isinstance(tree, exp.Subquery):
        return _operational_output(tree.this)
    if not isinstance(tree, exp.Select) or sum(1 for _ in tree.find_all(exp.Query)) > 1:
        return False
    tables = {name for table in tree.find_all(exp.Table) for name in (table.name, table.alias)}
    if any(_operational(name) for name in tables if name):
        return False  # such a name as a column would be the whole row
    return all(_operational(column) for output in tree.expressions for column in _shown(output))


def _shown(node: exp.Expr) -> Iterator[str]:
    """Yield the names of columns whose values reach the output; `*` outside count(*) is one of them."""
    if isinstance(node, exp.Count):
        return
    if isinstance(node, exp.Column):
        yield "*" if isinstance(node.this, exp.Star) else node.name
        return
    if isinstance(node, exp.Star):
        yield "*"
    children = [node.this] if isinstance(node, exp.Filter) else node.iter_expressions()
    for child in children:
        yield from _shown(child)


def _operational(column: str) -> bool:
    return column in _COLUMNS or column.endswith(_COLUMN_ENDINGS)
