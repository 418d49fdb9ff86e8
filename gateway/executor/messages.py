"""What an executor gets and what it tells, free of the wire format; `session` translates."""

from dataclasses import dataclass
from typing import Protocol

from gateway.core.grant import Purpose
from gateway.ports_target import Applied, Undone


@dataclass(frozen=True, slots=True)
class Work:
    """What may be done, with the signed grant for it; nothing in it is trusted before the grant is."""

    work_id: str
    action: str
    purpose: Purpose
    grant: bytes
    plan: bytes
    fence: int
    snapshot: bytes
    """Canonical JSON {"steps": [...]}: what was recorded at observation, one entry a step; may be empty for reads."""
    checks: bytes
    """Canonical JSON: [{name, provider, query, …}]; may be empty."""
    deadline_ms: int
    first_step: int
    progress: bytes = b""
    """Canonical JSON {"steps": [...]}: what is on record of each step; unsigned, so it may only narrow what is done."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The answer to BeginAttempt; `lost` when there was none, so that it is not known what the gateway wrote."""

    begun: bool
    reason: str = ""
    lost: bool = False


@dataclass(frozen=True, slots=True)
class RefusalSaid:
    """The work failed a check: nothing was begun, nothing was touched."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class ObservationSaid:
    """What was seen of all steps, as canonical JSON."""

    document: bytes


@dataclass(frozen=True, slots=True)
class StepSaid:
    """The outcome of applying one step."""

    step: int
    applied: Applied


@dataclass(frozen=True, slots=True)
class ProbeSaid:
    """Whether a step of a lost attempt was applied."""

    step: int
    applied: Applied


@dataclass(frozen=True, slots=True)
class SamplesSaid:
    """Samples of telemetry, as canonical JSON."""

    document: bytes


@dataclass(frozen=True, slots=True)
class UndoSaid:
    """The outcome of taking one step back."""

    step: int
    undone: Undone


Said = RefusalSaid | ObservationSaid | StepSaid | ProbeSaid | SamplesSaid | UndoSaid


class Gateway(Protocol):
    """The gateway as an executor sees it."""

    async def begin(self, work: Work, nonce: str) -> Begun:
        """Ask for leave to touch a target."""
        ...

    async def report(self, work: Work, said: Said) -> bool:
        """Tell what happened until it is heard; true to go on with the next step."""
        ...

    async def chunk(self, work: Work, step: int, data: bytes) -> None:
        """Show live output to watchers, if that is possible now; never fails."""
        ...
