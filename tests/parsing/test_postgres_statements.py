"""The texts of other sessions' statements: whole they are redacted, cut into pieces they need a human."""

import random
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from gateway.core.effect import Effect
from gateway.core.redact import Redactor
from gateway.parsing.result import Refusal
from gateway.parsing.tools import postgres as parser
from tests.fixtures_pg import Postgres
from tests.parsing.site import SITE


def effects(text: str) -> frozenset[Effect]:
    parsed = parser.build(text, SITE.scopes["orders"], SITE)
    assert not isinstance(parsed, Refusal), parsed
    return parsed.effects


@pytest.mark.parametrize(
    "output",
    [
        "substring(query from 'PASSWORD (.*)')", "substring(query, 'PASS.*')", "substring(query, 30)",
        "substr(query, 30, 10)", "substring(query from length(query) - 9)", "right(query, 20)", "reverse(query)",
        "translate(query, 'abc', 'xyz')", "split_part(query, ' ', 5)", "string_to_array(query, ' ')",
        "regexp_matches(query, 'PASSWORD (.*)')", "regexp_replace(query, '.*PASSWORD', '')", "btrim(query, 'alterPW ')",
        "replace(query, 'PASSWORD', '')", "regexp_split_to_array(query, 'x')", "upper(right(query, 20))",
        "trim(both 'x' from query)",
    ],
)  # fmt: skip
def test_a_piece_of_a_statement_is_sensitive(output: str) -> None:
    assert effects(f"select {output} from pg_stat_activity") == {Effect.READ_SENSITIVE}


def test_a_piece_of_a_renamed_statement_is_sensitive() -> None:
    text = "select right(s.q, 9) from (select query as q from pg_stat_activity) as s"
    assert effects(text) == {Effect.READ_SENSITIVE}


@pytest.mark.parametrize(
    "output",
    [
        "query", "left(query, 80)", "substring(query, 1, 100)", "substr(query, 1, 60)", "lower(query)", "trim(query)",
        "regexp_replace(query, '[[:space:]]+', ' ', 'g')", "replace(query, '  ', ' ')", "length(query)",
        "string_agg(query, ' ')", "coalesce(query, '')", "right(usename::text, 3)", "md5(query)",
    ],
)  # fmt: skip
def test_a_statement_shown_from_its_beginning_is_plain(output: str) -> None:
    assert effects(f"select {output} from pg_stat_activity where state = 'active'") == {Effect.READ}


@pytest.mark.parametrize(
    "text",
    [
        "select count(*) from users u where u::text like '%a%'", "select id from users u order by u",
        "select count(distinct u) from users u", "select id from users u where u > row(1, 'a')",
        "select count(*) from users join leaked using (password)", "select count(*) from users natural join leaked",
        "explain analyze select id from users u where u::text like '%a%'",
    ],
)  # fmt: skip
def test_a_question_about_a_whole_row_or_a_secret_join_is_sensitive(text: str) -> None:
    assert effects(text) == {Effect.READ_SENSITIVE}


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("select c.relname, s.avg_width from pg_stats s join pg_class c on c.relname = s.tablename", "read"),
        ("select sum((1 - null_frac) * avg_width) from pg_stats, pg_namespace where nspname = schemaname", "read"),
        ("select s.* from pg_stats s join pg_class c on c.relname = s.tablename", "read_sensitive"),
        ("select s from pg_stats s, pg_class c", "read_sensitive"),
        ("select x.a from pg_stats as x(a, b), pg_class", "read_sensitive"),
        ("select q.v from (select most_common_vals as v from pg_stats) q, pg_class", "read_sensitive"),
        ("select null_frac from pg_stats, orders", "read_sensitive"),
        ("select null_frac from pg_stats, pg_statistic", "read_sensitive"),
    ],
)  # fmt: skip
def test_widths_of_columns_are_plain_and_samples_are_not_whatever_they_are_joined_with(text: str, effect: str) -> None:
    assert effects(text) == {Effect(effect)}


SECRET = "hunter2-hunter2"
PIECES = (
    "query", "query", "{}", "left({}, 120)", "left({}, 9)", "right({}, 20)", "substring({}, 1, 90)", "lower({})",
    "substring({}, 20, 60)", "substring({} from 'h.*2')", "split_part({}, ' ', 5)", "reverse({})", "trim({})",
    "replace({}, 'PASSWORD', '')", "replace({}, ' ', '  ')", "regexp_replace({}, '[[:space:]]+', ' ', 'g')",
    "regexp_replace({}, '.*PASSWORD .', '')", "btrim({}, 'ALTERO PSWDabc')", "translate({}, 'PASWORD', 'xxxxxxx')",
    "string_agg({}, ' ')", "max({})", "coalesce({}, '')", "{} || ''", "concat({}, 1)", "{}::text", "to_json({})",
    "string_to_array({}, ' ')", "array_agg({})", "regexp_matches({}, 'PASSWORD (.*)')", "initcap({})", "upper({})",
    "(select {})", "case when true then {} end", "nullif({}, '')", "format('%s', {})", "greatest({}, '')",
)  # fmt: skip
SOURCES = (
    "pg_stat_activity", "pg_stat_activity a", "(select query from pg_stat_activity) s",
    "(select right(query, 25) as query from pg_stat_activity) s", "(select * from pg_stat_activity) s",
)  # fmt: skip


@pytest.fixture(scope="module")
def watched(postgres: Postgres) -> Iterator[psycopg.Connection]:
    """A connection beside a session whose last statement set a password."""
    postgres.run("create role abc")
    with psycopg.connect(postgres.dsn, autocommit=True) as other, psycopg.connect(postgres.dsn, autocommit=True) as own:
        other.execute(f"ALTER ROLE abc PASSWORD '{SECRET}'")
        yield own


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)


def test_no_plain_read_of_statements_answers_with_a_password_that_redaction_leaves(watched: psycopg.Connection) -> None:
    redactor, rng = Redactor("test", b"k" * 32), random.Random(20261124)
    plain = leaking = 0
    for _ in range(1_500):
        output = rng.choice(PIECES)
        while "{}" in output:
            output = output.replace("{}", rng.choice(PIECES if output.count("(") < 3 else ("query",)), 1)
        text = f"select {output} from {rng.choice(SOURCES)}"
        parsed = parser.build(text, SITE.scopes["orders"], SITE)
        rows: list[tuple[object, ...]] = []
        with suppress(psycopg.Error):
            if not isinstance(parsed, Refusal):
                rows = watched.execute(str(parsed.step.params["sql"]).encode()).fetchall()
        shown = "\n".join(redactor.text(each) for each in _texts(rows)).lower()
        leaks = SECRET in shown or SECRET[::-1] in shown or SECRET[-9:] in shown
        if not isinstance(parsed, Refusal) and parsed.effects == {Effect.READ}:
            plain += 1
            assert not leaks, text
        leaking += leaks
    assert plain > 200
    assert leaking > 20  # the alphabet does reach the secret
