"""What SQL may change: sessions that are named one by one, and the connection limit of a role."""

import pytest

from gateway.core.effect import Effect, Undo
from gateway.parsing.result import Refusal
from tests.parsing.site import as_typed, sql, step, typed, typed_code


@pytest.mark.parametrize("verb", ["cancel", "terminate"])
def test_one_literal_pid_ends_one_session(verb: str) -> None:
    parsed = step(f"psql -c 'SELECT pg_{verb}_backend( 4711 );'")
    assert parsed.step.operation == f"sessions.{verb}"
    assert parsed.step.to_json()["params"] == {"sessions": [{"pid": 4711}]}
    assert parsed.step.to_json()["target"] == {
        "scope": "orders", "kind": "session", "id": "pg:orders/session/4711", "fanout": "one", "names": ["4711"],
    }  # fmt: skip
    assert (parsed.effects, parsed.undo) == (frozenset({Effect.WRITE}), Undo.NEUTRAL)
    value = {"tool": "postgres", "operation": f"sessions.{verb}", "params": {"sessions": [{"pid": 4711}]}}
    again = typed(value)
    assert not isinstance(again, Refusal)
    assert again.steps[0].step.digest == parsed.step.digest


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("select pg_terminate_backend(pid) from pg_stat_activity", "SQL_SESSION_SHAPE"),
        ("select pg_terminate_backend(1), 1", "SQL_SESSION_SHAPE"),
        ("select pg_terminate_backend(1) from t", "SQL_SESSION_SHAPE"),
        ("select pg_terminate_backend(1 + 1)", "SQL_SESSION_SHAPE"),
        ("select pg_terminate_backend(-1)", "SQL_SESSION_SHAPE"),
        ("select pg_terminate_backend(1, 5)", "SQL_SESSION_SHAPE"),
        ("select pg_terminate_backend('1')", "SQL_SESSION_SHAPE"),
        ("select pg_terminate_backend(007)", "SQL_PID"),
        ("select pg_terminate_backend(0)", "SQL_PID"),
        ("select pg_terminate_backend(1.5)", "SQL_PID"),
        ("select pg_terminate_backend(2147483648)", "SQL_PID"),
        ("select pg_catalog.pg_terminate_backend(1)", "SQL_FUNCTION"),
        ('select "pg_terminate_backend"(1)', "SQL_FUNCTION"),
        ("select 1, pg_cancel_backend(1)", "SQL_FUNCTION"),
        ("explain select pg_cancel_backend(1)", "SQL_FUNCTION"),
    ],
)
def test_sessions_end_only_by_the_exact_shape(text: str, refusal: str) -> None:
    assert sql(text) == refusal


def test_a_list_of_sessions_is_one_step_in_any_order_and_with_any_spelling_of_a_time() -> None:
    rows = [{"pid": 9, "backend_start": "2026-01-31 13:00:00.5+01"}, {"pid": 7}]
    same = [{"pid": 7}, {"pid": 9, "backend_start": "2026-01-31T12:00:00.500000Z"}]
    first, second = (
        typed({"tool": "postgres", "operation": "sessions.terminate", "params": {"sessions": sessions}})
        for sessions in (rows, same)
    )
    assert not isinstance(first, Refusal)
    assert not isinstance(second, Refusal)
    assert first.steps[0].step.digest == second.steps[0].step.digest
    target = first.steps[0].step.target
    assert (target.fanout, target.names, target.id) == ("listed", ("7", "9"), "pg:orders/session/7,9")


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"sessions": []}, "SQL_SESSION_COUNT"),
        ({"sessions": [{"pid": n} for n in range(1, 52)]}, "SQL_SESSION_COUNT"),
        ({"sessions": [{"pid": 1}, {"pid": 1}]}, "SQL_SESSION_TWICE"),
        ({"sessions": [{"pid": True}]}, "SQL_PID"),
        ({"sessions": [{"pid": "1"}]}, "SQL_PID"),
        ({"sessions": [{"pid": 1.5}]}, "SQL_PID"),
        ({"sessions": [{"pid": 1, "x": 1}]}, "SQL_PARAMS"),
        ({"sessions": [{}]}, "SQL_PARAMS"),
        ({"sessions": {"pid": 1}}, "SQL_PARAMS"),
        ({"sessions": [{"pid": 1}], "force": True}, "SQL_PARAMS"),
        ({}, "SQL_PARAMS"),
        ({"sessions": [{"pid": 1, "backend_start": "2026-01-31T12:00:00"}]}, "SQL_BACKEND_START"),
        ({"sessions": [{"pid": 1, "backend_start": "2026-13-31T12:00:00Z"}]}, "SQL_BACKEND_START"),
        ({"sessions": [{"pid": 1, "backend_start": "0001-01-01T00:00:00+14"}]}, "SQL_BACKEND_START"),
        ({"sessions": [{"pid": 1, "backend_start": 0}]}, "SQL_BACKEND_START"),
    ],
)
def test_typed_sessions_are_checked(params: dict[str, object], refusal: str) -> None:
    assert typed_code({"tool": "postgres", "operation": "sessions.cancel", "params": params}) == refusal


@pytest.mark.parametrize(
    ("text", "role", "limit"),
    [
        ("alter role svc_orders connection limit 20", "svc_orders", 20),
        ("ALTER ROLE Svc_Orders WITH CONNECTION LIMIT -1;", "svc_orders", -1),
        ('alter role "svc-orders" connection limit 0', "svc-orders", 0),
    ],
)
def test_the_connection_limit_of_a_role_is_a_write_that_can_be_undone(text: str, role: str, limit: int) -> None:
    parsed = step(f"psql -c '{text}'")
    assert parsed.step.operation == "roles.connection_limit"
    assert dict(parsed.step.params) == {"role": role, "limit": limit}
    assert (parsed.step.target.kind, parsed.step.target.id) == ("role", f"pg:orders/role/{role}")
    assert (parsed.effects, parsed.undo) == (frozenset({Effect.WRITE}), Undo.EXACT)
    again = typed(as_typed(parsed))
    assert not isinstance(again, Refusal)
    assert again.steps[0].step.digest == parsed.step.digest


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("alter role x superuser", "SQL_ALTER_ROLE_SHAPE"),
        ("alter role x connection limit 5 superuser", "SQL_ALTER_ROLE_SHAPE"),
        ("alter role x superuser connection limit 5", "SQL_ALTER_ROLE_SHAPE"),
        ("alter role x with password 'a'", "SQL_ALTER_ROLE_SHAPE"),
        ("alter role x connection limit - - 5", "SQL_ALTER_ROLE_SHAPE"),
        ("alter role x connection limit 5.5", "SQL_ALTER_ROLE_SHAPE"),
        ("alter role x connection limit", "SQL_ALTER_ROLE_SHAPE"),
        ("alter role x set a = 'b'", "SQL_ALTER_ROLE_SHAPE"),
        ("alter role x rename to y", "SQL_ALTER_ROLE_SHAPE"),
        ("alter role current_user connection limit 5", "SQL_ROLE"),
        ("alter role all connection limit 5", "SQL_ROLE"),
        ("alter role pg_monitor connection limit 5", "SQL_ROLE"),
        ("alter role x connection limit -2", "SQL_LIMIT"),
        ("alter role x connection limit 999999", "SQL_LIMIT"),
        ("alter user x connection limit 5", "SQL_NOT_READ"),
    ],
)
def test_nothing_else_of_a_role_can_be_changed(text: str, refusal: str) -> None:
    assert sql(text) == refusal


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        ({"operation": "sql.select", "params": {"sql": "select 1"}}, "accepted"),
        ({"operation": "sql.show", "params": {"sql": "show work_mem"}}, "accepted"),
        ({"operation": "sql.show", "params": {"sql": "select 1"}}, "TYPED_DISAGREES"),
        ({"operation": "sql.select", "params": {"sql": "select pg_cancel_backend(1)"}}, "TYPED_DISAGREES"),
        ({"operation": "sql.select", "params": {"sql": "select 1\0"}}, "TEXT_CONTROL_CHARACTER"),
        ({"operation": "sql.select", "params": {"sql": "select 1", "readonly": False}}, "SQL_PARAMS"),
        ({"operation": "sql.select", "params": {"sql": 1}}, "SQL_PARAMS"),
        ({"operation": "sql.execute", "params": {"sql": "select 1"}}, "TYPED_OPERATION_UNKNOWN"),
        ({"operation": "roles.connection_limit", "params": {"role": "x", "limit": True}}, "SQL_PARAMS"),
        ({"operation": "roles.connection_limit", "params": {"role": "x;y", "limit": 1}}, "SQL_ROLE"),
    ],
)
def test_typed_reads_and_writes_are_checked_like_text(value: dict[str, object], refusal: str) -> None:
    assert typed_code({"tool": "postgres", **value}) == refusal
