"""A real PostgreSQL is the oracle of what a read shows: a plain read of a site's tables never answers with secrets."""

import random
from collections.abc import Iterator
from itertools import islice

import psycopg
import pytest

from gateway.core.effect import Effect
from gateway.parsing.result import Refusal
from gateway.parsing.tools import postgres as parser
from tests.fixtures_pg import Postgres
from tests.parsing.site import SITE

SECRET = "hunter2"
SET_UP = (
    f"""create table users (id int, status text, created_at text, user_id int, email text default '{SECRET}',
        password text default '{SECRET}', profile jsonb default '{{"status": "{SECRET}", "ssn": "{SECRET}"}}')""",
    "insert into users (id, status, created_at, user_id) values (1, 'open', 'today', 7), (2, 'shut', 'today', 8)",
    f"create table jobs (id int, state text, body text default '{SECRET}')",
    "insert into jobs (id, state) values (1, 'done')",
)
NAMES = ("status", "created_at", "id", "state", "email", "x", "upper", "max", "u", "status", "id", "type", "size")
COLUMNS = (
    "status",
    "id",
    "status",
    "id",
    "status",
    "created_at",
    "created_at",
    "email",
    "password",
    "profile",
    "state",
    "body",
    "user_id",
    "x",
    "*",
    "u.*",
)
SOURCES = (
    "users", "users", "users u", "users u", "users as {name}", "jobs", "jobs u", "users {name}",
    "(select {column} from users) {name}",
    "(select {column} as {name} from users) u", "(select * from (select {column} as {name} from users) y) u",
    "unnest(array[u.{column}]) {name}", "lateral upper(u.email) {name}", "lateral (select u.{column} as {name}) l",
    "(select {column} as {name} from users union select {column} from users) u", "cte", "cte u", "cte {name}",
    "(select email, status from users) as u(status, email)", "string_to_array(email, '') {name}",
    "jsonb_each_text(profile) {name}", "(users)", "(select {expression} from users) u", "concat(u.email) {name}",
    "(select status as {name}, count(*) as n from users group by 1) x", "(select {expression} as n from users u) x",
    "(select {column} as {name}, status from users) u", "(select upper(email) as {name}, id from users) u",
)  # fmt: skip
EXPRESSIONS = (
    "{column}", "{column} as {name}", "u.{column}", "users.{column}", "count(*)", "count({column})", "max({column})",
    "upper({column}::text)", "(select {column} from users limit 1)", "(select {column} as {name} from users limit 1)",
    "array(select {column} from users)", "exists(select {column} from users)", "coalesce({column}::text, status)",
    "case when {column} is null then 'a' else {column}::text end", "u", "users", "{name}", "row_to_json(u)",
    "profile->>'{name}'", "row_number() over (order by {column})", "first_value({column}) over (order by id)",
    "max({column}) filter (where {column} is not null)", "string_agg({column}::text, ',')", "to_json(users)",
    "{name}.{column}", "length({column}::text)", "{column}::text || ''", "u::text", "max({column}) as {name}",
    "jsonb_typeof({column}::text::jsonb)", "num_nulls({column})", "pg_typeof({column})",
    "n", "x.{name}", "max(n)", "(select n from users limit 1)",
)  # fmt: skip
CTES = (
    "", "", "with cte as (select {column} from users) ", "with cte as (select {column} as {name} from users) ",
    "with cte({name}) as (select {column} from users) ", "with cte as (select {expression} from users) ",
    "with cte as (select * from users), b as (select {column} as {name} from cte) ",
    "with cte as (select {column}, {column} as {name} from users union all select {column}, {column} from users) ",
    "with cte as (select {column}, {column} as {name} from users union select {expression}, {column} from users u) ",
    """with recursive cte as (select {column}, id as {name} from users where id = 1
        union all select u.{column}, u.{column} from users u join cte on cte.{name} = u.id) """,
)  # fmt: skip
TAILS = ("", "", " where {column} is not null", " order by 1", " limit 1", " union select {expression} from users")
TRIES = 6_000


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[psycopg.Connection]:
    postgres.run("create database shown")
    postgres.run(*SET_UP, database="shown")
    with psycopg.connect(postgres.dsn_of("shown"), autocommit=True) as connection:
        yield connection


def statements(seed: int) -> Iterator[str]:
    rng = random.Random(seed)

    def fill(text: str) -> str:
        while "{" in text:
            for slot, pool in (("{expression}", EXPRESSIONS), ("{column}", COLUMNS), ("{name}", NAMES)):
                if slot in text:
                    text = text.replace(slot, rng.choice(pool), 1)
        return text

    while True:
        outputs = ", ".join(rng.choice(EXPRESSIONS) for _ in range(rng.choice((1, 1, 2))))
        sources = ", ".join(rng.choice(SOURCES) for _ in range(rng.choice((1, 1, 2))))
        yield fill(f"{rng.choice(CTES)}select {outputs} from {sources}{rng.choice(TAILS)}")


def test_no_plain_read_answers_with_what_a_table_keeps_to_itself(database: psycopg.Connection) -> None:
    plain = sensitive = leaking = 0
    for text in islice(statements(seed=20261124), TRIES):
        parsed = parser.build(text, SITE.scopes["orders"], SITE)
        if isinstance(parsed, Refusal):
            continue
        try:
            answer = repr(database.execute(str(parsed.step.params["sql"]).encode()).fetchall())
        except psycopg.Error:
            continue
        if parsed.effect is Effect.READ:
            plain += 1
            assert SECRET not in answer, text
        else:
            sensitive += 1
            leaking += SECRET in answer
    assert plain > 100
    assert leaking > sensitive / 10  # the alphabet does reach the secrets
