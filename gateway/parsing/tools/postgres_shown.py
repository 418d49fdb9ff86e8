"""Which columns of a site's own tables reach the answer of a SELECT, and whether they only say how things stand.

Names are all there is to go by: a column called `status` or `created_at` shows no customer, so the names must be the
tables' own. Where a value could come under another name (an alias with columns, a function in FROM, a whole row) the
answer is no.
"""

import re
from collections.abc import Iterator, Sequence

from sqlglot import exp

from gateway.parsing.names import names

_COLUMNS = names(
    "id status state kind type level severity priority queue shard partition region zone version attempt attempts "
    "retries duration latency bytes size created updated started finished enabled active locked "
    # whose row it is, as a number
    "account_id batch_id cluster_id customer_id event_id host_id invoice_id item_id job_id merchant_id node_id "
    "order_id org_id organization_id parent_id payment_id product_id project_id queue_id region_id request_id shop_id "
    "store_id subscription_id task_id team_id tenant_id trace_id user_id worker_id"
)
_COLUMN_ENDINGS = (
    "_at", "_time", "_ts", "_on", "_status", "_state", "_type", "_kind", "_ms", "_seconds", "_bytes", "_size",
    "_count", "_attempts", "_retries", "_version",
)  # fmt: skip
# What they say of a value is how large it is, or of which kind.
_SIZES = names(
    "array_length cardinality char_length character_length json_array_length json_typeof jsonb_array_length "
    "jsonb_typeof num_nonnulls num_nulls octet_length pg_column_size pg_typeof"
)
# A yes or no about one of these, asked often enough, is its value.
_SECRET = re.compile(
    r"passw|passphrase|pwd|secret|token|api_?key|private_?key|credential|hash$|_hash|salt$|otp|(^|_)pin$|ssn|cvv|iban"
    r"|card_?(no|num|number|pan)|passport|national_id|tax_id",
    re.IGNORECASE,
)


def shows_operational_only(tree: exp.Expr) -> bool:
    """Tell whether a statement puts out, and asks about, nothing but operational columns and counts."""
    if asks_about_secrets(tree) or not _names_hold(tree):
        return False
    inner = [body for body in tree.find_all(exp.CTE, exp.Subquery) if _is_source(body)]
    return all(_passes_on(body.this) for body in inner) and _shows(tree, _made_inside(tree, inner))


_EXTRACTS = (exp.JSONExtract, exp.JSONExtractScalar, exp.JSONBExtract, exp.JSONBExtractScalar)


def asks_about_secrets(tree: exp.Expr) -> bool:
    """Tell whether a statement uses, anywhere, a column or a key in JSON whose name promises a secret.

    A row compared as a whole, or joined by whatever columns have the same name, may hold one.
    """
    if _whole_rows(tree) or any(join.args.get("method") == "NATURAL" for join in tree.find_all(exp.Join)):
        return True
    joined = (name.name for join in tree.find_all(exp.Join) for name in join.args.get("using") or ())
    columns = (*(column.name for column in tree.find_all(exp.Column)), *joined)
    keys = (str(key.this) for key in tree.find_all(exp.JSONPathKey))
    taken = [node.expression for node in tree.find_all(*_EXTRACTS)]
    if not all(isinstance(key, exp.Literal | exp.JSONPath) for key in taken):
        return True  # a key that is computed may be any
    paths = (key.name.replace("\\", "") for key in taken)  # an array in text loses its backslashes
    return any(_SECRET.search(name) and not operational(name) for name in (*columns, *keys, *paths))


def _whole_rows(tree: exp.Expr) -> bool:
    """Tell whether a relation is used as a value: `u` of `users u` is the whole row, whatever is done with it."""
    called = {table.alias_or_name for table in tree.find_all(exp.Table)}
    rows = (column for column in tree.find_all(exp.Column) if not column.table and column.name in called)
    return any(not (_is_size(row.parent) or isinstance(row.parent, exp.Count)) for row in rows)


def operational(column: str) -> bool:
    """Tell whether a column of this name says how things stand, and shows nobody."""
    return column in _COLUMNS or column.endswith(_COLUMN_ENDINGS)


def _names_hold(tree: exp.Expr) -> bool:
    """Tell whether every column name is a table's own: no alias gives columns names, none names a whole row."""
    aliases = list(tree.find_all(exp.TableAlias))
    if any(alias.columns for alias in aliases) or any(operational(alias.name) for alias in aliases):
        return False
    tables = list(tree.find_all(exp.Table))
    named = all(isinstance(table.this, exp.Identifier) and not operational(table.name) for table in tables)
    # every other source in FROM makes columns of its own
    made = any(tree.find_all(exp.Unnest, exp.Values)) or any(
        not isinstance(lateral.this, exp.Subquery) for lateral in tree.find_all(exp.Lateral)
    )
    return named and not made


def _made_inside(tree: exp.Expr, inner: Sequence[exp.Expr]) -> frozenset[str]:
    """Return the names that inner queries give to operational values alone, where nothing else is in FROM.

    `*` is among them when they give no other values.
    """
    bodies = [body.this for body in inner]
    parts = [list(_parts(body)) for body in bodies]
    named = {body.alias for body in inner if isinstance(body, exp.CTE)}
    if not isinstance(tree, exp.Select) or not all(_alike(body) for body in parts):
        return frozenset()
    inside = {id(node) for body in bodies for node in body.walk()}
    beside = [select for select in tree.find_all(exp.Select) if select is not tree and id(select) not in inside]
    own = (table for table in tree.find_all(exp.Table) if table.find_ancestor(exp.Select) is tree)
    if not bodies or beside or not all(not table.db and table.name in named for table in own):
        return frozenset()
    outputs = [column for body in parts for column in zip(*(part.expressions for part in body), strict=True)]
    doubtful = {first.alias_or_name for first, *more in outputs if not all(map(_is_operational, (first, *more)))}
    plain = {first.alias_or_name for first, *_ in outputs} - doubtful - {"", "*"}
    return frozenset(plain if doubtful else plain | {"*"})


def _parts(query: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the queries that a union is made of; the first gives the names."""
    if isinstance(query, exp.SetOperation):
        yield from _parts(query.this)
        yield from _parts(query.expression)
    else:
        yield query


def _alike(parts: Sequence[exp.Expr]) -> bool:
    return all(isinstance(part, exp.Select) for part in parts) and len({len(part.expressions) for part in parts}) == 1


def _is_operational(output: exp.Expr) -> bool:
    return all(map(operational, _shown(output)))


def _is_source(node: exp.Expr) -> bool:
    return isinstance(node, exp.CTE) or isinstance(node.parent, exp.From | exp.Join | exp.Lateral)


def _passes_on(query: exp.Expr) -> bool:
    """Tell whether an inner query gives no value an operational name that is not its own."""
    if isinstance(query, exp.Subquery):
        return _passes_on(query.this)
    if not isinstance(query, exp.Select):
        return _shows(query)  # the names are those of the first part of a union
    return all(isinstance(output, exp.Star) or _keeps_name(output) for output in query.expressions)


def _keeps_name(output: exp.Expr) -> bool:
    if isinstance(output, exp.Column) and isinstance(output.this, exp.Star):
        return True
    name = output.alias_or_name
    return bool(name and not operational(name)) or all(operational(column) for column in _shown(output))


def _shows(query: exp.Expr, made: frozenset[str] = frozenset()) -> bool:
    """Tell whether everything that a query puts out is operational; `made` are names that are known to be."""
    if isinstance(query, exp.SetOperation):
        return _shows(query.this) and _shows(query.expression)
    if isinstance(query, exp.Subquery):
        return _shows(query.this)
    return isinstance(query, exp.Select) and all(
        operational(column) or column in made for output in query.expressions for column in _shown(output)
    )


def _shown(node: exp.Expr) -> Iterator[str]:
    """Yield the names of columns whose values, not only their number or size, reach an output; `*` is one of them."""
    if _is_size(node) or isinstance(node, exp.Count | exp.Exists | exp.Length | exp.ArraySize):
        return
    if isinstance(node, exp.Column):
        yield "*" if isinstance(node.this, exp.Star) else node.name
        return
    if isinstance(node, exp.Star):
        yield "*"
    for child in _values(node):
        yield from _shown(child)


def _is_size(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() in _SIZES


def _values(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the parts whose values a node shows: of a filtered or windowed call the call, of a query its outputs."""
    if isinstance(node, exp.Filter | exp.Window):
        yield node.this
    elif isinstance(node, exp.Select):
        yield from node.expressions
    else:
        yield from node.iter_expressions()
