"""`alias.name` behind a function in FROM: PostgreSQL reads it as `name(alias)` when there is no such column.

`SELECT n.pg_terminate_backend FROM unnest(array[1]) n` ends a session without one parenthesis behind the name: the row
of a function that gives one value is that value, and `a.f` is a spelling of `f(a)`. What a function in FROM is asked
for must hence be one of the columns that it is known to give (the out parameters as listed from PostgreSQL 18). A
table, a subquery and VALUES are composite, so that functions of rows could be meant: those that show the whole row
(`u.to_json`) are refused behind any alias, those that say how large it is or how many there are show nobody.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from sqlglot import exp

from gateway.parsing.names import names
from gateway.parsing.result import Refusal

_PAIR, _VALUE = names("key value"), names("value")
_OUTPUTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **dict.fromkeys(("json_each", "json_each_text", "jsonb_each", "jsonb_each_text"), _PAIR),
        **dict.fromkeys(("json_array_elements", "jsonb_array_elements", "jsonb_array_elements_text"), _VALUE),
        "pg_options_to_table": names("option_name option_value"),
        "pg_partition_ancestors": names("relid"),
        "pg_partition_tree": names("relid parentrelid isleaf level"),
        "pg_walfile_name_offset": names("file_name file_offset"),
        "pg_last_committed_xact": names("xid timestamp roident"),
        "pg_control_system": names("pg_control_version catalog_version_no system_identifier pg_control_last_modified"),
        "pg_control_checkpoint": names(
            "checkpoint_lsn redo_lsn redo_wal_file timeline_id full_page_writes next_xid oldest_xid oldest_xid_dbid "
            "oldest_active_xid oldest_multi_xid oldest_multi_dbid checkpoint_time"
        ),
    }
)
# Names that only functions have, whatever they are asked of: no column of a catalog begins so, but these.
_CALLED = re.compile(r"(?i:pg_|lo_|dblink|set_config$|nextval$|setval$|query_to_xml)")
_NOT_CALLED = _OUTPUTS["pg_control_system"]
# What PostgreSQL 18 has of one argument that may be a row, and that shows it.
_SHOW_ROWS = names(
    "any_value array_agg concat hash_record hash_record_extended json_agg json_agg_strict json_build_array "
    "json_build_object jsonb_agg jsonb_agg_strict jsonb_build_array jsonb_build_object max min "
    "quote_literal quote_nullable record_out record_send row_to_json to_json to_jsonb "
    "any_out anyelement_out anynonarray_out anycompatible_out anycompatiblenonarray_out"
)
# They give one column, which is called like the alias, or like the function when there is none.
_SCALAR = names("generate_subscripts json_object_keys jsonb_object_keys regexp_matches")
_SCALAR_NODES = exp.Unnest | exp.Explode | exp.GenerateSeries | exp.ExplodingGenerateSeries
# Calls without parentheses, which look like tables in FROM.
_BARE_CALLS = names(
    "current_catalog current_date current_role current_schema current_time current_timestamp current_user localtime "
    "localtimestamp session_user system_user user"
)


def check_fields(tree: exp.Expr) -> Refusal | None:
    """Refuse a qualified name unless its qualifier is composite, or gives a column of that name."""
    fields = [dot.expression for dot in tree.find_all(exp.Dot) if isinstance(dot.expression, exp.Identifier)]
    if fields:  # of something that is not even a name
        return Refusal("SQL_FIELD", args={"field": fields[0].name[:63]})
    qualified = [column for column in tree.find_all(exp.Column) if column.table]
    columns = [column for column in qualified if not column.db]
    made = list(_made(tree))
    kinds = exp.Table, exp.Subquery, exp.CTE, exp.Values, exp.Lateral, exp.Unnest
    called = {source.alias_or_name for source in tree.find_all(*kinds)}
    calls = next((column for column in qualified if _is_call(column.name)), None)
    if calls is not None:
        return Refusal("SQL_FIELD", args={"field": calls.name[:63]})
    for column in columns:
        sources = [source for source in made if source.alias_or_name == column.table]
        known = column.table in called
        star = isinstance(column.this, exp.Star)
        if not star and not (known and all(column.name in _given(source) for source in sources)):
            return Refusal("SQL_FIELD", args={"field": column.name[:63]})
    return None


def _is_call(name: str) -> bool:
    return name.lower() in _SHOW_ROWS or (bool(_CALLED.match(name)) and name not in _NOT_CALLED)


def _made(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Yield what stands in FROM and is computed by a function."""
    for source in tree.find_all(exp.Table, exp.Unnest, exp.Lateral):
        inner = source.this
        if isinstance(source, exp.Table):
            name = isinstance(inner, exp.Identifier)
            if not name or (not source.db and not inner.quoted and inner.name in _BARE_CALLS):
                yield source
        elif isinstance(source, exp.Unnest) or not isinstance(inner, exp.Subquery):
            yield source


def _given(source: exp.Expr) -> frozenset[str]:
    """Return the columns that a function in FROM is known to give."""
    call = source if isinstance(source, exp.Unnest) else source.this
    ordinal = call.args.get("offset") or source.args.get("ordinality")
    more = frozenset({ordinal.name if isinstance(ordinal, exp.Identifier) else "ordinality"} if ordinal else ())
    alias = source.args.get("alias")
    if alias is not None and alias.columns:
        return more | {column.name for column in alias.columns}
    name = call.name.lower() if isinstance(call, exp.Anonymous) else ""
    if isinstance(call, _SCALAR_NODES) or name in _SCALAR:
        return more | {source.alias_or_name}
    return more | _OUTPUTS.get(name, frozenset())
