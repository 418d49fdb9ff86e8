"""The gateway's own caps: what no policy can lift (DESIGN §4)."""

from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.core.effect import Effect, Undo, only_reads
from gateway.core.finding import Cap, Verdict
from gateway.service.policy_input import Context, Trouble
from gateway.service.proposal import Proposal
from gateway.service.settings import Breaker, ServiceSettings

# code → (message, remedy)
CAPS: Mapping[str, tuple[str, str]] = {
    "EFFECT_UNKNOWN": (
        "what {operation} does is not known",
        "propose an operation that `countermand check` names a known effect for",
    ),
    "EFFECT_SESSION": (
        "{operation} opens an interactive session or a tunnel, which cannot be decided step by step",
        "propose the single commands that you would type in the session",
    ),
    "AUDIENCES_DIFFER": (
        "the steps of one action are served by different executors",
        "propose one action per executor",
    ),
    "GATEWAY_STOPPED": ("a stop switch covers this action", "wait until a person resumes, then propose again"),
    "GATEWAY_FROZEN": ("a freeze switch covers this action", "wait until a person resumes, then propose again"),
    "REVISION_WITHDRAWN": (
        "the policy revision in force was withdrawn",
        "wait until a security engineer puts another revision in force, then propose again",
    ),
    "INCIDENT_UNKNOWN": ("there is no such incident", "name an incident that `countermand incidents list` shows"),
    "INCIDENT_EDITED": (
        "the incident is not the one that was recorded: the database was changed outside the gateway",
        "open another incident; run `countermand audit verify` and find who can write to the database",
    ),
    "INCIDENT_OPENED_BY_AGENT": (
        "the incident was opened by an agent, so a person must approve its changes",
        "ask for approval, or act on an incident that an alert opened",
    ),
    "BREAKER_OPEN": (
        "{mishaps} changes of this agent in {environment} failed or were taken back lately; a person approves the next",
        "ask for approval, or wait until they are outside the breaker's window",
    ),
    "OPERATION_BREAKER_OPEN": (
        "{mishaps} changes by {operation} in {environment} failed or were taken back; a person approves the next",
        "ask for approval, or wait until they are outside the breaker's window",
    ),
    "INEFFECTIVE_CHAIN": (
        "{undone} changes of {target} were taken back lately, so a person decides what is tried next",
        "read what went wrong before you ask for approval",
    ),
    "UNDO_NONE": ("{operation} cannot be taken back, so a person must approve it", "ask for approval"),
    "LEASE_TOO_SHORT": (
        "a lease of {lease_s} s is shorter than its verification needs ({needed_s} s)",
        "ask for a lease of at least {needed_s} s",
    ),
    "LEASE_TOO_LONG": ("a lease of {lease_s} s is longer than {max_s} s", "ask for a lease of at most {max_s} s"),
    "LEASE_REQUIRED": ("this change is only allowed for a time", "ask for a lease of at most {max_s} s"),
    "LEASE_NOT_UNDOABLE": (
        "a change that cannot be taken back cannot be leased",
        "propose it without a lease",
    ),
    "PREFLIGHT_FAILED": ("the target refused a dry run: {code}", "correct the step as the target says"),
    "TARGET_ABSENT": ("the target {target} does not exist", "name an existing target"),
}


_NO_WAY_BACK = {Undo.NONE, Undo.NEUTRAL}


def caps_of(proposal: Proposal, context: Context, settings: ServiceSettings) -> list[Cap]:
    """Return the caps that hold for an understood proposal, whatever the policy says."""
    caps = [c for s in proposal.steps for c in _step_caps(s)]
    if not proposal.doc["audience"]:
        caps.append(Cap("AUDIENCES_DIFFER", Verdict.DENY))
    caps += [Cap(code, Verdict.DENY) for code in context.barred]
    caps += _lease_caps(proposal)
    if proposal.reads:
        return caps
    if context.incident is not None and context.incident.source == "agent":
        caps.append(Cap("INCIDENT_OPENED_BY_AGENT", Verdict.APPROVE))
    return [*caps, *_breaker_caps(proposal, context.trouble, settings.breaker)]


def _breaker_caps(proposal: Proposal, trouble: Trouble, breaker: Breaker) -> list[Cap]:
    """Return what demotes a change to approval because too much went wrong lately."""
    caps = [
        Cap("BREAKER_OPEN", Verdict.APPROVE, args={"mishaps": count, "environment": environment})
        for environment, count in trouble.agent.items()
        if count >= breaker.agent
    ]
    for step in proposal.steps:
        index, operation = int(step["i"]), str(step["step"]["operation"])
        target, environment = str(step["step"]["target"]["id"]), str(step["environment"]["name"])
        count, undone = trouble.operation.get((operation, environment), 0), trouble.target.get(target, 0)
        if count >= breaker.operation:
            args = {"mishaps": count, "operation": operation, "environment": environment}
            caps.append(Cap("OPERATION_BREAKER_OPEN", Verdict.APPROVE, index, args))
        if undone >= breaker.target:
            caps.append(Cap("INEFFECTIVE_CHAIN", Verdict.APPROVE, index, {"undone": undone, "target": target}))
    return caps


def observed_caps(proposal: Proposal, observation: Mapping[str, Json] | None) -> list[Cap]:
    """Return the caps that follow from what the executor saw."""
    if observation is None:
        return []
    caps: list[Cap] = []
    for step, seen in zip(proposal.steps, observation["steps"], strict=True):
        index, operation = int(step["i"]), str(step["step"]["operation"])
        if seen["preflight"].get("status") == "failed":
            args = {"code": str(seen["preflight"].get("code", ""))}
            caps.append(Cap("PREFLIGHT_FAILED", Verdict.DENY, index, args))
        if any(f["status"] == "known" and f["value"].get("exists") is False for f in seen["facts"]):
            caps.append(Cap("TARGET_ABSENT", Verdict.DENY, index, {"target": step["step"]["target"]["id"]}))
        undo = Undo(seen["undo_class"])
        if undo is Undo.NONE and step["undo"] != Undo.NONE:
            caps.append(Cap("UNDO_NONE", Verdict.APPROVE, index, {"operation": operation}))
        if undo in _NO_WAY_BACK and proposal.doc["lease_s"] and proposal.undo not in _NO_WAY_BACK:
            caps.append(Cap("LEASE_NOT_UNDOABLE", Verdict.DENY, index))
    return caps


def lease_obligation_caps(
    proposal: Proposal, *, window_s: int, max_ttl_s: int | None, required: bool, settings: ServiceSettings
) -> list[Cap]:
    """Return the caps that follow from a lease that was asked for or must be."""
    asked = int(proposal.doc["lease_s"])
    longest = min(max_ttl_s or settings.timing.lease_max_ms // 1000, settings.timing.lease_max_ms // 1000)
    if required and not asked:
        return [Cap("LEASE_REQUIRED", Verdict.DENY, args={"max_s": longest})]
    if not asked:
        return []
    needed = window_s + settings.timing.lease_margin_ms // 1000
    if asked < needed:
        return [Cap("LEASE_TOO_SHORT", Verdict.DENY, args={"lease_s": asked, "needed_s": needed})]
    if asked > longest:
        return [Cap("LEASE_TOO_LONG", Verdict.DENY, args={"lease_s": asked, "max_s": longest})]
    return []


def _step_caps(step: Mapping[str, Json]) -> list[Cap]:
    effects = {Effect(e) for e in step["effects"]}
    index, operation = int(step["i"]), str(step["step"]["operation"])
    args = {"operation": operation}
    caps = []
    if not effects or Effect.UNKNOWN in effects:
        caps.append(Cap("EFFECT_UNKNOWN", Verdict.DENY, index, args))
    if Effect.SESSION in effects:
        caps.append(Cap("EFFECT_SESSION", Verdict.DENY, index, args))
    if step["undo"] == Undo.NONE and not only_reads(effects):
        caps.append(Cap("UNDO_NONE", Verdict.APPROVE, index, args))
    return caps


def _lease_caps(proposal: Proposal) -> list[Cap]:
    if proposal.doc["lease_s"] and not proposal.reads and proposal.undo in _NO_WAY_BACK:
        return [Cap("LEASE_NOT_UNDOABLE", Verdict.DENY)]
    return []
