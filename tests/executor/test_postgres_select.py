"""Reads of a real PostgreSQL."""

import json
from collections.abc import Iterator

import pytest

from gateway.adapters.clock import SystemClock
from gateway.executor.config import PostgresScope
from gateway.executor.secret import Secret
from gateway.executor.targets.postgres import PostgresTarget
from gateway.ports_target import Applied
from tests.executor.steps import Heard, sql, unheard
from tests.fixtures_pg import Postgres

pytestmark = pytest.mark.anyio
LIMIT = 4_096


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Postgres]:
    postgres.run(
        "DROP TABLE IF EXISTS orders",
        "CREATE TABLE orders (id bigint, note text)",
        "INSERT INTO orders VALUES (1, 'ok'), (9007199254740993, NULL)",
    )
    yield postgres
    postgres.run("DROP TABLE orders")


def target(postgres: Postgres, **settings: int | str) -> PostgresTarget:
    scope = PostgresScope(Secret(postgres.dsn), **settings)  # type: ignore[arg-type]  # settings by name
    return PostgresTarget(scope, SystemClock(), LIMIT)


async def read(postgres: Postgres, text: str, **settings: int | str) -> Applied:
    return await target(postgres, **settings).apply(sql(text), {}, unheard)


def rows(applied: Applied) -> list[dict[str, object]]:
    return [json.loads(line) for line in applied.output.splitlines()]


async def test_rows_come_back_as_json_lines(database: Postgres) -> None:
    applied = await read(database, "select id, note from orders order by id")
    assert applied.status == "applied"
    assert rows(applied) == [{"id": 1, "note": "ok"}, {"id": "9007199254740993", "note": None}]


async def test_values_that_python_or_json_cannot_hold_come_back_as_postgresql_writes_them(database: Postgres) -> None:
    columns = (
        "'infinity'::timestamptz as t", "0.1::numeric as n", "'NaN'::float8 as f", "'\\x00ff'::bytea as b",
        "'{\"a\":[9007199254740993]}'::jsonb as j", "array[1,2] as a", "true as yes",
    )  # fmt: skip
    applied = await read(database, f"select {', '.join(columns)}")
    expected = {"t": "infinity", "n": "0.1", "f": None, "b": "\\x00ff", "a": [1, 2], "yes": True}
    assert rows(applied) == [expected | {"j": {"a": ["9007199254740993"]}}]


async def test_columns_of_one_name_are_numbered(database: Postgres) -> None:
    applied = await read(database, "select 1 as a, 2 as a, 3 as a_2")
    assert rows(applied) == [{"a": 1, "a_2": 2, "a_2_2": 3}]


async def test_a_percent_sign_is_only_a_percent_sign(database: Postgres) -> None:
    applied = await read(database, "select '%s' as a, 7 % 4 as b where 'abc' like 'a%'")
    assert rows(applied) == [{"a": "%s", "b": 3}]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("select 1; drop table orders", "SQL_ERROR"),
        ("with w as (insert into orders values (2) returning 1) select * from w", "READ_ONLY_VIOLATED"),
        ("select nextval('s')", "SQL_ERROR"),
        ("drop table orders", "READ_ONLY_VIOLATED"),
        ("select pg_sleep(30)", "STATEMENT_TIMEOUT"),
    ],
)
async def test_what_is_not_a_short_read_is_refused_by_the_server_too(database: Postgres, text: str, code: str) -> None:
    applied = await read(database, text, statement_timeout_ms=300)
    assert (applied.status, applied.code) == ("not_applied", code)
    assert database.run("SELECT count(*) FROM orders") == [(2,)]


@pytest.mark.parametrize(
    "text", ["select count(note::int) from orders", "select 1 / length(note || '') - 1 from orders"]
)
async def test_an_error_quotes_no_value_of_a_row(database: Postgres, text: str) -> None:
    database.run("UPDATE orders SET note = 'hunter2'", "INSERT INTO orders VALUES (3, '')")
    applied = await read(database, text)
    assert (applied.status, applied.code) == ("not_applied", "SQL_ERROR")
    assert applied.detail in {"22P02: InvalidTextRepresentation", "22012: DivisionByZero"}


async def test_an_error_about_the_statement_says_what_is_wrong(database: Postgres) -> None:
    assert (await read(database, "select nothing from orders")).detail == '42703: column "nothing" does not exist'


async def test_functions_of_public_cannot_shadow_those_of_the_catalog(database: Postgres) -> None:
    database.run("CREATE OR REPLACE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'shadowed' $$")
    try:
        applied = await read(database, "select lower('A') as a, count(*) as n from orders")
        assert rows(applied) == [{"a": "a", "n": 2}]
    finally:
        database.run("DROP FUNCTION public.lower(text)")


async def test_reads_run_as_the_restricted_role(database: Postgres) -> None:
    database.run("DROP ROLE IF EXISTS reader", "CREATE ROLE reader")
    try:
        who = await read(database, "select current_user::text as u", read_role="reader")
        assert rows(who) == [{"u": "reader"}]
        applied = await read(database, "select * from orders", read_role="reader")
        assert (applied.status, applied.code) == ("not_applied", "TARGET_FORBIDDEN")
    finally:
        database.run("DROP ROLE reader")


async def test_output_over_the_limit_is_cut_at_a_row_and_marked(database: Postgres) -> None:
    heard, limit = Heard(), 100_000
    step = sql("select g as n, repeat('x', 1000) as filler from generate_series(1, 10000) g")
    scope = PostgresScope(Secret(database.dsn))
    applied = await PostgresTarget(scope, SystemClock(), limit).apply(step, {}, heard)
    assert applied.truncated
    assert applied.status == "applied"
    assert limit - 2_000 < len(applied.output) <= limit
    assert [row["n"] for row in rows(applied)] == list(range(1, len(rows(applied)) + 1))
    assert b"".join(heard.chunks) == applied.output


async def test_rows_over_the_limit_are_dropped_and_marked(database: Postgres) -> None:
    applied = await read(database, "select 1 as a from generate_series(1, 5) g", max_rows=3)
    assert applied.truncated
    assert len(rows(applied)) == 3


async def test_explain_and_show_are_reads_too(database: Postgres) -> None:
    explained = await target(database).apply(sql("explain select 1", operation="sql.explain"), {}, unheard)
    shown = await target(database).apply(sql("show max_connections", operation="sql.show"), {}, unheard)
    assert "QUERY PLAN" in rows(explained)[0]
    assert set(rows(shown)[0]) == {"max_connections"}


async def test_an_unreachable_server_is_a_clean_failure_that_names_no_secret() -> None:
    scope = PostgresScope(Secret("postgresql://svc:hunter2@127.0.0.1:1/none"), connect_timeout_s=1)
    applied = await PostgresTarget(scope, SystemClock(), LIMIT).apply(sql("select 1"), {}, unheard)
    assert (applied.status, applied.code) == ("not_applied", "TARGET_UNREACHABLE")
    assert "hunter2" not in repr(applied) + repr(scope)


async def test_an_operation_the_executor_does_not_know_touches_nothing(database: Postgres) -> None:
    applied = await target(database).apply(sql("select 1", operation="sql.vacuum"), {}, unheard)
    assert (applied.status, applied.code) == ("not_applied", "OPERATION_UNKNOWN")


async def test_a_lost_read_is_known_to_have_had_no_effect(database: Postgres) -> None:
    served = target(database)
    assert (await served.probe(sql("select 1"), {})).status == "not_applied"
    assert (await served.undo(sql("select 1"), {})).status == "undone"
    assert (await served.observe(sql("select 1"))).undo_class == "not_needed"
