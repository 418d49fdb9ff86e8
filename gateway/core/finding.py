"""The fold: findings and caps to one verdict (DESIGN §4).

    step   = min(max(deny, permits), limits, caps)
    action = min over steps            deny < shadow < approve < allow

Nothing permitted is denied, a limit always wins, and neither order nor repetition matters.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from gateway.core import shape
from gateway.core.canonical import Json, freeze
from gateway.core.step import MAX_STEPS

MAX_FINDINGS = 4096
NOTHING_PERMITTED = "NOTHING_PERMITTED"


class Verdict(IntEnum):
    """What may happen to a step or an action; a smaller one is stricter."""

    DENY = 0
    SHADOW = 1
    APPROVE = 2
    ALLOW = 3

    @property
    def word(self) -> str:
        """Return the name that policies and records use: `deny`, `shadow`, `approve`, `allow`."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Verdict":
        """Read `word` back; raises ValueError for anything else."""
        verdict = _BY_WORD.get(word)
        if verdict is None:
            raise ValueError(f"{word!r} is not a verdict")
        return verdict


_BY_WORD = {v.word: v for v in Verdict}
_PERMITS = frozenset({Verdict.SHADOW, Verdict.APPROVE, Verdict.ALLOW})
_LIMITS = frozenset({Verdict.DENY, Verdict.SHADOW, Verdict.APPROVE})


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement of the policy about one step: it permits or it limits, never both."""

    code: str
    step: int
    permit: Verdict | None = None
    limit: Verdict | None = None
    args: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.permit is None) == (self.limit is None):
            raise ValueError(f"{self.code} must either permit or limit")
        if self.permit is not None and self.permit not in _PERMITS:
            raise ValueError(f"{self.code} permits {self.permit.word}")
        if self.limit is not None and self.limit not in _LIMITS:
            raise ValueError(f"{self.code} limits to {self.limit.word}")
        object.__setattr__(self, "args", freeze(self.args))

    def to_json(self) -> dict[str, Json]:
        """Return the form that policies emit and records keep."""
        effect = {k: v.word for k, v in (("permit", self.permit), ("limit", self.limit)) if v is not None}
        return {"code": self.code, "step": self.step, **effect, "args": dict(self.args)}


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit that the gateway itself sets, on one step or (step None) on all of them."""

    code: str
    limit: Verdict
    step: int | None = None
    args: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "args", freeze(self.args))

    def covers(self, step: int) -> bool:
        """Tell whether the cap holds for a step."""
        return self.step is None or self.step == step

    def to_json(self) -> dict[str, Json]:
        """Return the form that records keep; a cap on all steps has no `step`."""
        where = {} if self.step is None else {"step": self.step}
        return {"code": self.code, "limit": self.limit.word, **where, "args": dict(self.args)}


@dataclass(frozen=True, slots=True)
class Folded:
    """The verdict of an action and what it rests on."""

    verdict: Verdict
    per_step: tuple[Verdict, ...]
    because: tuple[str, ...]
    """The codes that hold the verdict where it is, sorted; `NOTHING_PERMITTED` where no rule permits a step."""


def parse_findings(raw: Json, steps: int = MAX_STEPS) -> tuple[Finding, ...]:
    """Read the policy's `findings` about `steps` steps.

    Raises ValueError for anything malformed; one bad finding spoils all, because a finding that
    is dropped may be the limit that mattered.
    """
    return tuple(_finding(value, steps) for value in shape.array(raw, "findings", MAX_FINDINGS))


def fold(steps: int, findings: Iterable[Finding], caps: Iterable[Cap] = ()) -> Folded:
    """Fold findings and caps about `steps` steps into one verdict.

    No steps at all are denied. Raises ValueError when a finding or cap is about a step that does not exist.
    """
    found, capped = tuple(findings), tuple(caps)
    for about in (*(f.step for f in found), *(c.step for c in capped if c.step is not None)):
        if not 0 <= about < steps:
            raise ValueError(f"there is no step {about}")
    per_step = tuple(_step_verdict(i, found, capped) for i in range(steps))
    verdict = min(per_step, default=Verdict.DENY)
    return Folded(verdict, per_step, _because(verdict, per_step, found, capped))


def _finding(value: Json, steps: int) -> Finding:
    what = "a finding"
    item = shape.members(value, what, frozenset({"code", "step"}), frozenset({"permit", "limit", "args"}))
    code = shape.code(item["code"], f"code of {what}")
    return Finding(
        code=code,
        step=shape.integer(item["step"], f"step of {code}", 0, steps - 1),
        permit=_verdict(item, "permit", code),
        limit=_verdict(item, "limit", code),
        args=shape.mapping(item.get("args", {}), f"args of {code}"),
    )


def _verdict(item: Mapping[str, Json], name: str, code: str) -> Verdict | None:
    if name not in item:
        return None
    return Verdict.of(shape.text(item[name], f"{name} of {code}"))


def _step_verdict(step: int, findings: tuple[Finding, ...], caps: tuple[Cap, ...]) -> Verdict:
    about = tuple(f for f in findings if f.step == step)
    permitted = max((f.permit for f in about if f.permit is not None), default=Verdict.DENY)
    limits = tuple(f.limit for f in about if f.limit is not None)
    return min(permitted, *limits, *(c.limit for c in caps if c.covers(step)), Verdict.ALLOW)


def _because(
    verdict: Verdict, per_step: tuple[Verdict, ...], findings: tuple[Finding, ...], caps: tuple[Cap, ...]
) -> tuple[str, ...]:
    held = tuple(i for i, v in enumerate(per_step) if v == verdict)
    codes = {f.code for f in findings if f.step in held and f.limit == verdict}
    codes |= {c.code for c in caps if c.limit == verdict and any(c.covers(i) for i in held)}
    for step in held:
        permits = {(f.permit, f.code) for f in findings if f.step == step and f.permit is not None}
        if max((permit for permit, _ in permits), default=verdict) == verdict:
            codes |= {code for permit, code in permits if permit == verdict} or {NOTHING_PERMITTED}
    return tuple(sorted(codes or {NOTHING_PERMITTED}))
