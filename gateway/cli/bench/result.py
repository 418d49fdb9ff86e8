"""What was measured, and what follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from gateway.cli.bench.children import Memory
from gateway.cli.bench.load import Figures
from gateway.cli.bench.stages import STAGES, stages_us

Key = tuple[str, int]


@dataclass(slots=True)
class Result:
    """The slices of every variant, in the order of the rounds."""

    setup: Mapping[str, Any] = field(default_factory=dict)
    slices: dict[Key, list[Figures]] = field(default_factory=dict)
    cpu_us: dict[Key, list[float]] = field(default_factory=dict)
    """Processor time of the gateway's own process a call; its workers are not in it."""
    trace: Sequence[Mapping[str, int]] = ()
    cold_s: list[float] = field(default_factory=list)
    memory: Memory | None = None

    def add(self, variant: str, callers: int, figures: Figures, cpu_us: float | None) -> None:
        """Keep one slice."""
        self.slices.setdefault((variant, callers), []).append(figures)
        if cpu_us is not None:
            self.cpu_us.setdefault((variant, callers), []).append(cpu_us)

    def middle(self, variant: str, callers: int) -> Figures:
        """Return the medians of a variant's figures over the rounds, and all its calls."""
        of = self.slices[variant, callers]
        return Figures(
            median(f.p50_us for f in of), median(f.p99_us for f in of), median(f.rate for f in of),
            sum(f.calls for f in of),
        )  # fmt: skip

    def p50_ratio(self, callers: int) -> float:
        """Return how many times an echo a decision takes: the median of the rounds."""
        return median(d.p50_us / e.p50_us for d, e in self._pairs(callers))

    def rate_ratio(self, callers: int) -> float:
        """Return the share of the echo's rate that decisions reach: the median of the rounds."""
        return median(d.rate / e.rate for d, e in self._pairs(callers))

    def _pairs(self, callers: int) -> list[tuple[Figures, Figures]]:
        return list(zip(self.slices["decision", callers], self.slices["echo", callers], strict=True))

    def stages(self) -> dict[str, float]:
        """Return the microseconds of every stage of one caller's typical decision."""
        echoes, doors = self.slices["echo", 1], self.slices["deaf", 1]
        door = median(d.p50_us - e.p50_us for d, e in zip(doors, echoes, strict=True))
        return {"grpc": self.middle("echo", 1).p50_us, "door": door, **stages_us(self.trace)}


STAGE_TEXTS: Mapping[str, str] = {
    "grpc": "the bare echo: HTTP/2, event loop, both processes",
    "door": "identity, checks, protobuf to and from views",
    **{stage: text for _, stage, text in STAGES},
}
