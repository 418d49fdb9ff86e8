"""The connection limit of a role on a real PostgreSQL."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from gateway.adapters.clock import SystemClock
from gateway.executor.config import PostgresScope
from gateway.executor.secret import Secret
from gateway.executor.targets.postgres import PostgresTarget
from tests.executor.steps import role_limit, unheard
from tests.fixtures_pg import Postgres

pytestmark = pytest.mark.anyio
ODD = 'we"ird; role'


@pytest.fixture
def roles(postgres: Postgres) -> Iterator[Postgres]:
    quoted = '"we""ird; role"'
    postgres.run(f"CREATE ROLE {quoted} LOGIN CONNECTION LIMIT 7", "CREATE ROLE admin LOGIN CREATEROLE")
    postgres.run(f"GRANT {quoted} TO admin WITH ADMIN OPTION")
    yield postgres
    postgres.run(f"DROP ROLE {quoted}", "DROP ROLE admin")


def target(postgres: Postgres, user: str = "postgres") -> PostgresTarget:
    scope = PostgresScope(Secret(postgres.dsn_of("postgres", user)), lock_timeout_ms=200)
    return PostgresTarget(scope, SystemClock(), 4_096)


def limit(postgres: Postgres) -> object:
    rows = postgres.run("SELECT rolconnlimit FROM pg_roles WHERE rolname LIKE 'we%'")
    return rows[0][0]


async def test_any_role_name_is_only_a_name(roles: Postgres) -> None:
    step = role_limit(ODD, 3)
    served = target(roles)
    observed = await served.observe(step)
    assert observed.facts[0]["value"] == {"exists": True, "connection_limit": 7, "superuser": False, "can_login": True}
    assert observed.preflight["changes"] == [{"path": "/connection_limit", "from": 7, "to": 3}]
    assert (await served.apply(step, observed.snapshot, unheard)).after == {"connection_limit": 3}
    assert limit(roles) == 3


async def test_a_role_that_is_not_there_is_a_fact_and_not_a_failure(roles: Postgres) -> None:
    observed = await target(roles).observe(role_limit("nobody", 3))
    assert observed.facts[0]["value"] == {"exists": False}
    assert observed.preflight["code"] == "ROLE_NOT_FOUND"
    assert (
        await target(roles).apply(role_limit("nobody", 3), {"connection_limit": 7}, unheard)
    ).status == "not_applied"


async def test_undo_is_exact_only_for_a_login_that_can_lock_the_catalog(roles: Postgres) -> None:
    step = role_limit(ODD, 3)
    assert (await target(roles).observe(step)).undo_class == "exact"
    served = target(roles, "admin")
    observed = await served.observe(step)
    assert observed.undo_class == "compensating"
    assert (await served.apply(step, observed.snapshot, unheard)).status == "applied"
    assert (await served.undo(step, observed.snapshot)).status == "undone"
    assert limit(roles) == 7


async def test_a_login_without_the_right_changes_nothing(roles: Postgres) -> None:
    applied = await target(roles, "admin").apply(role_limit("postgres", 1), {"connection_limit": -1}, unheard)
    assert (applied.status, applied.code) == ("not_applied", "TARGET_FORBIDDEN")


async def test_without_an_observation_nothing_is_changed(roles: Postgres) -> None:
    applied = await target(roles).apply(role_limit(ODD, 3), {}, unheard)
    assert (applied.status, applied.code) == ("not_applied", "SNAPSHOT_MISSING")
    assert (await target(roles).undo(role_limit(ODD, 3), {})).status == "impossible"
    assert limit(roles) == 7


async def test_a_writer_that_is_faster_is_waited_for_and_then_respected(roles: Postgres) -> None:
    """Another session has an uncommitted ALTER ROLE: the swap waits for it, then sees its value."""
    with psycopg.connect(roles.dsn, autocommit=True) as other:
        other.execute("BEGIN")
        other.execute("""ALTER ROLE "we""ird; role" CONNECTION LIMIT 5""")
        applied = await target(roles).apply(role_limit(ODD, 3), {"connection_limit": 7}, unheard)
        assert (applied.status, applied.code) == ("not_applied", "LOCK_TIMEOUT")
        committer = threading.Timer(0.05, lambda: other.execute("COMMIT"))
        committer.start()
        applied = await target(roles).apply(role_limit(ODD, 3), {"connection_limit": 7}, unheard)
        committer.join()
    assert (applied.status, applied.code) == ("not_applied", "STATE_CHANGED")
    assert limit(roles) == 5


async def test_a_session_that_is_cut_before_its_commit_is_known_to_have_changed_nothing(roles: Postgres) -> None:
    waiting = "FROM pg_stat_activity WHERE application_name = 'countermand-executor' AND wait_event_type = 'Lock'"

    def cut() -> None:
        while not roles.run(f"SELECT pg_terminate_backend(pid) {waiting}"):
            pass

    with psycopg.connect(roles.dsn, autocommit=True) as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE pg_authid IN SHARE ROW EXCLUSIVE MODE")
        scope = PostgresScope(Secret(roles.dsn), lock_timeout_ms=20_000)
        served = PostgresTarget(scope, SystemClock(), 4_096)
        cutter = threading.Thread(target=cut)
        cutter.start()
        applied = await served.apply(role_limit(ODD, 3), {"connection_limit": 7}, unheard)
        cutter.join()
    assert (applied.status, applied.code) == ("not_applied", "TARGET_UNREACHABLE")
    assert limit(roles) == 7


async def test_an_undo_on_an_unreachable_server_is_to_be_tried_again() -> None:
    scope = PostgresScope(Secret("postgresql://postgres@127.0.0.1:1/none"), connect_timeout_s=1)
    undone = await PostgresTarget(scope, SystemClock(), 4_096).undo(role_limit(ODD, 3), {"connection_limit": 7})
    assert (undone.status, undone.code) == ("retry", "TARGET_UNREACHABLE")
