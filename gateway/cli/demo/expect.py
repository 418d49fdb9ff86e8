"""What has to come out of the demo; every expectation is checked against the targets themselves."""

from dataclasses import dataclass, field

from gateway.cli.demo.story import Story


@dataclass(slots=True)
class Expectations:
    """Collects what was checked; a demo with a failed one ends with 1."""

    story: Story
    failed: list[str] = field(default_factory=list)
    passed: int = 0

    def check(self, name: str, holds: bool, seen: str = "") -> bool:  # noqa: FBT001  # reads like a sentence
        """Record one expectation and show it; returns whether it holds."""
        shown = f"{name}: {seen}" if seen else name
        if holds:
            self.passed += 1
            self.story.line("check", f"✓ {shown}")
        else:
            self.failed.append(name)
            self.story.line("FAILED", f"✗ {shown}")
        return holds

    def fail(self, name: str, seen: str) -> None:
        """Record an expectation that cannot hold any more."""
        self.check(name, False, seen)  # noqa: FBT003  # see `check`

    def equal(self, name: str, found: object, wanted: object) -> bool:
        """Expect a value."""
        return self.check(name, found == wanted, str(found) if found == wanted else f"{found!r} instead of {wanted!r}")
