"""Ask the policy, fold its findings with the gateway's caps, and keep the whole as one record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.canonical import Json, canonical, digest_bytes
from gateway.core.finding import NOTHING_PERMITTED, Cap, Finding, Verdict, fold
from gateway.core.obligation import Requirements, fold_obligations
from gateway.errors import PolicyFault
from gateway.ports_policy import PolicyEngine
from gateway.service.caps import caps_of, lease_obligation_caps, observed_caps
from gateway.service.policy_input import Context, policy_input
from gateway.service.proposal import Proposal
from gateway.service.settings import ServiceSettings

SCHEMA = "countermand.decision-record/1"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision and its record; the record's digest is what grants and votes name."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    caps: tuple[Cap, ...]
    because: tuple[str, ...]
    requirements: Requirements
    revision: str
    record: Mapping[str, Json]
    data: bytes = field(init=False)
    """The canonical bytes of the record."""
    digest: str = field(init=False)
    """The sha256 of these bytes."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", canonical(self.record))
        object.__setattr__(self, "digest", digest_bytes(self.data))

    @property
    def reason(self) -> str:
        """Return the code that says most about why the verdict is no better."""
        return next((c for c in self.because if c != NOTHING_PERMITTED), NOTHING_PERMITTED)

    @property
    def codes(self) -> list[str]:
        """Return the distinct codes of all findings and caps, sorted."""
        return sorted({f.code for f in self.findings} | {c.code for c in self.caps})


async def decide(
    policy: PolicyEngine,
    settings: ServiceSettings,
    *,
    stage: str,
    now_ms: int,
    action: str,
    proposal: Proposal,
    context: Context,
    observation: Mapping[str, Json] | None = None,
) -> Decision:
    """Evaluate one stage of the policy and fold it; an engine that fails is a denial, never an error."""
    caps = caps_of(proposal, context, settings) + observed_caps(proposal, observation)
    window_s = settings.timing.evidence_window_ms // 1000
    document = policy_input(stage, now_ms, action, proposal, context, caps, observation, window_s)
    return await decide_document(policy, settings, document, proposal, caps)


async def decide_document(
    policy: PolicyEngine,
    settings: ServiceSettings,
    document: Mapping[str, Json],
    proposal: Proposal,
    caps: Sequence[Cap],
    *,
    leased: bool = True,
) -> Decision:
    """Evaluate an input document about a proposal and fold the answer with the gateway's caps.

    `leased` false is about a change that stands: the lease it was proposed with is no question any more.
    """
    count = len(proposal.steps)
    try:
        answer = await policy.evaluate(document)
        findings, obligations = answer.read(count)
        requirements = fold_obligations(obligations)
        revision = answer.revision
    except (PolicyFault, ValueError) as exc:
        code = exc.code if isinstance(exc, PolicyFault) else "POLICY_ANSWER"
        findings, requirements, revision = (), Requirements(), policy.revision
        caps = [*caps, Cap("POLICY_FAULT", Verdict.DENY, args={"code": code})]
    caps = [*caps, *(_lease(proposal, requirements, settings) if leased else ())]
    return _record(document, count, findings, caps, requirements, revision)


def _lease(proposal: Proposal, requirements: Requirements, settings: ServiceSettings) -> list[Cap]:
    window = requirements.verify.window_s if requirements.verify else 0
    return lease_obligation_caps(
        proposal,
        window_s=window,
        max_ttl_s=requirements.lease_max_ttl_s,
        required=requirements.lease_required,
        settings=settings,
    )


def _record(
    document: Mapping[str, Json],
    count: int,
    findings: Sequence[Finding],
    caps: Sequence[Cap],
    requirements: Requirements,
    revision: str,
) -> Decision:
    folded = fold(count, findings, caps)
    record = {
        "schema": SCHEMA,
        "stage": document["stage"],
        "verdict": folded.verdict.word,
        "per_step": [v.word for v in folded.per_step],
        "because": list(folded.because),
        "findings": [f.to_json() for f in findings],
        "caps": [c.to_json() for c in caps],
        "requirements": requirements.to_json(),
        "revision": revision,
        "input": document,
    }
    return Decision(folded.verdict, tuple(findings), tuple(caps), folded.because, requirements, revision, record)


def refused(code: str, args: Mapping[str, Json], span: Sequence[int], revision: str) -> Decision:
    """Return the decision on a proposal that was not understood: a denial that names why."""
    cap = Cap(code, Verdict.DENY, args={**args, "span": list(span)})
    record = {
        "schema": SCHEMA, "stage": "parse", "verdict": Verdict.DENY.word, "per_step": [], "because": [code],
        "findings": [], "caps": [cap.to_json()], "requirements": Requirements().to_json(), "revision": revision,
        "input": None,
    }  # fmt: skip
    return Decision(Verdict.DENY, (), (cap,), (code,), Requirements(), revision, record)
