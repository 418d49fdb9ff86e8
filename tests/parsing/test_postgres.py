"""psql and SQL: what is a read, what is a write of exact shape, and what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.effect import Effect, Undo
from gateway.core.step import Step
from gateway.parsing.result import Refusal
from gateway.parsing.tools import postgres
from gateway.parsing.tools.postgres_tokens import render, tokenize
from tests.parsing.site import SITE, as_typed, code, plan, site, sql, step, typed

CORPUS = (Path(__file__).parent.parent / "corpora" / "reads_sql.txt").read_text(encoding="utf-8").splitlines()


def effect(text: str) -> Effect:
    parsed = postgres.build(text, SITE.scopes["orders"], SITE)
    assert not isinstance(parsed, Refusal), parsed
    return parsed.effect


def digest(text: str) -> str:
    return step(f"psql -c '{text}'").step.digest


@pytest.mark.parametrize("line", CORPUS)
def test_a_plain_read_is_accepted_as_a_read_and_its_typed_form_is_the_same_step(line: str) -> None:
    parsed = step(line)
    assert parsed.effects == {Effect.READ}
    assert parsed.undo is Undo.NOT_NEEDED
    again = typed(as_typed(parsed))
    assert not isinstance(again, Refusal)
    assert again.steps[0].step == parsed.step
    assert again.steps[0].step.digest == parsed.step.digest


def test_a_read_is_a_step_with_its_statement_tables_and_functions() -> None:
    parsed = step('psql -c "SELECT pid, now() FROM pg_catalog.pg_stat_activity JOIN public.orders USING (pid);"')
    assert parsed.step == Step(
        tool="postgres",
        operation="sql.select",
        api={"statement": "SELECT", "tables": ["pg_stat_activity", "public.orders"], "functions": ["now"]},
        target=parsed.step.target,
        params={"sql": "select pid, now() from pg_catalog.pg_stat_activity join public.orders using (pid)"},
    )
    assert parsed.step.target.to_json() == {
        "scope": "orders", "kind": "database", "id": "pg:orders/-", "fanout": "one", "names": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select 1", "SELECT  1 ;"),
        ("select count(*) from t", "Select\n  COUNT( * )\n\tFROM  T"),
        ("select a::int, b from s.t", "select a :: INT,b from S . T"),
        ("select f.a from t as f where a in (1,2)", "select F.A from t AS f where a IN( 1 , 2 )"),
        ("show max_connections", "SHOW MAX_CONNECTIONS;"),
        ("explain select 1", "EXPLAIN   SELECT 1"),
    ],
)
def test_blanks_case_and_a_final_semicolon_do_not_change_the_digest(one: str, other: str) -> None:
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select 1", "select 2"),
        ('select "A" from t', 'select "a" from t'),
        ("select a from t where b = 'X'", "select a from t where b = 'x'"),
        ("select 'a  b'", "select 'a b'"),
    ],
)
def test_what_quotes_hold_does_change_the_digest(one: str, other: str) -> None:
    first, second = (postgres.build(text, SITE.scopes["orders"], SITE) for text in (one, other))
    assert not isinstance(first, Refusal)
    assert not isinstance(second, Refusal)
    assert first.step.digest != second.step.digest


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("", "SQL_EMPTY"),
        (";", "SQL_EMPTY"),
        ("select 1; select 2", "SQL_SEVERAL_STATEMENTS"),
        ("select 1;;", "SQL_SEVERAL_STATEMENTS"),
        ("commit; drop table t", "SQL_SEVERAL_STATEMENTS"),
        ("select 1 -- x", "SQL_COMMENT"),
        ("select 1 /* x */", "SQL_COMMENT"),
        ("select 1 /* /* */ */", "SQL_COMMENT"),
        ("select 1--1", "SQL_COMMENT"),
        ("select '\\'", "SQL_BACKSLASH"),
        ("\\! id", "SQL_BACKSLASH"),
        ("select $$a$$", "SQL_DOLLAR"),
        ("select $1", "SQL_DOLLAR"),
        ("select a$b", "SQL_DOLLAR"),
        ("select :x", "SQL_COLON"),
        ("select a[1:2]", "SQL_COLON"),
        ("select ?", "SQL_OPERATOR"),
        ("select @ -1", "SQL_OPERATOR"),
        ("select a !=-1", "SQL_OPERATOR"),
        ("select E'a'", "SQL_RUN_TOGETHER"),
        ("select e'a'", "SQL_RUN_TOGETHER"),
        ("select B'1'", "SQL_RUN_TOGETHER"),
        ("select U&'a'", "SQL_OPERATOR"),
        ('select U&"a"', "SQL_OPERATOR"),
        ("select 1a", "SQL_RUN_TOGETHER"),
        ("select 'a' 'b'", "SQL_RUN_TOGETHER"),
        ('select "a""b"', "SQL_RUN_TOGETHER"),
        ("select 0x1f", "SQL_RUN_TOGETHER"),
        ("select 'a\nb'", "SQL_UNCLOSED_QUOTE"),
        ("select 'a", "SQL_UNCLOSED_QUOTE"),
        ('select "a', "SQL_UNCLOSED_QUOTE"),
        ("select é", "SQL_CHARACTER"),
        ("select {a}", "SQL_CHARACTER"),
        ("select a.5", "SQL_DOT"),
        ("select 1.", "SQL_DOT"),
        ("select .5", "SQL_DOT"),
        ("select (t).a from t", "SQL_DOT"),
        ("select " + "a" * 64, "SQL_IDENTIFIER_TOO_LONG"),
        ("select '" + "a" * 9000 + "'", "SQL_TOO_LONG"),
        ("select " + "1," * 600 + "1", "SQL_TOO_LARGE"),
        ("select " + "(" * 17 + "1" + ")" * 17, "SQL_TOO_DEEP"),
        ("select array[array[array[1]]]", "SQL_TOO_DEEP"),
        ("select 1 from t " + "join b " * 30, "SQL_JOINS"),
        ("select 1 from t " + "left join b " * 5, "SQL_JOINS"),
        ("select 1 from t " + "join b " * 30 + "on true " * 30, "SQL_JOINS"),
    ],
)
def test_what_is_not_plain_sql_is_refused(text: str, refusal: str) -> None:
    assert sql(text) == refusal


@pytest.mark.parametrize(
    "text",
    [
        "cluster t", "listen c", "notify c", "unlisten c", "savepoint a", "checkpoint", "discard all", "vacuum full",
        "begin", "end", "commit", "rollback", "set role postgres", "reset all", "load 'x'", "do 'x'", "call f()",
        "prepare p as select 1", "execute p", "declare c cursor for select 1", "fetch c", "close c", "analyze t",
        "copy t to stdout", "copy t to '/var/x'", "truncate t", "lock t", "grant all on t to x", "deallocate all",
        "create table x as select 1", "create extension dblink", "drop table t", "alter table t add c int",
        "alter system set a = 'x'", "alter database d set x = 1", "update t set a = 1", "delete from t",
        "insert into t values (1)", "merge into t using u on true when matched then delete", "reindex table t",
        "refresh materialized view v", "comment on table t is 'x'", "reassign owned by a to b", "a", "1",
        "table t into x",
        "import foreign schema s from server x into y", "security label on table t is 'x'", "values (1)",
        "values ((select pg_cancel_backend(1)))",
    ],
)  # fmt: skip
def test_statements_that_are_not_reads_are_refused(text: str) -> None:
    assert sql(text) == "SQL_NOT_READ"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("select * into newt from t", "SQL_NOT_READ"),
        ("with i as (insert into t values (1) returning *) select count(*) from i", "SQL_NOT_READ"),
        ("with u as (update t set a = 1 returning *) select * from u", "SQL_NOT_READ"),
        ("with d as (delete from t returning *) select * from d", "SQL_NOT_READ"),
        ("with x as (select 1) update t set a = 1", "SQL_NOT_READ"),
        ("with x as (select 1) delete from t", "SQL_NOT_READ"),
        ("select 1 union table pg_authid", "SQL_NOT_READ"),
        ("select * from (table pg_authid) as t", "SQL_NOT_READ"),
        ("select * from t for update", "SQL_NOT_READ"),
        ("select * from t for share", "SQL_LOCK"),
        ("select * from t for no key update", "SQL_LOCK"),
        ("select * from t for key share", "SQL_LOCK"),
        ("select * from (with x as (select 1) select * from x) as y", "SQL_WITH_INSIDE"),
        ("select * from orders.public.t", "SQL_CATALOG"),
        ("explain verbose analyze select 1", "SQL_EXPLAIN"),
        ("explain analyze delete from t", "SQL_EXPLAIN"),
        ("explain (analyze true) update t set a = 1", "SQL_EXPLAIN"),
        ("explain analyze select pg_terminate_backend(1)", "SQL_FUNCTION"),
        ("explain (analyze) with x as (delete from t returning 1) select 1 from x", "SQL_NOT_READ"),
        ("explain delete from t", "SQL_EXPLAIN"),
        ("explain () select 1", "SQL_EXPLAIN"),
        ("explain select * into x from t", "SQL_NOT_READ"),
        ("explain select nextval('s')", "SQL_FUNCTION"),
        ("with recursive r(n) as (select 1 union all select n + 1 from r) select n from r", "SQL_RECURSION"),
        ("with recursive r as (select 1 as n union select n + 1 from r where n > 0) select n from r", "SQL_RECURSION"),
        ("with recursive r as (select 1 as n union select n + 1 from r, pg_class) select n from r", "SQL_RECURSION"),
        ("show primary_conninfo", "SQL_SETTING"),
        ("show archive_command", "SQL_SETTING"),
        ('show "max_connections"', "SQL_SETTING"),
        ("show max_connections, all", "SQL_SETTING"),
        ("select current_setting('ssl_passphrase_command')", "SQL_SETTING"),
        ("select current_setting(a) from t", "SQL_SETTING"),
        ("select current_setting('work' || '_mem')", "SQL_SETTING"),
    ],
)
def test_reads_that_hide_something_else_are_refused(text: str, refusal: str) -> None:
    assert sql(text) == refusal


@pytest.mark.parametrize(
    "call",
    [
        "nextval('s')", "setval('s', 1)", "pg_sleep(1)", "pg_notify('a', 'b')", "pg_advisory_lock(1)", "pg_promote()",
        "pg_reload_conf()", "pg_rotate_logfile()", "pg_switch_wal()", "pg_create_restore_point('x')", "lo_import('x')",
        "pg_read_file('x')", "pg_ls_dir('/')", "pg_stat_file('x')", "lo_export(1, 'x')", "lo_unlink(1)",
        "query_to_xml('x', true, true, '')", "table_to_xml('t', true, true, '')", "dblink('a', 'b')",
        "set_config('role', 'x', false)", "txid_current()", "pg_export_snapshot()", "generate_series(1, n)",
        "pg_logical_emit_message(true, 'a', 'b')", "pg_drop_replication_slot('s')", "pg_stat_reset()", "unknown()",
        "pg_log_backend_memory_contexts(1)", "ts_stat('select 1')", "repeat('x', 9)", "xpath('a', 'b')",
        "pg_relation_size_evil(1)", "like(1, 2)", "over(1)", "filter(1)", "by(1)", "sets(1)",
        "materialized(1)", "is(1)",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "shape",
    [
        "select {}", "SELECT {} FROM t", "select * from {} as f", "select count(*) filter (where {} = 1) from t",
        "select a from t where b = {}", "select a from t order by {}", "select a from t limit {}",
        "select * from t, {} as (a int)", "select * from rows from ({}) as f", "select case when true then {} end",
        "select (select {})", "select 1 union select {}", "with x as (select {}) select * from x", "select array[{}]",
        "select distinct on (a) {} from t", "select coalesce({}, 1)", "select sum(a) over (order by {}) from t",
        "explain select {}", "select * from t join u on {} = 1", "select * from lateral (select {}) as l",
    ],
)  # fmt: skip
def test_a_function_that_is_not_listed_is_refused_wherever_it_stands(call: str, shape: str) -> None:
    assert sql(shape.format(call)) != "accepted"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ('select "pg_sleep"(1)', "SQL_FUNCTION"),
        ('select "now"()', "SQL_FUNCTION"),
        ("select public.count(1)", "SQL_FUNCTION_SCHEMA"),
        ("select pg_catalog.pg_sleep(1)", "SQL_FUNCTION"),
        ("select x.pg_catalog.now()", "SQL_FUNCTION_SCHEMA"),
        ("select 1 operator(pg_catalog.+) 1", "SQL_DOT"),
        ("select a::evil from t", "SQL_TYPE"),
        ("select cast(a as evil) from t", "SQL_TYPE"),
        ("select cast(a as public.evil) from t", "SQL_TYPE"),
        ("select a::public.int4 from t", "SQL_TYPE"),
        ("select evil '1'", "SQL_TYPE"),
        ("select pg_catalog.date '2026-01-01'", "SQL_TYPE"),
        ("select \"date\" '2026-01-01'", "SQL_TYPE"),
        ("select * from t tablesample evil(1)", "SQL_FUNCTION"),
        ("select join(1)", "SQL_FUNCTION"),
        ("select join((select 1))", "SQL_FUNCTION"),
        ("select * from t join (u join v on true) on true", "SQL_FUNCTION"),
    ],
)
def test_calls_and_casts_are_checked_under_every_spelling(text: str, refusal: str) -> None:
    assert sql(text) == refusal


def test_a_site_may_declare_a_function_pure() -> None:
    catalog = site(sql_functions=frozenset({"orders_backlog"}))
    text = "psql -c 'select orders_backlog(1)'"
    assert code(text) == "SQL_FUNCTION"
    assert code(text, catalog) == "accepted"
    assert code("psql -c 'select public.orders_backlog(1)'", catalog) == "SQL_FUNCTION_SCHEMA"


@pytest.mark.parametrize(
    "text",
    [
        "select subconninfo from pg_subscription", "select * from pg_hba_file_rules",
        "select most_common_vals from pg_stats",
        "select * from users", "select email from users",
        "select u from users as u", "select max(email) from users", "select string_agg(email, ',') from users",
        "select status, email from orders", "select * from orders limit 1", "select orders.* from orders",
        "select status from users as status", "select created_at from (select email as created_at from users) as s",
        "with s as (select email as status from users) select status from s", "select row_to_json(u) from users as u",
        "select count(*), (select email from users limit 1) from orders", "select sum(amount) from orders",
        "with orders as (select * from orders) select id, note from orders", "select pg_foo.x from pg_foo",
        "select id from orders union select email from users",
        # a value under another name
        "select status from users, unnest(array[users.password]) as status",
        "select state from users, lateral upper(email) as state",
        "select state from users join lateral lower(email) as state on true",
        "select status from (select email from users) as status",
        "with r as (select status from users union select email from users) select status from r",
        "select max(created_at), (select email as created_at from users limit 1) from users",
        # a question about a secret
        "select count(*) from users where password like 'a%'", "select id from users where api_key = 'x'",
        "select id from users where profile->>'ssn' = 'x'", "explain analyze select 1 from users where password = 'x'",
        "select setting from pg_settings where name = 'primary_conninfo'",
        "select attname from pg_stats as attname",
        "select attname from pg_stats where most_common_vals::text like '%a%'",
    ],
)  # fmt: skip
def test_reads_of_addresses_samples_and_of_a_sites_own_rows_are_sensitive(text: str) -> None:
    assert effect(text) is Effect.READ_SENSITIVE


@pytest.mark.parametrize(
    "text",
    [
        "select rolpassword from pg_authid", "select * from pg_catalog.pg_shadow", "select count(*) from pg_authid",
        'select * from "pg_authid"', "select 1 where exists (select 1 from pg_authid where rolpassword like 'x%')",
        "with x as (select * from pg_authid) select * from x", "select * from pg_user_mappings",
        "explain (analyze) select * from pg_authid where rolpassword is null",
        "select * from information_schema.user_mapping_options",
    ],
)  # fmt: skip
def test_password_hashes_and_the_passwords_of_other_servers_are_refused(text: str) -> None:
    parsed = postgres.build(text, SITE.scopes["orders"], SITE)
    assert isinstance(parsed, Refusal)
    assert parsed.code == "SQL_CREDENTIALS"


@pytest.mark.parametrize(
    "text",
    [
        "select count(*) from users", "select count(distinct email) from users", "select max(created_at) from orders",
        "select status, count(*) from orders group by status", "select id, status, updated_at from jobs",
        "select count(*) from a union all select count(*) from b", "select * from alembic_version",
        "select count(*) filter (where email = 'x') from users", "explain select * from users", "select 1",
        "select relname as table, 1 as update from pg_class",
        "with pg_authid as (select 1 as a) select a from pg_authid", "explain (buffers) select 1",
        "select a.oid from pg_class as a join (select oid from pg_class) as b on a.oid = b.oid",
        "select oid from pg_roles",
        "select table_name from information_schema.tables", "select calls from public.pg_stat_statements",
        "with r as (select * from orders) select status, count(*) from r group by status",
        "select status from (select * from orders) as x",
        "select not exists (select 1 from jobs where state = 'running')",
        "select status, rank() over (order by total) from orders",
        "select customer_id, count(*) from orders group by 1",
        "select status, (select count(*) from orders as o where o.user_id = u.id) from users as u",
        "explain analyze select * from orders where id = 1", "explain (analyze, buffers, timing off) select 1",
        "select tablename, attname, n_distinct, null_frac from pg_stats",
        "select subname, subenabled from pg_subscription",
        "select name, setting from pg_settings where name like '%vacuum%'", "select octet_length(note) from orders",
    ],
)  # fmt: skip
def test_statistics_counts_and_operational_columns_are_plain_reads(text: str) -> None:
    assert effect(text) is Effect.READ


def test_a_common_table_expression_hides_a_relation_only_where_it_is_visible() -> None:
    parsed = step("psql -c 'with a as (select * from b), b as (select * from a) select * from a, b'")
    assert list(parsed.step.api["tables"]) == ["b"]


@pytest.mark.parametrize("unit", ["join b on true ", "cross join b ", "natural left join b ", "join b using (a) "])
def test_joins_with_their_condition_may_be_many(unit: str) -> None:
    assert sql("select count(*) from t " + unit * 20) == "accepted"


def test_sql_may_span_lines_inside_its_quotes() -> None:
    parsed = plan("psql -c \"SELECT pid\n  FROM pg_stat_activity\n\tWHERE state = 'active'\"")
    assert parsed.steps[0].step.params["sql"] == "select pid from pg_stat_activity where state = 'active'"


_WORDS = """
    select from where t a b * ( ) , . :: [ ] ; ' '' 'x' " "q" 1 1.5 e E'x' U&'x' $1 $$ - + -- /* */ = => != -1
    count now int text as with in and or not union table into for update share over filter by on distinct case when
    then end interval pg_sleep pg_authid public pg_catalog array values
"""
_PARTS = st.sampled_from([*_WORDS.split(), "\n", "\t"])


@given(st.lists(_PARTS, max_size=25).map(" ".join))
def test_canonical_sql_is_a_fixed_point(text: str) -> None:
    tokens = tokenize(text)
    if isinstance(tokens, Refusal):
        return
    assert tokenize(render(tokens)) == tokens


@given(st.lists(_PARTS, max_size=25), st.sampled_from(["", " "]))
def test_any_statement_is_accepted_or_refused_and_an_accepted_one_is_stable(parts: list[str], glue: str) -> None:
    parsed = postgres.build("select " + glue.join(parts), SITE.scopes["orders"], SITE)
    if not isinstance(parsed, Refusal):
        again = typed(as_typed(parsed))
        assert not isinstance(again, Refusal)
        assert again.steps[0].step.digest == parsed.step.digest


@pytest.mark.parametrize(
    "text",
    [
        "select n.pg_terminate_backend from unnest(array[1]) n",
        "select n.pg_terminate_backend from unnest(array[1]) as n(pid)",
        "select u.pg_read_file from jsonb_array_elements_text('[1]'::jsonb) u",
        "select pg_ls_dir.pg_ls_dir from jsonb_array_elements_text('[1]'::jsonb) pg_ls_dir",
        'select g."pg_sleep" from generate_series(1, 3) g',
        "select abs.pg_sleep from abs(1)",
        "select lower.pg_ls_dir from lower('/')",
        "select x.pg_sleep from cast(1 as float8) x",
        "select d.pg_ls_dir from session_user d",
        "select session_user.pg_ls_dir from session_user",
        "select 1 from pg_backend_pid() n where n.pg_terminate_backend",
        "select 1 from pg_class c, lateral abs(c.relpages) n order by n.pg_sleep",
        "select t.pg_sleep from pg_class t, unnest(array[1]) t",
        "select (select l.pg_sleep) from unnest(array[1]) l",
        "explain analyze select l.pg_sleep from now() l",
        "select t.pg_terminate_backend from pg_stat_activity t",
        "select a.b.pg_sleep from unnest(array[1]) a(b)",
    ],
)
def test_a_field_of_a_function_in_from_would_be_a_call_of_that_name(text: str) -> None:
    assert code(f"psql -c '{text.replace(chr(39), chr(39) + chr(34) + chr(39) + chr(34) + chr(39))}'") == "SQL_FIELD"


@pytest.mark.parametrize(
    "text",
    [
        "select b.pid from pg_stat_activity a, unnest(pg_blocking_pids(a.pid)) as b(pid)",
        "select b.b from pg_stat_activity a cross join lateral unnest(pg_blocking_pids(a.pid)) b",
        "select b.p from pg_index a, unnest(a.indkey) with ordinality as b(p, n) where b.n = 1",
        "select e.key, e.value from jsonb_each('{}'::jsonb) e",
        "select c.relname, l.x from pg_class c cross join lateral (select 1 as x) l",
        "select g.g from generate_series(1, 3) g",
        "select v.a from (values (1)) v(a)",
        "select pg_catalog.abs(-1), n.relname from pg_class n",
    ],
)
def test_a_column_that_a_source_is_known_to_give_may_be_named(text: str) -> None:
    assert effect(text) is Effect.READ


@pytest.mark.parametrize(
    "text",
    [r"select 'a\'", r"select 'a\\'", r"select 'a\''", r"select 'a\'; drop table t; --'", r'select "a\b"',
     r"select E'\n'",
     r"select 1 \gexec", r"\dt", r"select 'x' \g x", r"select '\', '\'"],
)  # fmt: skip
def test_a_backslash_outside_a_literal_or_before_its_quote_is_refused(text: str) -> None:
    assert sql(text) in {"SQL_BACKSLASH", "SQL_RUN_TOGETHER"}


@pytest.mark.parametrize(
    "text", [r"select 1 where 'a1' ~ '^a\d+\s*$'", r"select * from pg_class where relname like 'a\_%'"]
)
def test_a_pattern_may_have_backslashes(text: str) -> None:
    assert effect(text) is Effect.READ


@pytest.mark.parametrize(
    "text",
    [
        "select generate_series('2024-11-01'::date, '2024-11-24'::date, interval '1 day')",
        "select * from generate_series(timestamp '2024-11-01 00:00', timestamp '2024-11-02 00:00', interval '1 hour')",
    ],
)
def test_a_series_between_two_dates_is_bounded_by_them(text: str) -> None:
    assert sql(text) == "accepted"
    assert sql(text.replace("2024-11-01", "2924-11-01")) == "SQL_SERIES"
    assert sql(text.replace("2024-11-01", "2024-13-01")) == "SQL_SERIES"
