"""Rarer shapes of SELECT: what each is, and what stands beside it and stays refused."""

import pytest

from gateway.core.effect import Effect
from gateway.parsing.result import ParsedStep
from gateway.parsing.tools import postgres
from tests.parsing.site import SITE, sql


def read(text: str) -> ParsedStep:
    parsed = postgres.build(text, SITE.scopes["orders"], SITE)
    assert isinstance(parsed, ParsedStep), parsed
    return parsed


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("select datname, usename, count(*) from pg_stat_activity group by rollup (datname, usename)", Effect.READ),
        ("select state, status, count(*) from orders group by cube (state, status)", Effect.READ),
        ("select count(*) from orders tablesample system (1)", Effect.READ),
        ("select status from orders tablesample bernoulli (0.5)", Effect.READ),
        ("select email from users tablesample system (1)", Effect.READ_SENSITIVE),
        ("select relid, level from pg_partition_tree('events')", Effect.READ),
        ("select statistics_name, attnames, kinds from pg_stats_ext", Effect.READ),
        ("select most_common_vals from pg_stats_ext", Effect.READ_SENSITIVE),
        ("select * from pg_stats_ext", Effect.READ_SENSITIVE),
        ("select exprs from pg_stats_ext", Effect.READ_SENSITIVE),
        ("table pg_stat_archiver", Effect.READ),
        ("table pg_catalog.pg_locks", Effect.READ),
        ("table users", Effect.READ_SENSITIVE),
        ("select d from generate_series(now() - interval '1 hour', now(), interval '5 minutes') d", Effect.READ),
        ("select d, a.pid from generate_series(1, 3) d join pg_stat_activity a on a.pid = d", Effect.READ),
        ("select generate_series(1, 10)", Effect.READ),
        ("select d, o.email from generate_series(1, 3) d join orders o on o.id = d", Effect.READ_SENSITIVE),
    ],
)  # fmt: skip
def test_a_rarer_read_has_the_effect_of_what_it_shows(text: str, effect: Effect) -> None:
    assert read(text).effects == {effect}


def test_a_table_statement_is_the_select_that_it_means() -> None:
    assert read("TABLE pg_locks;").step.digest == read("select * from pg_locks").step.digest


@pytest.mark.parametrize(
    "text",
    [
        "select 1 from t order by rollup (a)", "select rank() over (partition by cube (a)) from t", "select rollup(a)",
        "select cube(a) from t group by rollup (a)", "select 1 from t group by rollup (pg_sleep(1))",
        "select 1 from t group by rollup (a, nextval('s'))", "select 1 from t group by a order by cube (b)",
        "select 1 from t tablesample evil (1)", "select 1 from t tablesample system (pg_sleep(1))", "select system(1)",
        "select bernoulli(1)", "select 1 from public.system (1)", "select pg_ls_dir('/')", "select pg_ls_logdir()",
        "select pg_ls_waldir()", "table t; drop table t", "table t into x", "table t for update", "table only t",
        "table (select 1)", "table pg_sleep(1)", "table t where a = 1", "table pg_shadow", "explain table t",
        "with x as (table t) select 1", "with x as (delete from t returning *) table x", "table", "table 'x'",
    ],
)  # fmt: skip
def test_what_stands_beside_a_rarer_read_is_refused(text: str) -> None:
    assert sql(text) != "accepted"


CHAIN = (
    "with recursive chain as (select pid, unnest(pg_blocking_pids(pid)) as blocker, 1 as depth from pg_stat_activity "
    "union select c.pid, b.blocker, c.depth + 1 from chain c {join} where c.depth < 10) select * from chain"
)


@pytest.mark.parametrize(
    ("join", "code"),
    [
        ("join (select pid, unnest(pg_blocking_pids(pid)) as blocker from pg_stat_activity) b on b.pid = c.blocker",
         "accepted"),
        ("join pg_stat_activity b on b.pid = c.blocker", "accepted"),
        ("join (select pid, blocker from chain) b on b.pid = c.blocker", "SQL_RECURSION"),
        ("join (select 1 as pid, 2 as blocker) b on b.pid = c.blocker", "SQL_RECURSION"),
        ("join (select pid, blocker from chain join pg_locks using (pid)) b on b.pid = c.blocker", "SQL_RECURSION"),
        ("cross join (select pid as blocker from pg_stat_activity) b", "SQL_RECURSION"),
    ],
)  # fmt: skip
def test_a_recursion_may_walk_rows_that_an_inner_query_gives(join: str, code: str) -> None:
    assert sql(CHAIN.format(join=join)) == code


@pytest.mark.parametrize(
    "arguments",
    [
        "1, 10", "0, 9999", "10, 1, - 1", "1, 1000000, 1000", "now() - interval '1 hour', now(), interval '5 minutes'",
        "date_trunc('hour', now()) - interval '6 hours', now(), '15 minutes'::interval",
        "current_date - 30, current_date, interval '1 day'", "now() - interval '2 days', now(), interval '1 hour'",
        "current_date - interval '6 months', current_date, interval '1 month'",
        "date_trunc('day', now())::timestamp, current_timestamp, '1 minute'::interval",
    ],
)  # fmt: skip
def test_a_series_whose_length_can_be_told_is_accepted(arguments: str) -> None:
    assert sql(f"select 1 from generate_series({arguments}) g") == "accepted"


@pytest.mark.parametrize(
    "arguments",
    [
        "1, 1000000000000", "1, 10001", "1", "1, 2, 3, 4", "1, 10, 0", "0, 100, 0", "1, (select count(*) from t)",
        "1, pg_backend_pid()", "1, n", "1.5, 3", "now() - interval '1 year', now(), interval '1 second'",
        "now() - interval '9999 months', now(), interval '1 minute'", "now(), now()", "now(), now(), interval '0 days'",
        "now(), now() + interval '1 day', interval '- 1 second'", "timestamp '1000-01-01', now(), interval '1 day'",
        "now() - interval '1 day' * 100000, now(), interval '1 hour'", "now(), 'infinity', interval '1 day'",
        "now() - interval '5 hours', now(), interval '1 second'",
        "current_date - 99999, current_date, interval '1 day'",
        "pg_postmaster_start_time(), now(), interval '1 hour'", "now(), pg_sleep(1), interval '1 day'", "1e9, 2e9",
        "date_trunc('month', now()), now(), interval '1 second'", "now() - 5, now(), interval '1 second'", "",
        "min(a), max(a), interval '1 day'", "a => 1, b => 2", "now()::text, now(), interval '1 day'",
    ],
)  # fmt: skip
def test_a_series_that_may_be_long_is_refused(arguments: str) -> None:
    assert sql(f"select 1 from generate_series({arguments}) g") != "accepted"


@pytest.mark.parametrize(
    "text",
    [
        "select 1 from generate_series(1, 10000) a, generate_series(1, 10000) b",
        "select generate_series(1, 10), generate_series(1, 10)", "select public.generate_series(1, 10)",
        'select "generate_series"(1, 10)', "select generate_series from generate_series(1, 99999) g",
    ],
)  # fmt: skip
def test_two_series_or_one_of_another_name_are_refused(text: str) -> None:
    assert sql(text) != "accepted"


@pytest.mark.parametrize(
    "text",
    [
        "select b, n, sum(n) over (order by b) from (select created_at as b, count(*) as n from orders group by 1) x",
        "select * from (select status, count(*) as n from orders group by 1) x",
        "with t as (select status, count(*) as n from orders group by 1) select t.status, t.n from t order by n desc",
        "with users as (select count(*) as email from orders) select email from users",
        "select array_agg(n) from (select status as n from orders) x",
    ],
)
def test_a_name_that_an_inner_query_gives_to_an_operational_value_is_operational(text: str) -> None:
    assert read(text).effects == {Effect.READ}


@pytest.mark.parametrize(
    "text",
    [
        "select * from (select email as n from users) x",
        "select n from (select count(*) as n from orders) x, (select email as n from users) y",
        "select * from (select status, email as e from users) x",
        "select e from (select status as e from orders) x, users",
        "select e from (select status as e from orders) x join users u on true",
        "select email from (select status from orders) x, lateral (select email from users) y",
        "with t as (select * from users) select n from t",
        "with t as (select count(*) as email from orders) select email from t, users",
        "with t as (select count(*) as email from orders) select email from public.t",
        "with t as (select status as email from orders union select email from users) select email from t",
        "select n from (select status as n from orders union all select email from users) x",
        "select (select n from users limit 1) from (select status as n from orders) x",
        "select n from (select status as n from orders) x where n = (select n from users limit 1)",
        "select n from (select (select email from users limit 1) as n) x",
        "select n from (select n from (select email as n from users) a) b",
        "select max(n) from (select unnest(array_agg(email)) as n from users) x",
        "select * from (select * from (select email from users) a) b",
        "select n from (select status as n from orders) x where exists (select 1 from users where password = 'x')",
    ],
)
def test_a_name_that_may_be_of_another_value_is_not(text: str) -> None:
    assert read(text).effects == {Effect.READ_SENSITIVE}
