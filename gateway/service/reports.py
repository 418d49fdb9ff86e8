"""What an executor reports, one value a kind; JSON documents stay bytes until the use case reads them."""

from dataclasses import dataclass
from typing import Literal

StepStatus = Literal["applied", "not_applied", "partly", "unknown"]
UndoStatus = Literal["undone", "conflict", "retry", "impossible"]


@dataclass(frozen=True, slots=True)
class RefusalReport:
    """A grant failed the executor's own checks."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class ObservationReport:
    """Facts, preflight and snapshot of all steps, and the baseline, as JSON."""

    document: bytes


@dataclass(frozen=True, slots=True)
class StepReport:
    """The outcome of applying one step."""

    step: int
    status: StepStatus
    code: str
    detail: str
    output: bytes
    truncated: bool
    after: bytes
    """JSON of the fields as read after the change; empty when not read."""


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """Whether a step of a lost attempt was applied."""

    step: int
    status: StepStatus
    after: bytes


@dataclass(frozen=True, slots=True)
class SamplesReport:
    """A round as JSON: {"samples": [{check, at_ms, value: number|null}], "fields": [{step, status, now}]}.

    `fields` are what was read back of each changed step: `status` as of a probe, `now` its fields or null.
    """

    document: bytes


@dataclass(frozen=True, slots=True)
class UndoReport:
    """The outcome of taking one step back."""

    step: int
    status: UndoStatus
    code: str
    detail: str
    read_back: bytes


@dataclass(frozen=True, slots=True)
class ChunkReport:
    """Live output for watchers, not recorded."""

    step: int
    data: bytes


Report = RefusalReport | ObservationReport | StepReport | ProbeReport | SamplesReport | UndoReport | ChunkReport
