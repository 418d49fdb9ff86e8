"""Whether the votes under a request meet what a decision requires."""

from collections.abc import Iterable

from gateway.core.approval import Binding, Request, Tallied, Tally, Vote, tally
from gateway.core.assurance import Assurance
from gateway.core.obligation import Approval
from gateway.ports import ActionRow, Tx, VoteRow
from gateway.service.approval_request import Request as Asked
from gateway.service.settings import ServiceSettings
from gateway.service.world import World


def required(approvals: Iterable[Approval], settings: ServiceSettings) -> tuple[Approval, ...]:
    """Return whom to ask; a decision that names nobody asks the configured group."""
    return tuple(approvals) or (Approval(settings.approval_group, 1, Assurance.SOCKET),)


def count(
    row: ActionRow, asked: Asked, approvals: Iterable[Approval], votes: Iterable[VoteRow], settings: ServiceSettings
) -> Tallied:
    """Count the votes of one request; the agent and whoever answers for it may not approve.

    A vote was in time when it was cast: it stays so while its quorum is observed.
    """
    return tally(required(approvals, settings), (as_vote(v) for v in votes), request_of(row, asked))


def quorum_stands(world: World, tx: Tx, row: ActionRow, asked: Asked) -> bool:
    """Tell whether the request that is open has its quorum."""
    votes = [v for v in tx.votes(row.id, asked.nonce) if v.approve]
    return count(row, asked, asked.requirements, votes, world.settings).tally is Tally.QUORUM


def request_of(row: ActionRow, asked: Asked) -> Request:
    """Return a stored request as the core counts votes on it."""
    binding = Binding(row.plan_digest, row.decision_digest, row.state_digest, asked.nonce)
    return Request(binding, frozenset({row.agent, row.owner} - {""}), asked.expires_ms)


def as_vote(row: VoteRow) -> Vote:
    """Return a stored vote as the core counts it."""
    binding = Binding(row.plan_digest, row.decision_digest, row.state_digest, row.nonce)
    return Vote(row.subject, frozenset(row.groups), Assurance(row.assurance), row.approve, row.at_ms, binding)
