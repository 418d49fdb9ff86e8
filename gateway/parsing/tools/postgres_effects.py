"""What a read shows: statistics, a site's own data, or credentials.

Statistics and catalogs are plain reads. Rows of a site's tables are `read_sensitive`, unless the only columns that
reach the output are operational ones (status, times, sizes) or are merely counted: what an incident needs without
showing a customer. A WHERE clause can still ask yes-or-no questions of any column that is not a secret; that much is
accepted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

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
from gateway.parsing.tools.postgres_shown import asks_about_secrets, shows_operational_only
from gateway.parsing.tools.postgres_statements import carves_statements
from gateway.parsing.tools.postgres_tree import Query, read_tree

_SCHEMA = "information_schema."
# Columns of sensitive catalogs that hold no sample, secret or address.
_PLAIN_COLUMNS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "pg_stats": names("schemaname tablename attname inherited null_frac avg_width n_distinct correlation"),
        "pg_stats_ext": names(
            "schemaname tablename statistics_schemaname statistics_name statistics_owner attnames kinds inherited "
            "n_distinct dependencies"
        ),
        "pg_subscription": names("oid subdbid subname subowner subenabled subslotname subpublications subsynccommit"),
        "pg_foreign_server": names("oid srvname srvowner srvtype srvversion"),
    }
)
# Of `pg_stats`, samples of a site's data; the rest are widths and shares, as every query about bloat reads them.
_SAMPLES = names(
    """
    most_common_vals most_common_freqs histogram_bounds most_common_elems most_common_elem_freqs elem_count_histogram
    range_length_histogram range_empty_frac range_bounds_histogram
    """
)
# Password hashes and passwords for other servers: no approver can want an agent to have them.
_PASSWORDS = names("pg_authid pg_shadow pg_user_mapping pg_user_mappings information_schema.user_mapping_options")
# Settings that hold commands, connection strings or the way to keys.
_SENSITIVE_SETTING = re.compile(r"conninfo|passphrase|_command|keyfile|krb_|ldap", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Examined:
    """What the tree of a read says: its relations, its effect and the evidence for the effect."""

    relations: tuple[str, ...]
    effect: Effect
    why: str
    counted: Effect
    """The effect when rows are only counted, as EXPLAIN ANALYZE does."""


@lru_cache(maxsize=512)
def examine(sql: str, extra: frozenset[str]) -> Examined | Refusal:
    """Pass a canonical SELECT through the tree gate and class it.

    Answers are remembered: agents and telemetry ask the same questions again and again, and reading the
    tree is the dearest stage of a parse.
    """
    query = read_tree(sql, extra)
    if isinstance(query, Refusal):
        return query
    password = next((relation for relation in query.relations if relation in _PASSWORDS), None)
    if password is not None:
        return Refusal("SQL_CREDENTIALS", args={"relation": password})
    effect, why = read_effect(query)
    kinds = {_kind(relation) for relation in query.relations}
    secret = "credentials" in kinds or ("data" in kinds and asks_about_secrets(query.tree))
    return Examined(query.relations, effect, why, Effect.READ_SENSITIVE if secret else Effect.READ)


def read_effect(query: Query) -> tuple[Effect, str]:
    """Return the effect of running a read, and the evidence for it."""
    kinds = {_kind(relation) for relation in query.relations}
    if "credentials" in kinds:
        plain = _plain_columns(query) or _plain_statistics(query)
        return (Effect.READ, "columns:plain") if plain else (Effect.READ_SENSITIVE, "relation:credentials")
    if "pg_settings" in query.relations and _names_a_sensitive_setting(query.tree):
        return Effect.READ_SENSITIVE, "setting:sensitive"
    if "data" not in kinds:
        carved = carves_statements(query.tree, query.relations)
        return (Effect.READ_SENSITIVE, "text:carved") if carved else (Effect.READ, "relation:statistics")
    if shows_operational_only(query.tree):
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


def _plain_columns(query: Query) -> bool:
    """Tell whether one sensitive catalog is read alone, and only by its plain columns."""
    plain = _PLAIN_COLUMNS.get(query.relations[0]) if len(query.relations) == 1 else None
    tree = query.tree
    if plain is None or not isinstance(tree, exp.Select) or sum(1 for _ in tree.find_all(exp.Query)) > 1:
        return False
    table, *others = tree.find_all(exp.Table, exp.Unnest, exp.Values, exp.Lateral)
    called = table.alias_or_name
    renamed = bool(others) or called in plain or any(alias.columns for alias in tree.find_all(exp.TableAlias))
    return not renamed and not any(tree.find_all(exp.Star)) and all(c.name in plain for c in tree.find_all(exp.Column))


def _plain_statistics(query: Query) -> bool:
    """Tell whether statistics are joined with `pg_stats` and none of its samples can be among the values."""
    others = [relation for relation in query.relations if relation != "pg_stats"]
    if len(others) == len(query.relations) or any(_kind(relation) != "statistics" for relation in others):
        return False
    tree = query.tree
    stars = any(not isinstance(star.parent, exp.Count) for star in tree.find_all(exp.Star))
    renamed = any(alias.columns for alias in tree.find_all(exp.TableAlias))
    used = {identifier.name.lower() for identifier in tree.find_all(exp.Identifier)}
    return not stars and not renamed and not used & _SAMPLES and not asks_about_secrets(tree)


def _names_a_sensitive_setting(tree: exp.Expr) -> bool:
    return any(literal.is_string and _SENSITIVE_SETTING.search(literal.name) for literal in tree.find_all(exp.Literal))
