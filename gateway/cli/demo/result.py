"""What came out of a demo, for the closing table and for programs."""

from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.story import Story


@dataclass(frozen=True, slots=True)
class Verdict:
    """One proposal of the agent that was not a read."""

    what: str
    verdict: str
    outcome: str


@dataclass(slots=True)
class Result:
    """Everything worth telling; `code` is the exit status."""

    seed: int
    code: int = 1
    first_read_s: float | None = None
    """From the alert to the first diagnostic read that succeeded, by the log."""
    reads: int = 0
    verdicts: list[Verdict] = field(default_factory=list)
    receipts: int = 0
    """Receipts that the agent checked offline, with the proof that they are in the log."""
    undone: list[str] = field(default_factory=list)
    proof: list[str] = field(default_factory=list)
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def close(self, story: Story, expect: Expectations) -> None:
        """Take over what was expected and how long it took."""
        self.passed, self.failed, self.seconds = expect.passed, list(expect.failed), round(story.elapsed_s, 1)

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return asdict(self)

    def show(self, story: Story) -> None:
        """Print the closing table, and what failed if anything did."""
        first = "never" if self.first_read_s is None else f"{self.first_read_s:.1f} s"
        rows = [("alert → first diagnostic read", first, f"{self.reads} reads in all")]
        rows += [(v.what, v.verdict, v.outcome) for v in self.verdicts]
        rows += [("receipts checked by the agent", str(self.receipts), "signature, and inclusion under a checkpoint")]
        rows += [("undone and read back", "", text) for text in self.undone]
        rows += [("proof", "", text) for text in self.proof]
        story.table("What happened", ("what", "verdict", "outcome"), rows)
        if self.failed:
            story.text(f"{len(self.failed)} of {len(self.failed) + self.passed} expectations failed:")
            for name in self.failed:
                story.text(f"  ✗ {name}")
        else:
            story.text(f"all {self.passed} expectations held, {self.seconds:.0f} s")
