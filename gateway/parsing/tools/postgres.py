"""PostgreSQL steps: reads that two gates prove to be reads, and three writes of exact shape.

`params.sql` of a read is its canonical text, and that text is what the executor runs, in a READ ONLY transaction,
with `standard_conforming_strings=on`, `search_path` pinned to start with pg_catalog, and without client-side
parameters (a `%` in it is an operator). Nothing ever reaches psql.
"""

import re

from gateway.core.canonical import Json
from gateway.core.effect import Effect, Undo
from gateway.core.step import Step, Target, Tool
from gateway.parsing.catalog import Catalog, Scope
from gateway.parsing.result import ParsedStep, Refusal
from gateway.parsing.scope import resolve_scope
from gateway.parsing.tools.postgres_effects import examine
from gateway.parsing.tools.postgres_gate import gate
from gateway.parsing.tools.postgres_names import SETTINGS
from gateway.parsing.tools.postgres_psql import read_psql
from gateway.parsing.tools.postgres_tokens import Token, render, tokenize
from gateway.parsing.tools.postgres_writes import OPERATIONS, Write, match_write, write
from gateway.parsing.typed import agrees
from gateway.parsing.words import TypedStep, Word

TOOL: Tool = "postgres"
TABLE = "postgres-15"
READS = ("sql.select", "sql.explain", "sql.show")
_ALL_ROWS = (Token("word", "select"), Token("operator", "*"), Token("word", "from"))  # `TABLE t` is that
_RELATION = (["word"], ["word", "mark", "word"])
_SHOWN_WORD = re.compile(r"[a-z]{1,24}")
_EXPLAIN_SWITCHES = frozenset(
    {"analyze", "buffers", "costs", "generic_plan", "memory", "settings", "summary", "timing", "verbose", "wal"}
)
_EXPLAIN_FORMATS = frozenset({"text", "json", "yaml", "xml"})
_ON_OFF = frozenset({"on", "off", "true", "false"})


def from_argv(words: tuple[Word, ...], catalog: Catalog, scope: str | None) -> ParsedStep | Refusal:
    """Read `psql -c SQL`; a scope named by `-d` may not contradict the proposal's."""
    psql = read_psql(words)
    if isinstance(psql, Refusal):
        return psql
    if psql.scope is not None and scope is not None and psql.scope != scope:
        return Refusal("SCOPE_CONFLICT")
    where = resolve_scope(catalog, TOOL, psql.scope if psql.scope is not None else scope)
    if isinstance(where, Refusal):
        return where
    step = build(psql.sql.text, where, catalog)
    return Refusal(step.code, psql.sql.span, step.args) if isinstance(step, Refusal) else step


def from_typed(step: TypedStep, catalog: Catalog) -> ParsedStep | Refusal:
    """Read a typed step; a read is given as SQL, a write by its params."""
    where = resolve_scope(catalog, TOOL, step.scope)
    if isinstance(where, Refusal):
        return where
    parsed = _typed(step, where, catalog)
    return parsed if isinstance(parsed, Refusal) else agrees(step, parsed) or parsed


def build(sql: str, where: Scope, catalog: Catalog) -> ParsedStep | Refusal:
    """Return the one step that a statement means, for both doors."""
    tokens = tokenize(sql)
    if isinstance(tokens, Refusal):
        return tokens
    change = match_write(tokens)
    if change is not None:
        return change if isinstance(change, Refusal) else _write_step(change, where)
    if tokens[0] == Token("word", "table") and [token.kind for token in tokens[1:]] in _RELATION:
        tokens = (*_ALL_ROWS, *tokens[1:])
    first = tokens[0].text
    if first == "show":
        return _show(tokens, where)
    if first == "explain":
        return _explain(tokens, where, catalog)
    return _select(tokens, tokens, where, catalog)


def _typed(step: TypedStep, where: Scope, catalog: Catalog) -> ParsedStep | Refusal:
    if step.operation in OPERATIONS:
        change = write(step.operation, step.params)
        return change if isinstance(change, Refusal) else _write_step(change, where)
    if step.operation not in READS:
        known = ", ".join((*READS, *OPERATIONS))
        return Refusal("TYPED_OPERATION_UNKNOWN", args={"operation": "this", "known": known})
    if set(step.params) != {"sql"} or not isinstance(step.params["sql"], str):
        return Refusal("SQL_PARAMS", args={"wanted": "sql (text)"})
    return build(step.params["sql"], where, catalog)


def _select(
    tokens: tuple[Token, ...], query: tuple[Token, ...], where: Scope, catalog: Catalog
) -> ParsedStep | Refusal:
    """Check `query`, which is the whole statement or the part behind EXPLAIN."""
    if query[:1] and query[0].text not in {"select", "with", "("}:
        first = query[0].text
        return Refusal("SQL_NOT_READ", args={"word": first if _SHOWN_WORD.fullmatch(first) else "this word"})
    functions = gate(query, catalog.sql_functions)
    if isinstance(functions, Refusal):
        return functions
    read = examine(render(query), catalog.sql_functions)
    if isinstance(read, Refusal):
        return read
    explained = query is not tokens
    effect, why = (read.effect, read.why)
    if explained:  # a plan shows no row; with ANALYZE it counts them
        effect, why = (read.counted, "sql:explain analyze") if _analyzes(tokens) else (Effect.READ, "sql:explain")
    api = {
        "statement": "EXPLAIN" if explained else "SELECT",
        "tables": list(read.relations),
        "functions": list(functions),
    }
    return _read_step("sql.explain" if explained else "sql.select", tokens, api, where, (effect, why))


def _explain(tokens: tuple[Token, ...], where: Scope, catalog: Catalog) -> ParsedStep | Refusal:
    """Accept EXPLAIN of a read; ANALYZE runs it, so that it must be a read is all the difference."""
    texts = [token.text for token in tokens]
    start = 1
    if texts[1:2] == ["("]:
        start = texts.index(")") + 1 if ")" in texts else len(texts)
        if not _explain_options(texts[2 : start - 1]):
            return Refusal("SQL_EXPLAIN")
    else:
        start += texts[1:2] == ["analyze"]
        start += texts[start : start + 1] == ["verbose"]
    if texts[start : start + 1] not in (["select"], ["with"]):
        return Refusal("SQL_EXPLAIN")
    return _select(tokens, tokens[start:], where, catalog)


def _analyzes(tokens: tuple[Token, ...]) -> bool:
    """Tell whether `analyze` stands between EXPLAIN and the read, whatever value it has."""
    texts = [token.text for token in tokens]
    first = next(index for index, text in enumerate(texts) if text in {"select", "with"})
    return "analyze" in texts[:first]


def _explain_options(texts: list[str]) -> bool:
    options = [option.split() for option in " ".join(texts).split(",")]
    return bool(texts) and all(_explain_option(option) for option in options)


def _explain_option(option: list[str]) -> bool:
    if len(option) == 1:
        return option[0] in _EXPLAIN_SWITCHES
    if len(option) != 2:
        return False
    name, value = option
    return (name in _EXPLAIN_SWITCHES and value in _ON_OFF) or (name == "format" and value in _EXPLAIN_FORMATS)


def _show(tokens: tuple[Token, ...], where: Scope) -> ParsedStep | Refusal:
    name = "".join(token.text for token in tokens[1:])
    name = "transaction_isolation" if name == "transactionisolationlevel" else name
    plain = all(token.kind == "word" or token.text == "." for token in tokens)
    if not plain or (name != "all" and name not in SETTINGS) or (name == "all" and len(tokens) != 2):
        return Refusal("SQL_SETTING", args={"setting": "this setting"})
    api: dict[str, Json] = {"statement": "SHOW", "tables": [], "functions": []}
    return _read_step("sql.show", tokens, api, where, (Effect.READ, "sql:show"))


def _read_step(
    operation: str, tokens: tuple[Token, ...], api: dict[str, Json], where: Scope, found: tuple[Effect, str]
) -> ParsedStep:
    target = Target(scope=where.name, kind="database", id=f"pg:{where.name}/-")
    step = Step(tool=TOOL, operation=operation, api=api, target=target, params={"sql": render(tokens)})
    effect, why = found
    evidence = (f"table:postgres#{operation}", why)
    return ParsedStep(step, frozenset({effect}), evidence, TABLE, Undo.NOT_NEEDED)


def _write_step(change: Write, where: Scope) -> ParsedStep:
    target = Target(
        scope=where.name,
        kind=change.kind,
        id=f"pg:{where.name}/{change.kind}/{','.join(change.names)}",
        fanout="one" if len(change.names) == 1 else "listed",
        names=change.names,
    )
    api = {"statement": change.statement, "tables": [], "functions": list(change.functions)}
    step = Step(tool=TOOL, operation=change.operation, api=api, target=target, params=change.params)
    evidence = (f"table:postgres#{change.operation}",)
    return ParsedStep(step, frozenset({Effect.WRITE}), evidence, TABLE, change.undo)
