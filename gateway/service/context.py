"""Read what the store knows about a proposal, in one snapshot."""

from collections.abc import Iterable

from gateway.core.canonical import Json
from gateway.ports import ReadRow, SwitchRow, Tx
from gateway.service.policy_input import Context
from gateway.service.proposal import Proposal

_MAX_READS = 64
_SWITCH_CODE = {"stop": "GATEWAY_STOPPED", "freeze": "GATEWAY_FROZEN"}


def read_context(tx: Tx, proposal: Proposal, *, now_ms: int, window_ms: int, nonce: str = "", action: str = ""
                 ) -> Context:  # fmt: skip
    """Return incident, reads, history, votes and switches; `nonce` names the approval request whose votes count.

    A closed incident is none: nothing is evidenced by it any more.
    """
    agent: Json = proposal.doc["agent"]
    since = now_ms - window_ms
    named = tx.incident(str(proposal.doc["incident"])) if proposal.doc["incident"] else None
    incident = named if named is not None and named.status == "open" else None
    return Context(
        incident=incident,
        reads=_evidence(tx.reads(incident.id)) if incident is not None else (),
        agent_history=tx.history(agent=agent["id"], since_ms=since),
        target_history={t: tx.history(target=t, since_ms=since) for t in proposal.targets},
        votes=tuple(v for v in tx.votes(action, nonce) if v.approve) if nonce else (),
        switches=_codes(tx.switches(), agent["id"], proposal),
    )


def _evidence(reads: Iterable[ReadRow]) -> tuple[ReadRow, ...]:
    """Return what may be evidence: the newest success on each set of targets, the newest of these, oldest first.

    An incident of a thousand reads must not outgrow the policy input.
    """
    newest = {r.targets: r for r in sorted(reads, key=lambda r: r.at_ms) if r.outcome == "succeeded"}
    return tuple(sorted(newest.values(), key=lambda r: r.at_ms)[-_MAX_READS:])


def quick_context(switches: Iterable[SwitchRow], proposal: Proposal) -> Context:
    """Return the context of a read of no incident: nothing but the switches can matter for it."""
    agent: Json = proposal.doc["agent"]
    return Context(switches=_codes(switches, agent["id"], proposal))


def _codes(switches: Iterable[SwitchRow], agent: str, proposal: Proposal) -> tuple[str, ...]:
    return tuple(sorted({_SWITCH_CODE[s.kind] for s in switches if covers(s, agent, proposal)}))


def covers(switch: SwitchRow, agent: str, proposal: Proposal) -> bool:
    """Tell whether a switch covers an action; empty members cover everything."""
    return switch_covers(switch, agent, proposal.environments)


def switch_covers(switch: SwitchRow, agent: str, environments: tuple[str, ...]) -> bool:
    """Tell whether a switch covers an agent acting in these environments."""
    return switch.agent in {"", agent} and (not switch.environment or switch.environment in environments)
