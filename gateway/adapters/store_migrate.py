"""Bring a SQLite store's schema up to date when it is opened; a schema from the future is refused."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import StoreFault

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0003"
"""The newest revision in migrations/versions; a store that has it starts without loading Alembic (0.5 s)."""
SCHEMA = Path(__file__).with_name("migrations") / "schema.sql"
"""What the migrations come to, written by `python -m tools.gen_schema`; a new store starts without Alembic too."""

_VERSION_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
_VERSION = "SELECT version_num FROM alembic_version"


def migrate(connection: sqlite3.Connection, connect: Callable[[], sqlite3.Connection]) -> None:
    """Run what is missing in one transaction; raises StoreFault for a schema this code does not know."""
    version = schema_version(connection)
    if version != HEAD and (version or not _create(connection)):
        upgrade(version, connect)


def upgrade(version: str, connect: Callable[[], sqlite3.Connection]) -> None:
    """Run the migrations that are missing since a revision; raises StoreFault."""
    from alembic import command
    from alembic.script import ScriptDirectory
    from sqlalchemy.exc import SQLAlchemyError

    config = alembic_config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version and version not in known:
        text = f"the database has schema {version}, this gateway knows schemas up to {HEAD}: run a newer gateway"
        raise StoreFault("STORE_SCHEMA_NEWER", text)
    config.attributes["connect"] = connect
    try:
        command.upgrade(config, HEAD)
    except SQLAlchemyError as exc:
        raise StoreFault("STORE_MIGRATION", f"the schema could not be brought to {HEAD}: {exc}") from exc


def _create(connection: sqlite3.Connection) -> bool:
    """Give an empty database at once what all migrations together would; false when it is not empty."""
    script = SCHEMA.read_text(encoding="utf-8")
    if not script.startswith(f"-- {HEAD}\n") or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        return False
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}COMMIT;")
    except sqlite3.Error:
        connection.rollback()
        raise
    return True


def schema_version(connection: sqlite3.Connection) -> str:
    """Return the revision of a database; empty for a new one."""
    if not connection.execute(_VERSION_TABLE).fetchone():
        return ""
    found = connection.execute(_VERSION).fetchone()
    return str(found[0]) if found else ""


def alembic_config() -> "Config":
    """Return Alembic's configuration for the migrations in this package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    return config
