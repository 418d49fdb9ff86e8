"""What was measured, and what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any

from gateway.cli.bench.children import Memory
from gateway.cli.bench.load import Figures
from gateway.cli.bench.stages import STAGES, WIRE, Timed, mean_us, middle

Key = tuple[str, int]


@dataclass(slots=True)
class Result:
    """The slices of every variant, in the order of the rounds."""

    setup: Mapping[str, Any] = field(default_factory=dict)
    slices: dict[Key, list[Figures]] = field(default_factory=dict)
    cpu_us: dict[Key, list[float]] = field(default_factory=dict)
    """Processor time of the gateway's own process a call; its workers are not in it."""
    timed: list[Timed] = field(default_factory=list)
    """Every traced call."""
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
        return mean_us(middle(self.timed))

    def total_us(self) -> float:
        """Return what the client waited for those same decisions, by its own clock."""
        return mean(call.took for call in middle(self.timed)) / 1e3


STAGE_TEXTS: Mapping[str, str] = {WIRE[0]: WIRE[1], **{stage: text for _, stage, text in STAGES}}
