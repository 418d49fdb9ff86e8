"""The tree gate: sqlglot reads the canonical text and every node must be on the list.

It is the second lock behind the token gate and it finds the relations. sqlglot accepts more than PostgreSQL
and keeps what it does not know in opaque nodes, so nodes are listed by class and anything else is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import errors, exp
from sqlglot.dialects.postgres import Postgres

from gateway.parsing.names import names
from gateway.parsing.result import Refusal
from gateway.parsing.tools.postgres_fields import check_fields
from gateway.parsing.tools.postgres_names import FUNCTIONS, TYPES

_STRUCTURE = names(
    """
    Alias All And Any Array ArrayContainedBy ArrayContainsAll ArrayOverlaps AtTimeZone Between Boolean Bracket CTE
    Case Cast Collate Column Cube DPipe DataType DataTypeParam Distinct Div Dot EQ Escape Except Exists Fetch Filter
    From GT GTE Group GroupingSets Having ILike Identifier If In Intersect Interval Is Join Kwarg LT LTE Lateral
    Like Limit LimitOptions Literal Mod Mul NEQ Neg Not Null NullSafeEQ NullSafeNEQ ObjectIdentifier Offset Or Order
    Ordered Overlaps Paren Pow RegexpILike RegexpLike Rollup Select SimilarTo Star Sub Add Subquery Table TableAlias
    TableSample Tuple Union Unnest Values Var Where Window WindowSpec With WithinGroup BitwiseLeftShift
    BitwiseRightShift JSONExtract JSONExtractScalar JSONBExtract JSONBExtractScalar JSONPath JSONPathKey
    JSONPathRoot JSONPathSubscript
    """
)
# How sqlglot names the functions of `postgres_names.FUNCTIONS`; what it does not know is Anonymous.
_CALLS = names(
    """
    Abs Anonymous AnyValue ArrayAgg ArrayPosition ArrayRemove ArraySize ArrayToString Avg BitwiseAndAgg BitwiseOrAgg
    Ceil Coalesce Concat ConcatWs Corr Count CumeDist CurrentCatalog CurrentDatabase CurrentDate CurrentRole
    CurrentSchema CurrentSchemas CurrentTime CurrentTimestamp CurrentUser CurrentVersion Date DateBin DenseRank Exp
    Explode ExplodingGenerateSeries Extract FirstValue Floor Format Greatest GroupConcat Hex Host Initcap IntDiv
    JSONArrayAgg JSONBObjectAgg JSONObjectAgg JustifyDays JustifyHours JustifyInterval Lag LastValue Lead Least Left
    Length Ln Localtime Localtimestamp Log LogicalAnd LogicalOr Lower MD5 MakeInterval Max Min Mode NthValue Ntile
    Nullif PercentRank PercentileCont PercentileDisc Rank RegexpCount RegexpReplace RegexpSubstr Replace Reverse
    Right Round RowNumber SessionUser Sign SplitPart Sqrt StartsWith Stddev StddevPop StddevSamp StrPosition
    StrToDate StrToTime StringToArray Substring Sum TimeToStr TimestampFromParts TimestampTrunc ToNumber Translate
    Trim Trunc UnixToTime Upper Variance VariancePop WidthBucket
    """
)
_KNOWN = _STRUCTURE | _CALLS
# Called like functions in sqlglot's tree, but syntax or checked by the token gate.
_ANONYMOUS = FUNCTIONS | {"row", "some", "current_setting"}
_DIALECT = Postgres()


@dataclass(frozen=True, slots=True)
class Query:
    """One read: its tree and the relations it names, without common table expressions."""

    tree: exp.Query
    relations: tuple[str, ...]


def read_tree(sql: str, extra: frozenset[str]) -> Query | Refusal:
    """Parse one SELECT and check every node; `extra` are functions declared pure by the site."""
    try:
        trees = _DIALECT.parse(sql)
    except errors.SqlglotError:
        return Refusal("SQL_SYNTAX")
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Select | exp.SetOperation | exp.Subquery):
        return Refusal("SQL_NOT_READ", args={"word": "this statement"})
    for node in tree.walk():
        refusal = _node(node, extra)
        if refusal is not None:
            return refusal
    field = check_fields(tree)
    relations = _relations(tree) if field is None else field
    return relations if isinstance(relations, Refusal) else Query(tree, relations)


def _node(node: exp.Expr, extra: frozenset[str]) -> Refusal | None:
    name = type(node).__name__
    if name not in _KNOWN:
        return Refusal("SQL_NODE", args={"node": name})
    if isinstance(node, exp.Anonymous):
        called = node.name.lower()
        if called not in _ANONYMOUS and called not in extra:
            return Refusal("SQL_FUNCTION", args={"function": called[:63]})
    if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.USERDEFINED:
        kind = str(node.args.get("kind", "")).lower()
        if kind not in TYPES and kind != '"char"':
            return Refusal("SQL_TYPE", args={"type": kind[:63]})
    return None


def _relations(tree: exp.Expr) -> tuple[str, ...] | Refusal:
    """Return the relations that PostgreSQL would look up, sorted.

    WITH may stand only at the top, so that a name means the same everywhere in the statement.
    """
    withs = list(tree.find_all(exp.With))
    if len(withs) > 1 or (withs and withs[0].parent is not tree):
        return Refusal("SQL_WITH_INSIDE")
    bodies = withs[0].expressions if withs else []
    names = [body.alias for body in bodies]
    recursive = bool(withs and withs[0].args.get("recursive"))
    found: set[str] = set()
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue
        if table.args.get("catalog") is not None:
            return Refusal("SQL_CATALOG")
        if not table.db and table.name in _visible(table, bodies, names, recursive=recursive):
            continue
        bare = table.db in {"", "pg_catalog"}  # pg_catalog is searched first, so both spellings are one relation
        found.add(table.name if bare else f"{table.db}.{table.name}")
    if recursive and not all(_descends(body, names) for body in bodies):
        return Refusal("SQL_RECURSION")
    return tuple(sorted(found))


def _descends(body: exp.Expr, names: list[str]) -> bool:
    """Tell whether a common table expression that reads itself walks a relation by a condition.

    What only counts on (`select n + 1 from r`) ends when memory or time does.
    """
    for table in body.find_all(exp.Table):
        if table.db or table.name != body.alias:
            continue
        step = table.find_ancestor(exp.Select)
        walked = step is not None and any(_is_walked(source, names) for source in _sources(step))
        joins = step.args.get("joins", ()) if step else ()
        conditions = [step.args.get("where"), *(join.args.get("on") for join in joins)] if step else []
        compared = any(c is not None and sum(1 for _ in c.find_all(exp.Column)) > 1 for c in conditions)
        if not walked or not (compared or any(join.args.get("using") for join in joins)):
            return False
    return True


def _sources(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield the tables and derived tables that stand in the FROM of one SELECT."""
    kinds = exp.Table, exp.Subquery
    for node in select.find_all(*kinds):
        if isinstance(node.parent, exp.From | exp.Join) and node.find_ancestor(exp.Select) is select:
            yield node


def _is_walked(source: exp.Expr, names: list[str]) -> bool:
    """Tell whether a source is a relation, or rows that come from relations alone and not from the recursion."""
    tables = list(source.find_all(exp.Table))
    named = [t for t in tables if isinstance(t.this, exp.Identifier) and (t.db or t.name not in names)]
    return bool(named) and len(named) == len(tables)


def _visible(table: exp.Table, bodies: list[exp.Expr], names: list[str], *, recursive: bool) -> list[str]:
    """Return the common table expressions that a name can mean where it stands."""
    if recursive:
        return names
    ancestors = {id(node) for node in _ancestors(table)}
    for index, body in enumerate(bodies):
        if id(body) in ancestors:
            return names[:index]
    return names


def _ancestors(node: exp.Expr) -> Iterator[exp.Expr]:
    above = node.parent
    while above is not None:
        yield above
        above = above.parent
