"""The proposal document: what was proposed, by whom, as parsed; write-once and free of secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.canonical import Json, canonical, digest_bytes, loads_strict, thaw
from gateway.core.effect import Effect, Undo, only_reads, weakest, worst
from gateway.core.principal import Principal
from gateway.core.redact import Redactor
from gateway.core.step import Plan
from gateway.parsing.result import ParsedPlan, ParsedStep
from gateway.service.settings import ServiceSettings

SCHEMA = "countermand.proposal/1"


@dataclass(frozen=True, slots=True)
class Ask:
    """What the caller asked for besides the command; all of it untrusted."""

    request_id: str
    text: str
    justification: str
    incident: str
    hypothesis: str
    lease_s: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal document, read back from its bytes."""

    doc: Mapping[str, Json]
    data: bytes
    digest: str = field(init=False)
    """The sha256 of the document's bytes."""
    steps: tuple[Mapping[str, Json], ...] = field(init=False)
    """The steps with their parse record and environment."""
    effect: Effect = field(init=False)
    """The worst effect of all steps."""
    reads: bool = field(init=False)
    """Whether every step is proven a read."""
    targets: tuple[str, ...] = field(init=False)
    """The distinct target ids in sorted order."""
    environments: tuple[str, ...] = field(init=False)
    """The distinct environment names in sorted order."""

    def __post_init__(self) -> None:
        steps: tuple[Mapping[str, Json], ...] = tuple(self.doc["steps"])
        effects = [Effect(e) for s in steps for e in s["effects"]]
        known = {
            "digest": digest_bytes(self.data), "steps": steps, "effect": worst(effects), "reads": only_reads(effects),
            "targets": tuple(sorted({str(s["step"]["target"]["id"]) for s in steps})),
            "environments": tuple(sorted({str(s["environment"]["name"]) for s in steps})),
        }  # fmt: skip
        for name, value in known.items():
            object.__setattr__(self, name, value)

    @property
    def undo(self) -> Undo:
        """Return the weakest static undo class of all steps."""
        return weakest(Undo(s["undo"]) for s in self.steps)

    @classmethod
    def read(cls, data: bytes) -> "Proposal":
        """Read a document that this gateway wrote."""
        return cls(loads_strict(data), data)


def agent_json(principal: Principal) -> dict[str, Json]:
    """Return a principal as proposals and the policy input carry it."""
    return {
        "id": principal.id, "owner": principal.owner, "groups": sorted(principal.groups),
        "model_tier": principal.model_tier, "assurance": principal.assurance,
    }  # fmt: skip


def write_proposal(
    ask: Ask, principal: Principal, parsed: ParsedPlan, settings: ServiceSettings, redactor: Redactor
) -> Proposal:
    """Build the document of an understood proposal; the plan itself is sealed elsewhere, unredacted."""
    plan = parsed.plan
    doc = _head(ask, principal, redactor) | {
        "steps": [_step_json(i, p, settings, redactor) for i, p in enumerate(parsed.steps)],
        "connectors": list(parsed.connectors),
        "plan_digest": plan.digest,
        "audience": audience_of(plan, settings),
    }
    data = canonical(doc)
    return Proposal(doc, data)


def write_refused(ask: Ask, principal: Principal, redactor: Redactor) -> Proposal:
    """Build the document of a proposal that was not understood."""
    doc = _head(ask, principal, redactor) | {"steps": [], "connectors": [], "plan_digest": "", "audience": ""}
    return Proposal(doc, canonical(doc))


def audience_of(plan: Plan, settings: ServiceSettings) -> str:
    """Return the one executor audience that serves every step, or an empty string when they differ."""
    audiences = {settings.scopes[s.target.scope].audience for s in plan.steps}
    return audiences.pop() if len(audiences) == 1 else ""


def _head(ask: Ask, principal: Principal, redactor: Redactor) -> dict[str, Json]:
    return {
        "schema": SCHEMA,
        "door": principal.door,
        "agent": agent_json(principal),
        "text": redactor.text(ask.text),
        "justification": redactor.text(ask.justification),
        "incident": ask.incident,
        "hypothesis": ask.hypothesis,
        "lease_s": ask.lease_s,
    }


def _step_json(index: int, parsed: ParsedStep, settings: ServiceSettings, redactor: Redactor) -> dict[str, Json]:
    step = parsed.step
    name = settings.scopes[step.target.scope].environment_of(step.target.namespace)
    return {
        "i": index,
        "step": redactor.json(step.to_json()),
        "digest": step.digest,
        "effects": sorted(parsed.effects),
        "why": list(parsed.why),
        "table": parsed.table,
        "undo": parsed.undo,
        "span": list(parsed.span),
        "environment": {"name": name, "criticality": settings.environments[name].criticality},
    }


def plain(value: Json) -> Json:
    """Return a JSON value of plain containers."""
    return thaw(value)
