"""What an executor needs of its targets and of telemetry, as Protocols; each technology implements them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from gateway.core.canonical import Json
from gateway.core.step import Step


@dataclass(frozen=True, slots=True)
class Observed:
    """What an executor saw of one step's target before anything is changed."""

    facts: tuple[Mapping[str, Json], ...]
    """[{target, status: known|unknown|stale, observed_ms, value}] as in the policy input."""
    preflight: Mapping[str, Json]
    """{status: ok|failed|not_available, targets, changes: [{path, from, to}], code?}"""
    snapshot: Mapping[str, Json]
    """What undo and probe need: the fields to change with their values now; sealed by the gateway."""
    undo_class: str
    """exact | compensating | neutral | none | not_needed, now that the facts are known."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome of one step."""

    status: Literal["applied", "not_applied", "partly", "unknown"]
    """`partly`: some objects of the step were changed, others not; `after` has `journal`: [{object, status}]."""
    code: str = ""
    detail: str = ""
    output: bytes = b""
    truncated: bool = False
    after: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Undone:
    """The outcome of taking one step back; `undone` only after a read-back that equals the snapshot."""

    status: Literal["undone", "conflict", "retry", "impossible"]
    code: str = ""
    detail: str = ""
    read_back: Mapping[str, Json] | None = None


class Target(Protocol):
    """One configured scope that an executor can touch; raises TargetFault for what it cannot tell."""

    async def observe(self, step: Step) -> Observed:
        """Read facts, preflight and snapshot; changes nothing."""
        ...

    async def apply(
        self, step: Step, snapshot: Mapping[str, Json], on_chunk: Callable[[bytes], Awaitable[None]]
    ) -> Applied:
        """Run the canonical step once; `unknown` whenever it cannot be told whether it ran."""
        ...

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Tell whether a lost attempt was applied, without changing anything."""
        ...

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Restore the snapshot's fields if they still hold what we wrote, then read back.

        A member `progress` of the snapshot is what is on record of the step: `parts`, the statuses of its objects where
        it was applied partly, and `recorded`, the digest of the edits of others that it told of before.
        """
        ...

    async def close(self) -> None: ...


class Telemetry(Protocol):
    """One source of samples."""

    async def sample(self, query: Mapping[str, Json]) -> float | None:
        """Return the newest value, or None when there is no data; raises TargetFault when unreachable."""
        ...
