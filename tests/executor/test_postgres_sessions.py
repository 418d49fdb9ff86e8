"""Ending sessions of a real PostgreSQL: only the sessions that were observed, never one that came later."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from gateway.adapters.clock import SystemClock
from gateway.core.canonical import canonical
from gateway.errors import TargetFault
from gateway.executor.config import PostgresScope
from gateway.executor.secret import Secret
from gateway.executor.targets.postgres import PostgresTarget
from tests.executor.steps import sessions, unheard
from tests.fixtures_pg import Postgres

pytestmark = pytest.mark.anyio


class Victims:
    """Sessions of a service that tests end."""

    def __init__(self, postgres: Postgres, stack: ExitStack) -> None:
        self._postgres = postgres
        self._stack = stack

    def connect(self) -> psycopg.Connection:
        dsn = self._postgres.dsn_of("postgres", "service")
        conn = psycopg.connect(dsn, autocommit=True, application_name="shop")
        return self._stack.enter_context(conn)


@pytest.fixture
def victims(postgres: Postgres) -> Iterator[Victims]:
    postgres.run("DROP ROLE IF EXISTS service", "CREATE ROLE service LOGIN")
    with ExitStack() as stack:
        yield Victims(postgres, stack)
    postgres.run("SELECT pg_terminate_backend(pid, 3000) FROM pg_stat_activity WHERE usename = 'service'")
    postgres.run("DROP ROLE service")


@pytest.fixture
def target(postgres: Postgres) -> PostgresTarget:
    return PostgresTarget(PostgresScope(Secret(postgres.dsn)), SystemClock(), 4_096)


def pid(conn: psycopg.Connection) -> int:
    return conn.info.backend_pid


def alive(conn: psycopg.Connection) -> bool:
    try:
        return conn.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


async def test_a_session_is_resolved_to_its_start_before_anything_is_decided(
    target: PostgresTarget, victims: Victims
) -> None:
    conn = victims.connect()
    conn.execute("BEGIN")
    conn.execute("SELECT 'secret in a query'")
    observed = await target.observe(sessions([{"pid": pid(conn)}]))
    value = observed.facts[0]["value"]
    assert observed.facts[0]["target"] == f"pg:db/session/{pid(conn)}"
    assert (value["exists"], value["user"], value["application"], value["state"]) == (
        True, "service", "shop", "idle in transaction",
    )  # fmt: skip
    assert (value["backend_type"], value["superuser"]) == ("client backend", False)
    assert value["transaction_age_ms"] >= 0
    assert "secret" not in repr(observed)
    assert observed.snapshot["sessions"] == [{"pid": pid(conn), "backend_start": value["backend_start"]}]
    assert observed.undo_class == "neutral"
    assert alive(conn)


async def test_two_observations_of_the_same_sessions_have_the_same_snapshot(
    target: PostgresTarget, victims: Victims
) -> None:
    conn = victims.connect()
    step = sessions([{"pid": pid(conn)}])
    first = await target.observe(step)
    conn.execute("SELECT pg_sleep(0.01)")
    assert canonical((await target.observe(step)).snapshot) == canonical(first.snapshot)


async def test_only_the_sessions_of_the_snapshot_are_ended(target: PostgresTarget, victims: Victims) -> None:
    guilty, innocent = victims.connect(), victims.connect()
    step = sessions([{"pid": pid(guilty)}])
    snapshot = (await target.observe(step)).snapshot
    applied = await target.apply(step, snapshot, unheard)
    assert applied.status == "applied"
    assert applied.after is not None
    assert applied.after["sessions"][0] | {"backend_start": ""} == {
        "pid": pid(guilty), "backend_start": "", "signalled": True, "present": False,
    }  # fmt: skip
    assert (alive(guilty), alive(innocent)) == (False, True)
    assert (await target.probe(step, snapshot)).status == "applied"
    assert (await target.undo(step, snapshot)).status == "impossible"


async def test_a_later_session_under_the_same_pid_is_never_touched(target: PostgresTarget, victims: Victims) -> None:
    conn = victims.connect()
    step = sessions([{"pid": pid(conn)}])
    earlier = {"sessions": [{"pid": pid(conn), "backend_start": "2020-01-01T00:00:00.000000+00:00"}]}
    applied = await target.apply(step, earlier, unheard)
    assert (applied.status, applied.code) == ("not_applied", "SESSION_GONE")
    assert alive(conn)


async def test_a_start_that_the_agent_names_must_be_the_sessions_own(target: PostgresTarget, victims: Victims) -> None:
    conn = victims.connect()
    step = sessions([{"pid": pid(conn), "backend_start": "2020-01-01T00:00:00.000000+00:00"}])
    observed = await target.observe(step)
    assert observed.facts[0]["value"] == {"exists": False, "pid": pid(conn)}
    assert observed.preflight == {"status": "failed", "targets": 0, "changes": [], "code": "SESSION_GONE"}
    assert (await target.apply(step, observed.snapshot, unheard)).code == "SESSION_GONE"
    assert alive(conn)


async def test_a_start_that_is_right_is_found_in_any_spelling(target: PostgresTarget, victims: Victims) -> None:
    conn = victims.connect()
    found = (await target.observe(sessions([{"pid": pid(conn)}]))).snapshot["sessions"][0]
    observed = await target.observe(sessions([found]))
    assert observed.preflight["status"] == "ok"
    with pytest.raises(TargetFault, match="not a time"):
        await target.observe(sessions([{"pid": pid(conn), "backend_start": "yesterday or so"}]))


async def test_background_processes_are_flagged_and_never_signalled(target: PostgresTarget, postgres: Postgres) -> None:
    background = postgres.run("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")[0][0]
    step = sessions([{"pid": background}])
    observed = await target.observe(step)
    assert observed.facts[0]["value"]["backend_type"] == "checkpointer"
    applied = await target.apply(step, observed.snapshot, unheard)
    assert (applied.status, applied.code) == ("not_applied", "SESSION_GONE")
    assert postgres.run("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'checkpointer'") == [(1,)]


async def test_cancel_ends_the_query_and_keeps_the_session(target: PostgresTarget, victims: Victims) -> None:
    conn = victims.connect()
    conn.pgconn.send_query(b"SELECT pg_sleep(60)")
    step = sessions([{"pid": pid(conn)}], "cancel")
    snapshot = (await target.observe(step)).snapshot
    assert (await target.probe(step, snapshot)).status == "not_applied"
    assert (await target.apply(step, snapshot, unheard)).status == "applied"
    assert (await target.probe(step, snapshot)).status == "applied"
    result = conn.pgconn.get_result()
    assert result is not None
    assert b"canceling statement" in result.error_message
    assert conn.pgconn.get_result() is None
    assert alive(conn)


async def test_a_probe_that_finds_some_sessions_and_not_others_cannot_tell(
    target: PostgresTarget, victims: Victims
) -> None:
    one, two = victims.connect(), victims.connect()
    step = sessions(sorted([{"pid": pid(one)}, {"pid": pid(two)}], key=lambda s: s["pid"]))
    snapshot = (await target.observe(step)).snapshot
    assert (await target.probe(step, snapshot)).status == "not_applied"
    one.close()
    await target.apply(sessions([{"pid": pid(two)}]), {"sessions": []}, unheard)
    probed = await target.probe(step, snapshot)
    assert (probed.status, probed.code) == ("unknown", "SESSIONS_PARTLY_GONE")


async def test_several_sessions_are_a_fact_each(target: PostgresTarget, victims: Victims) -> None:
    conns = sorted((victims.connect() for _ in range(3)), key=pid)
    step = sessions([{"pid": pid(c)} for c in conns])
    observed = await target.observe(step)
    assert [f["target"] for f in observed.facts] == [f"pg:db/session/{pid(c)}" for c in conns]
    assert observed.preflight["targets"] == 3
    assert (await target.apply(step, observed.snapshot, unheard)).status == "applied"
    assert not any(alive(c) for c in conns)
