"""What parsing returns: a parsed plan, or one refusal with a reason code and a span."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.canonical import Json
from gateway.core.effect import Effect, Undo, weakest, worst
from gateway.core.step import Connector, Plan, Step

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ParsedStep:
    """A step and what the parse knows about it; none of this is in the step's digest."""

    step: Step
    effects: frozenset[Effect]
    why: tuple[str, ...]
    """Evidence for the effects: `table:kubectl#scale`, `iam:Write`, `param:SkipFinalSnapshot`."""
    table: str
    """The table and version that was used: `kubectl-1.32.4`, `aws-1.46.3`, `postgres`, `git-2.39`."""
    undo: Undo
    """The static undo class; the decision may lower it once facts are known."""
    span: Span = (0, 0)

    @property
    def effect(self) -> Effect:
        """Return the worst effect."""
        return worst(self.effects)


@dataclass(frozen=True, slots=True)
class ParsedPlan:
    """The steps of one proposal and how they are joined."""

    steps: tuple[ParsedStep, ...]
    connectors: tuple[Connector, ...] = ()

    @property
    def plan(self) -> Plan:
        """Return the plan whose digest votes and grants bind."""
        return Plan(tuple(p.step for p in self.steps), self.connectors)

    @property
    def effect(self) -> Effect:
        """Return the worst effect of all steps."""
        return worst(e for p in self.steps for e in p.effects)

    @property
    def undo(self) -> Undo:
        """Return the weakest undo class of all steps."""
        return weakest(p.undo for p in self.steps)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a proposal was not understood; always a denial.

    `code` is one of `gateway.parsing.codes.CODES`, whose message and remedy are formatted with `args`.
    """

    code: str
    span: Span = (0, 0)
    args: Mapping[str, Json] = field(default_factory=dict)


Parsed = ParsedPlan | Refusal
