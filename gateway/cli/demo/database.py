"""The shop's database: tables, roles with their own passwords, deployments, and what is really going on in it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from gateway.cli.demo.case import Case, table_sql
from gateway.cli.demo.case_sql import Trigger
from gateway.cli.demo.postgres import Server

Connection = psycopg.Connection[tuple[Any, ...]]
EXECUTOR, READER, PROBE = "countermand", "countermand_read", "probe"


@dataclass(frozen=True, slots=True)
class Database:
    """The shop's database on a running server."""

    server: Server
    passwords: Mapping[str, str] = field(repr=False)

    def dsn(self, role: str) -> str:
        """Return the connection string of one role."""
        return self.server.dsn(role, self.passwords[role])

    def deploy(self, text: str) -> None:
        """Run a file of the repository, as the shop's pipeline does."""
        with self._session() as conn:
            conn.execute(text.encode())

    def end_requests(self, role: str) -> int:
        """End the sessions of a role that run a statement, as a restart of its service does; returns how many.

        A session whose client is gone is not ended by a restart: nobody is there to close it.
        """
        return self._number(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = %s AND state = 'active'",
            role,
        )

    def connections(self) -> int:
        """Return how many client connections there are, our own left out."""
        return self._number(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    def stuck(self, role: str) -> set[tuple[int, str]]:
        """Return the sessions (pid, start) of a role that sit in a transaction and do nothing."""
        with self._session() as conn:
            rows = conn.execute(
                "SELECT pid, backend_start::text FROM pg_stat_activity"
                " WHERE usename = %s AND state = 'idle in transaction' AND state_change < now() - interval '1 s'",
                (role,),
            )
            return {(int(pid), str(start)) for pid, start in rows}

    def present(self, sessions: set[tuple[int, str]]) -> set[tuple[int, str]]:
        """Return which of these sessions still exist."""
        with self._session() as conn:
            rows = conn.execute("SELECT pid, backend_start::text FROM pg_stat_activity")
            return sessions & {(int(pid), str(start)) for pid, start in rows}

    def _number(self, query: str, *values: str) -> int:
        with self._session() as conn:
            row = conn.execute(query.encode(), values).fetchone()
        return int(row[0]) if row else 0

    def _session(self) -> Connection:
        return psycopg.connect(self.server.dsn(), autocommit=True, connect_timeout=5, application_name="demo-narrator")


def create(case: Case, server: Server) -> Database:
    """Create the database as it was before the guilty commit."""
    with psycopg.connect(server.dsn(database="postgres"), autocommit=True) as conn:
        conn.execute("CREATE DATABASE shop")
    roles = [EXECUTOR, PROBE, *(s.role for s in case.services)]
    database = Database(server, {role: secrets.token_hex(16) for role in roles})
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        conn.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for role, password in database.passwords.items():
            name = sql.Identifier(role)
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(password)))
            conn.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))
        _watchers(conn)
        for service, trigger in zip(case.services, case.innocent, strict=True):
            _table(conn, service.role, trigger, case.regions)
        conn.execute(case.trigger.side_table(case.regions).encode())
        _grant_side(conn, case.guilty.role, case.trigger)
        _executor(conn, case)
    return database


def _table(conn: Connection, role: str, trigger: Trigger, regions: tuple[str, ...]) -> None:
    conn.execute(table_sql(trigger.table).encode())
    conn.execute(f"CREATE INDEX {trigger.table}_created_at ON {trigger.table} (created_at)".encode())
    conn.execute(trigger.side_table(regions).encode())
    conn.execute(trigger.text().encode())
    conn.execute(
        f"CREATE TRIGGER before_insert BEFORE INSERT ON {trigger.table}"
        f" FOR EACH ROW EXECUTE FUNCTION {trigger.function}()".encode()
    )
    conn.execute(f"GRANT SELECT, INSERT ON {trigger.table} TO {role}".encode())
    _grant_side(conn, role, trigger)


def _grant_side(conn: Connection, role: str, trigger: Trigger) -> None:
    if trigger.lock and trigger.relation:
        conn.execute(f"GRANT SELECT, INSERT, UPDATE ON {trigger.relation} TO {role}".encode())


def _watchers(conn: Connection) -> None:
    """Let the probe and the executor in when nobody else can get in any more."""
    conn.execute(f"CREATE ROLE {READER} NOLOGIN".encode())
    conn.execute(f"GRANT USAGE ON SCHEMA public TO {READER}".encode())
    conn.execute(f"GRANT pg_monitor TO {READER}, {PROBE}, {EXECUTOR}".encode())
    conn.execute(f"GRANT pg_use_reserved_connections TO {PROBE}, {EXECUTOR}".encode())


def _executor(conn: Connection, case: Case) -> None:
    """Give the executor what its steps need and no more: end sessions, limit services' roles, read as the reader."""
    conn.execute(f"GRANT pg_signal_backend TO {EXECUTOR}".encode())
    conn.execute(f"ALTER ROLE {EXECUTOR} CREATEROLE".encode())
    conn.execute(f"GRANT {READER} TO {EXECUTOR} WITH INHERIT FALSE, SET TRUE".encode())
    conn.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {EXECUTOR}, {READER}".encode())
    for service in case.services:
        conn.execute(f"GRANT {service.role} TO {EXECUTOR} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE".encode())
