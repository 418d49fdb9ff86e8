"""Explain: what would be decided about a proposal, without recording or running anything.

The same parser, caps, policy and fold as `submit`; only what a gateway would have read from its store and its
executor is supposed instead (a healthy target, no incident) or given as a context.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.core.canonical import Json
from gateway.core.effect import Effect
from gateway.core.principal import Principal
from gateway.core.redact import Redactor
from gateway.errors import PolicyFault
from gateway.parsing.catalog import Catalog
from gateway.parsing.parse import parse, parse_typed
from gateway.parsing.result import Parsed, ParsedPlan, Refusal
from gateway.ports_policy import PolicyAnswer, PolicyEngine
from gateway.service.decide import decide_document, refused
from gateway.service.explain_context import ContextError, agent_of, ask_of, caps_under, check_context, merged
from gateway.service.explain_facts import healthy
from gateway.service.explain_line import Question
from gateway.service.policy_input import Context, policy_input
from gateway.service.proposal import Proposal, write_proposal
from gateway.service.query import decision_view
from gateway.service.settings import ServiceSettings
from gateway.service.texts import Texts
from gateway.service.views import FindingView

CODES: Mapping[str, tuple[str, str]] = {
    "CHECK_LINE": ("the question cannot be read: {why}", 'write {{"id": …, "command": …}} on a line of its own'),
    "CHECK_CONTEXT": (
        "the context is no partial policy input: {why}",
        "write it in the shape that `countermand check --explain` prints",
    ),
}
_ACTION = "act_check"
_DENY = "deny"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would be decided and why; `input` is what the policy saw, None when it was not asked."""

    verdict: str
    effects: tuple[str, ...] = ()
    digest: str = ""
    steps: tuple[Mapping[str, Json], ...] = ()
    findings: tuple[Mapping[str, Json], ...] = ()
    input: Mapping[str, Json] | None = None
    obligations: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Explainer:
    """A site and a policy to explain proposals under."""

    policy: PolicyEngine
    settings: ServiceSettings
    catalog: Catalog
    texts: Texts
    redactor: Redactor
    agent: Principal
    """Who asks, unless a context says otherwise."""

    async def explain(self, question: Question, now_ms: int) -> Explanation:
        """Decide a question; total: whatever is wrong with it becomes a denial that says so."""
        parsed = self._parse(question)
        if isinstance(parsed, Refusal):
            return self._refused(parsed)
        try:
            context = check_context({} if question.context is None else question.context)
            return await self._decided(question, parsed, context, now_ms)
        except ContextError as exc:
            return unanswerable("CHECK_CONTEXT", str(exc))
        except (KeyError, TypeError, AttributeError, ValueError) as exc:
            # A context may hold anything; the policy's schema judges what survives until it is asked.
            return unanswerable("CHECK_CONTEXT", f"a member has the wrong type ({type(exc).__name__})")

    def _parse(self, question: Question) -> Parsed:
        if question.command is not None:
            return parse(question.command, self.catalog, question.scope)
        steps: Sequence[Mapping[str, Json]] = question.steps or ()
        connectors = question.connectors
        if connectors is None:
            connectors = ("&&",) * max(0, len(steps) - 1)
        return parse_typed(steps, connectors, self.catalog, question.scope)

    def _refused(self, refusal: Refusal) -> Explanation:
        decision = refused(refusal.code, refusal.args, refusal.span, self.policy.revision)
        view = decision_view(decision.record, decision.digest, self.texts)
        findings = tuple(_finding(f) | {"span": list(refusal.span)} for f in view.findings)
        return Explanation(view.verdict, findings=findings)

    async def _decided(
        self, question: Question, parsed: ParsedPlan, context: Mapping[str, Json], now_ms: int
    ) -> Explanation:
        text = "" if question.command is None else question.command.decode()
        proposal = write_proposal(
            ask_of(context, text), agent_of(context, self.agent), parsed, self.settings, self.redactor
        )
        document = self._document(proposal, context, now_ms)
        caps = caps_under(document, proposal, self.settings)
        document["caps"] = [c.to_json() for c in caps]
        witness = _Witness(self.policy)
        decision = await decide_document(witness, self.settings, document, proposal, caps)
        if question.context and witness.fault is not None and witness.fault.code == "POLICY_INPUT_INVALID":
            return unanswerable("CHECK_CONTEXT", witness.fault.message)
        view = decision_view(decision.record, decision.digest, self.texts)
        effects = {e for s in parsed.steps for e in s.effects}
        return Explanation(
            verdict=view.verdict,
            effects=tuple(e.value for e in Effect if e in effects),
            digest=str(proposal.doc["plan_digest"]),
            steps=tuple(_step(s) for s in proposal.steps),
            findings=tuple(_finding(f) for f in view.findings),
            input=document,
            obligations=view.obligations,
        )

    def _document(self, proposal: Proposal, context: Mapping[str, Json], now_ms: int) -> dict[str, Json]:
        """Reads are decided at admission, changes as if an executor had looked."""
        stage = str(context.get("stage", "admit" if proposal.reads else "decide"))
        now = context.get("now_ms", now_ms)
        if isinstance(now, bool) or not isinstance(now, int):
            raise ContextError("context.now_ms is a time in milliseconds")
        window_s = self.settings.timing.evidence_window_ms // 1000
        seen = None if stage == "admit" else {"steps": [healthy(s, now) for s in proposal.steps]}
        document = policy_input(stage, now, _ACTION, proposal, Context(), (), seen, window_s)
        return merged(document, context, len(proposal.steps))


class _Witness:
    """The engine, remembering why it failed: a decision keeps the code only."""

    def __init__(self, policy: PolicyEngine) -> None:
        self._policy = policy
        self.fault: PolicyFault | None = None
        self.revision = policy.revision
        self.bundle = policy.bundle
        self.load = policy.load
        self.close = policy.close

    async def evaluate(self, document: Mapping[str, Json]) -> PolicyAnswer:
        try:
            return await self._policy.evaluate(document)
        except PolicyFault as exc:
            self.fault = exc
            raise


def unanswerable(code: str, why: str) -> Explanation:
    """Return the denial of a question that is itself wrong."""
    message, remedy = CODES[code]
    finding = {
        "code": code, "step": -1, "limit": _DENY, "message": message.format(why=why), "remedy": remedy.format(),
    }  # fmt: skip
    return Explanation(_DENY, findings=(finding,))


def _finding(view: FindingView) -> dict[str, Json]:
    effect = {"permit": view.permit} if view.permit is not None else {"limit": view.limit}
    return {"code": view.code, "step": view.step, **effect, "message": view.message, "remedy": view.remedy}


def _step(parsed: Mapping[str, Json]) -> dict[str, Json]:
    return {
        **parsed["step"],
        "digest": parsed["digest"],
        "effects": parsed["effects"],
        "undo": parsed["undo"],
        "environment": parsed["environment"]["name"],
    }
