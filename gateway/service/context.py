"""Read what the store knows about a proposal, in one snapshot."""

from collections.abc import Iterable

from gateway.core.canonical import Json
from gateway.ports import IncidentRow, ReadRow, SwitchRow, Tx
from gateway.service.incident_log import incident_edited
from gateway.service.mishaps import trouble
from gateway.service.policy_input import Context, Trouble
from gateway.service.proposal import Proposal
from gateway.service.world import World

_MAX_READS = 64
SWITCH_CODE = {"stop": "GATEWAY_STOPPED", "freeze": "GATEWAY_FROZEN"}


def read_context(world: World, tx: Tx, proposal: Proposal, *, nonce: str = "", action: str = "") -> Context:
    """Return incident, reads, history, votes and what bars it; `nonce` names the request whose votes count.

    A closed incident is none: nothing is evidenced by it any more.
    """
    agent: Json = proposal.doc["agent"]
    now, settings = world.clock.now_ms(), world.settings
    since = now - settings.timing.evidence_window_ms
    named = str(proposal.doc["incident"])
    incident = tx.incident(named) if named else None
    barred = _codes(tx.switches(), agent["id"], proposal, withdrawn=is_withdrawn(tx, world.policy.revision))
    known = incident is not None and incident.status == "open"
    return Context(
        incident=incident if known else None,
        reads=_evidence(tx.reads(named)) if known else (),
        agent_history=tx.history(agent=agent["id"], since_ms=since),
        target_history={t: tx.history(target=t, since_ms=since) for t in proposal.targets},
        votes=tuple(v for v in tx.votes(action, nonce) if v.approve) if nonce else (),
        barred=(*barred, *_doubts(tx, proposal, incident)),
        trouble=Trouble() if proposal.reads else trouble(world, tx, proposal),
    )


def _doubts(tx: Tx, proposal: Proposal, incident: IncidentRow | None) -> tuple[str, ...]:
    """Return why the incident that a proposal names evidences nothing; a read needs none."""
    if incident is None:
        return ("INCIDENT_UNKNOWN",) if proposal.doc["incident"] else ()
    return () if proposal.reads or not incident_edited(tx, incident) else ("INCIDENT_EDITED",)


def is_withdrawn(tx: Tx, revision: str) -> bool:
    """Tell whether a policy revision was withdrawn: nothing is decided by it, and none of its grants begins."""
    return tx.revisions().get(revision) == "withdrawn"


def _evidence(reads: Iterable[ReadRow]) -> tuple[ReadRow, ...]:
    """Return what may be evidence: the newest success on each set of targets, the newest of these, oldest first.

    An incident of a thousand reads must not outgrow the policy input.
    """
    newest = {r.targets: r for r in sorted(reads, key=lambda r: r.at_ms) if r.outcome == "succeeded"}
    return tuple(sorted(newest.values(), key=lambda r: r.at_ms)[-_MAX_READS:])


def quick_context(switches: Iterable[SwitchRow], proposal: Proposal, *, withdrawn: bool = False) -> Context:
    """Return the context of a read of no incident: nothing but what bars it can matter for it."""
    agent: Json = proposal.doc["agent"]
    return Context(barred=_codes(switches, agent["id"], proposal, withdrawn=withdrawn))


def _codes(switches: Iterable[SwitchRow], agent: str, proposal: Proposal, *, withdrawn: bool) -> tuple[str, ...]:
    codes = {SWITCH_CODE[s.kind] for s in switches if covers(s, agent, proposal)}
    return tuple(sorted(codes | ({"REVISION_WITHDRAWN"} if withdrawn else set())))


def covers(switch: SwitchRow, agent: str, proposal: Proposal) -> bool:
    """Tell whether a switch covers an action; empty members cover everything."""
    return switch_covers(switch, agent, proposal.environments)


def switch_covers(switch: SwitchRow, agent: str, environments: tuple[str, ...]) -> bool:
    """Tell whether a switch covers an agent acting in these environments."""
    return switch.agent in {"", agent} and (not switch.environment or switch.environment in environments)
