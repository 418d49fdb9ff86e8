"""Alembic's entry: run migrations on connections that the store opened itself, all in one transaction."""

from alembic import context
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import NullPool

from gateway.adapters.store_schema import metadata


def _begin(connection: Connection) -> None:
    # The connections come in autocommit mode: DDL is transactional in SQLite, if a transaction is begun.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


engine = create_engine("sqlite://", creator=context.config.attributes["connect"], poolclass=NullPool)
event.listen(engine, "begin", _begin)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
