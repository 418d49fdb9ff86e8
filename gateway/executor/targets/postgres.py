"""One PostgreSQL database: reads, ending sessions, connection limits of roles."""

from collections.abc import Mapping
from typing import Protocol

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.errors import TargetFault
from gateway.executor.config import PostgresScope
from gateway.executor.output import OnChunk
from gateway.executor.targets.postgres_db import Database
from gateway.executor.targets.postgres_roles import ConnectionLimit
from gateway.executor.targets.postgres_select import Select
from gateway.executor.targets.postgres_sessions import Sessions
from gateway.ports import Clock
from gateway.ports_target import Applied, Observed, Undone


class Operation(Protocol):
    """What can be done to a database; the methods are those of a Target."""

    async def observe(self, step: Step) -> Observed:
        """See Target."""
        ...

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:
        """See Target."""
        ...

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """See Target."""
        ...

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """See Target."""
        ...


class PostgresTarget:
    """A database behind the Target port; every call opens a session of its own."""

    def __init__(self, scope: PostgresScope, clock: Clock, output_bytes: int) -> None:
        database = Database(scope)
        select = Select(database, output_bytes)
        self._operations: Mapping[str, Operation] = {
            "sql.select": select,
            "sql.explain": select,
            "sql.show": select,
            "sessions.cancel": Sessions(database, clock, "cancel"),
            "sessions.terminate": Sessions(database, clock, "terminate"),
            "roles.connection_limit": ConnectionLimit(database, clock),
        }

    async def observe(self, step: Step) -> Observed:
        """Read facts, preflight and snapshot."""
        return await self._operation(step).observe(step)

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:
        """Run the operation once."""
        if step.operation not in self._operations:
            return Applied("not_applied", "OPERATION_UNKNOWN", f"this executor cannot do {step.operation}")
        return await self._operation(step).apply(step, snapshot, on_chunk)

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Tell whether a lost attempt was applied."""
        return await self._operation(step).probe(step, snapshot)

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Restore the snapshot if our values still stand."""
        return await self._operation(step).undo(step, snapshot)

    async def close(self) -> None:
        """Do nothing: no session outlives its call."""

    def _operation(self, step: Step) -> Operation:
        operation = self._operations.get(step.operation)
        if operation is None:
            raise TargetFault("OPERATION_UNKNOWN", f"this executor cannot do {step.operation}")
        return operation
