"""A real PostgreSQL is the oracle of the SQL gates.

Whatever is accepted as a read is run by a superuser in a transaction that may write: it must not get a transaction
id, take a lock that readers do not take, move a sequence, or call a function of ours. And the canonical text that
would be executed must answer exactly what the proposed text answers.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from gateway.core.effect import only_reads
from gateway.parsing.lexer import lex
from gateway.parsing.result import Refusal
from gateway.parsing.tools import postgres as parser
from tests.fixtures_pg import Postgres
from tests.parsing.site import SITE

CORPUS = (Path(__file__).parent.parent / "corpora" / "reads_sql.txt").read_text(encoding="utf-8").splitlines()
# `called` is set by every function that a gate should have kept out.
TRAP = "plpgsql as $$ begin perform set_config('trap.called', 'yes', true); return 1; end $$"
TRAPS = ("evil", "filter", "over", "by", "like", "rollup", "cube", "system", "bernoulli")
SET_UP = (
    "create table t (a int, b text)",
    "insert into t values (1, 'x'), (2, 'y')",
    "create table u (a int, c text)",
    "create table orders (id int, status text, customer_id int, created_at timestamptz)",
    "create table jobs (id int, status text, created_at timestamptz)",
    "create table schema_migrations (version text)",
    "create table alembic_version (version_num text)",
    "create sequence s",
    *(f'create function "{name}"(int) returns int language {TRAP}' for name in TRAPS),
    f"create function evil() returns int language {TRAP}",
    "create domain evilt as int check (evil(value) > 0)",
    "create operator public.=== (leftarg = int, rightarg = int, function = int4pl)",
)
EXPRESSIONS = (
    "1", "'a'", "a", "t.a", "b", "count(*)", "1.5", "-1", "not true", "a between 1 and 2", "null", "a is not null",
    "interval '1 day'", "a::int", "a::text", "'t'::regclass", "cast(1 as text)", "(select 1)", "array[a]", "row(1, 2)",
    "exists(select 1 from t)", "case when a > 0 then 1 else 2 end", "left('abc', 1)", "current_setting('work_mem')",
    "sum(a) over (partition by b)", "count(*) filter (where a > 1)", "string_agg(b, ',')", "now()",
    "pg_catalog.abs(-1)", "nextval('s')", "setval('s', 1)", "pg_notify('c', 'x')", "evil(1)", "evil()",
    "public.evil(1)", '"evil"(1)',
    "filter(1)", "over(1)", "by(1)", "like(1)", "pg_advisory_lock(1)", "lo_creat(1)", "txid_current()", "'1'::evilt",
    "cast(a as evilt)", "evilt '1'", "coalesce(a, evil(1))", "a operator(public.===) 1", "a === 1", "E'a'", "$1",
    "query_to_xml('select nextval(''s'')', true, true, '')", "set_config('a.b', 'c', false)", "U&'x'",
    "(select nextval('s'))", "(table t)",
    "rollup(1)", "cube(1)", "system(1)", "bernoulli(1)", "generate_series(1, 3)", "grouping(a)",
    r"'a\d'", r"regexp_replace('a1b', '\d+', '\\', 'g')", r"'a\'", r"E'a\'", r"'\\'",
    "w.evil", "g.evil", "k.evil", "h.h", "h.evil", "t.evil", "l.evil", "x.a", "session_user.evil",
    "(a) evil(a)", "a in (1) evil(a)", "(a) operator(pg_catalog.+) evil(a)",
)  # fmt: skip
SOURCES = (
    "t", "t x", "u", "public.t", "pg_class", "(select * from t) q", "(values (1)) as v(a)", "t join u on true", "cte",
    "t left join u using (a)", "lateral (select 1) l", "unnest(array[1]) as w(a)", "only t", "evil(1) as e",
    "t tablesample system (100)", "t tablesample bernoulli (1)", "generate_series(1, 3) as g(a)", "system(1) as e",
    "t, evil(1) as (a int)", "rows from (evil(1)) as r", "(insert into t values (9) returning a) z",
    "t tablesample system(1)", "unnest(array[evil(1)]) as k(a)", "generate_series(1, 3) h", "lateral abs(1) l",
    "unnest(array[1]) h", "abs(1) x(a)", "coalesce(1, 2) l",
    "(select 1) evil(a)", "(values (1)) evil (a)", "abs(1) evil(a)",
)  # fmt: skip
TAILS = (
    "where a > 1", "order by 1", "limit 1", "group by a", "group by rollup (a)", "order by rollup (a)",
    "group by cube (a, evil(1))", "union select 1", "having count(*) > 0", "offset 1",
    "fetch first 1 rows only", "window w as (order by a)", ";", "where evil(1) > 0", "for update", "for share",
    "for no key update", "for key share of t", "union all (select nextval('s'))", "union table t", "into newt",
    "; select 1", "except select evil(1)", "order by evil(1)", "limit evil(1)",
)  # fmt: skip
HEADS = (
    "select ", "select ", "select ", "SELECT\n", "select distinct ", "select distinct on (a) ", "explain select ",
    "select distinct on (a) evil(a), ",
    "with cte as (select 1 as a) select ", "with cte(a) as (select 1) select ", "explain analyze select ",
    "with cte as materialized (select 1 as a) select ", "explain (analyze) select ", "values ", "table ",
    "with cte as (insert into t values (8) returning a) select ", "with x as (select 1) update t set a = 1 returning ",
    "with cte as (delete from t returning a) select ", "with cte(a) as (update t set a = a returning a) select ",
)  # fmt: skip
HOSTILE = ("evil", "nextval", "setval", "insert", "for ", "(1)", "$", "into", "===", "select 1", "U&", "E'", "table")
TRIES = 2_500


@dataclass(frozen=True, slots=True)
class Ran:
    """What a statement did: its rows or its error, and its traces."""

    answer: object
    traces: tuple[object, ...] | None


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[psycopg.Connection]:
    postgres.run("create database gates")
    postgres.run(*SET_UP, database="gates")
    with psycopg.connect(postgres.dsn_of("gates")) as connection:
        connection.execute("set statement_timeout = '5s'")
        connection.commit()
        yield connection


def run(connection: psycopg.Connection, sql: str) -> Ran:
    """Run one statement in a transaction that is rolled back, and look at what it left in it."""
    try:
        with connection.transaction(force_rollback=True):
            cursor = connection.execute(sql.encode())
            answer = cursor.fetchall() if cursor.description else None
            traces = connection.execute(
                "select pg_current_xact_id_if_assigned(), (select last_value from s),"
                " current_setting('trap.called', true),"
                " (select count(*) from pg_locks where pid = pg_backend_pid()"
                "   and (mode <> 'AccessShareLock' or locktype = 'advisory') and locktype <> 'virtualxid'"
                # a look at a sequence takes the lock of a writer
                "   and relation is distinct from 's'::regclass)"
            ).fetchone()
    except psycopg.Error as exc:
        return Ran((type(exc).__name__, str(exc).partition("\n")[0]), None)
    return Ran(answer, traces)


def untouched(connection: psycopg.Connection) -> tuple[object, ...] | None:
    return run(connection, "select 1").traces


def proposals(seed: int) -> Iterator[str]:
    rng = random.Random(seed)

    def some(pool: Sequence[str], most: int) -> list[str]:
        harmless = [text for text in pool if not any(mark in text for mark in HOSTILE)]
        return rng.sample(harmless if rng.random() < 0.7 else pool, rng.randint(1, most))

    for _ in range(TRIES):
        text = rng.choice(HEADS) + rng.choice((", ", ",", "\n, ")).join(some(EXPRESSIONS, 2))
        if rng.random() < 0.8:
            text += " from " + ", ".join(some(SOURCES, 2))
        for tail in some(TAILS, 2)[: rng.choice((0, 1, 2))]:
            text += " " + tail
        if rng.random() < 0.15:
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice("(),;.'\" \n-*/:$&|=") + text[at + rng.choice((0, 1)) :]
        yield text


def steady(text: str) -> bool:
    """Tell whether two runs of a statement answer the same, whatever is executed."""
    return not any(word in text.lower() for word in ("now()", "explain", "pg_class", "tablesample", "clock_"))


@pytest.mark.parametrize("seed", [1, 20261124])
def test_an_accepted_statement_leaves_no_trace_and_its_canonical_text_answers_the_same(
    seed: int, database: psycopg.Connection
) -> None:
    clean = untouched(database)
    outcomes: Counter[str] = Counter()
    for text in proposals(seed):
        parsed = parser.build(text, SITE.scopes["orders"], SITE)
        if isinstance(parsed, Refusal):
            outcomes["refused"] += 1
            continue
        assert only_reads(parsed.effects), text
        proposed, canonical = run(database, text), run(database, parsed.step.params["sql"])
        outcomes["ran" if proposed.traces else "failed"] += 1
        assert proposed.traces in {None, clean}, text
        assert (canonical.traces is None) == (proposed.traces is None), text
        if steady(text) and proposed.traces:
            assert canonical.answer == proposed.answer, text
    assert outcomes["ran"] > 100
    assert outcomes["refused"] > 500


@pytest.mark.parametrize(
    "text",
    ["select nextval('s')", "select evil(1)", "select * from t for update", "select '1'::evilt", "delete from t",
     "select pg_advisory_xact_lock(1)", "with cte as (insert into t values (8) returning a) select a from cte"],
)  # fmt: skip
def test_the_oracle_sees_a_trace_where_there_is_one(text: str, database: psycopg.Connection) -> None:
    assert run(database, text).traces not in {None, untouched(database)}


@pytest.mark.parametrize("line", CORPUS)
def test_the_canonical_text_of_a_plain_read_means_what_was_typed(line: str, database: psycopg.Connection) -> None:
    commands = lex(line)
    assert not isinstance(commands, Refusal)
    words = [word.text for word in commands[0].words]
    proposed = next((w.removeprefix("--command=") for w in words if w.startswith("--command=")), words[-1])
    parsed = parser.build(proposed, SITE.scopes["orders"], SITE)
    assert not isinstance(parsed, Refusal)
    first, second = run(database, proposed), run(database, parsed.step.params["sql"])
    assert first.traces == second.traces
    assert first.traces in {None, untouched(database)}
    if first.traces is None:  # a view or a column that this version does not have
        assert str(first.answer) == str(second.answer)
