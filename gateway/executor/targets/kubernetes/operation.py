"""What the target does with one verb."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.executor.output import OnChunk
from gateway.executor.targets.kubernetes.client import Cluster
from gateway.executor.targets.kubernetes.discovery import Kinds
from gateway.ports_target import Applied, Observed, Undone


@dataclass(frozen=True, slots=True)
class Reading:
    """What every reader reads from."""

    cluster: Cluster
    kinds: Kinds


class Operation(Protocol):
    """A verb on any kind; the methods are those of a Target."""

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
