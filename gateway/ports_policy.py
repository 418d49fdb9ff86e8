"""The policy engine as the gateway needs it; embedded regorus and an OPA server implement it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.core.bundle import Bundle
from gateway.core.canonical import Json


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """What one revision says about one input; shapes as in `contract/decision.json`, already validated.

    Both tuples are sorted by their JSON text and carry only codes that the revision documents.
    """

    revision: str
    findings: tuple[Mapping[str, Json], ...]
    obligations: tuple[Mapping[str, Json], ...]


class PolicyEngine(Protocol):
    """One engine with one revision in force."""

    @property
    def revision(self) -> str:
        """Return the revision in force; empty before the first load."""
        ...

    @property
    def bundle(self) -> Bundle | None:
        """Return the bundle in force: its texts by code, its samples."""
        ...

    async def evaluate(self, document: Mapping[str, Json]) -> PolicyAnswer:
        """Evaluate a `countermand.input/1` document.

        Raises PolicyFault for whatever is not a valid answer to a valid document; the caller denies.
        """
        ...

    async def load(self, bundle: Bundle) -> None:
        """Lint, load, canary, then swap; raises PolicyRefused and keeps the revision in force."""
        ...

    async def close(self) -> None:
        """Stop workers and connections."""
        ...
