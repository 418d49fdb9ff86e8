"""The policy engine as the gateway needs it; embedded regorus and an OPA server implement it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.core.bundle import Bundle
from gateway.core.canonical import Json
from gateway.core.finding import Finding, parse_findings
from gateway.core.obligation import Obligation, parse_obligations


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """What one revision says about one input; shapes as in `contract/decision.json`, already validated.

    Both tuples are sorted by their JSON text and carry only codes that the revision documents.
    """

    revision: str
    findings: tuple[Mapping[str, Json], ...]
    obligations: tuple[Mapping[str, Json], ...]
    values: tuple[tuple[Finding, ...], tuple[Obligation, ...]] | None = field(default=None, compare=False, repr=False)
    """Both as values, from an engine that has read them anyhow."""

    def read(self, steps: int) -> tuple[tuple[Finding, ...], tuple[Obligation, ...]]:
        """Return findings and obligations about `steps` steps as values; raises ValueError for malformed ones."""
        if self.values is not None:
            return self.values
        return parse_findings(self.findings, steps), parse_obligations(self.obligations, steps)


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
