"""One question of a verification to telemetry: what is asked, what counts as worse, how much may be missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from gateway.core import shape
from gateway.core.canonical import Json, canonical

MAX_SAMPLES = 1000
MAX_CHECKS = 16
"""How many checks a profile has at most."""
_MAX_QUERY_BYTES = 8_192
_SAMPLER = frozenset({"provider", "query"})
_COUNTS = ("min_samples", "breaches", "max_gap", "failures", "max_missing", "errors")


class CheckKind(StrEnum):
    """What a check asks for."""

    IMPROVE = "improve"
    """The median of the last samples reaches `limit`, or beats the baseline by the share `margin`."""
    NOT_WORSE = "not_worse"
    """No sample is worse than `limit` (unless it was so before), or than the baseline by more than `margin`."""
    EQUALS = "equals"
    """The last samples all equal `limit`."""


class Direction(StrEnum):
    """Which values are better."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True)
class Check:
    """One question to telemetry; raises ValueError when it could not be answered."""

    name: str
    kind: CheckKind
    direction: Direction = Direction.LOWER
    limit: float | None = None
    margin: float | None = None
    """Share of the baseline's absolute value: 0.1 is ten per cent."""
    min_samples: int = 3
    breaches: int = 2
    """How many samples in a row must be worse before a change is harmed."""
    max_gap: int = 2
    """How many slots in a row may be missing."""
    failures: int | None = None
    """How many samples in all, not in a row, make a change harmed."""
    max_missing: int | None = None
    """How many slots in all may be missing."""
    errors: int | None = None
    """When more slots in a row are missing, the window is not waited for: inconclusive at once."""
    control: bool = False
    """The peers are sampled too, under the name `control_of(name)`."""

    def __post_init__(self) -> None:
        for number in (self.limit, self.margin):
            if number is not None and not isfinite(number):
                raise ValueError(f"{self.name}: limit and margin are finite numbers")
        if self.margin is not None and self.margin < 0:
            raise ValueError(f"{self.name}: a margin is not negative")
        if self.limit is None and (self.kind is CheckKind.EQUALS or self.margin is None):
            raise ValueError(f"{self.name}: a check needs a limit or, unless it is `equals`, a margin")
        self._check_counts()

    def _check_counts(self) -> None:
        if min(self.min_samples, self.breaches) < 1 or self.failures == 0 or self.max_gap < 0:
            raise ValueError(f"{self.name}: min_samples, breaches and failures are 1 or more, max_gap 0 or more")
        if self.errors is not None and self.errors < self.max_gap:
            raise ValueError(f"{self.name}: errors is not less than max_gap")
        if self.control and self.kind is CheckKind.EQUALS:
            raise ValueError(f"{self.name}: an `equals` check has no control")

    @classmethod
    def from_json(cls, value: Json) -> "Check":
        """Read a check of a verification profile; `provider` and `query` are the sampler's. Raises ValueError."""
        optional = frozenset({"direction", "limit", "margin", "control", *_COUNTS}) | _SAMPLER
        item = shape.members(value, "check", frozenset({"name", "kind"}), optional)
        numbers = {name: shape.number(item[name], name) for name in ("limit", "margin") if name in item}
        whole = {name: shape.integer(item[name], name, 0, MAX_SAMPLES) for name in _COUNTS if name in item}
        return cls(
            name=shape.word(item["name"], "name of a check"),
            kind=CheckKind(item["kind"]),
            direction=Direction(item.get("direction", Direction.LOWER)),
            limit=numbers.get("limit"),
            margin=numbers.get("margin"),
            control="control" in item,
            **whole,
        )


def read_checks(value: Json, what: str) -> bytes:
    """Return the canonical text of a profile's checks, once each could be asked; raises ValueError."""
    items = shape.array(value, what, MAX_CHECKS)
    names = {Check.from_json(item).name for item in items}
    if not items or len(names) < len(items):
        raise ValueError(f"{what} are none, or two have one name")
    for item in items:
        shape.word(item.get("provider"), f"provider of {what}")
        queries = [shape.mapping(item.get("query"), f"query of {what}")]
        queries += [shape.mapping(item["control"], f"control of {what}")] if "control" in item else []
        if any(len(canonical(query)) > _MAX_QUERY_BYTES for query in queries):
            raise ValueError(f"a query of {what} is longer than {_MAX_QUERY_BYTES} bytes")
    return canonical(items)


def judged(checks: Iterable[Mapping[str, Json]]) -> list[Check]:
    """Return the checks that are judged; the peers of a check are sampled beside it only."""
    return [Check.from_json(check) for check in checks if "kind" in check]


def control_of(check: str) -> str:
    """Return the name under which the peers of a check are sampled."""
    return f"{check}.control"
