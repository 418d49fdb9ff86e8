"""Whether the votes under a request meet what a decision requires."""

from collections.abc import Iterable

from gateway.core.approval import Binding, Request, Tallied, Vote, tally
from gateway.core.assurance import Assurance
from gateway.core.obligation import Approval
from gateway.ports import ActionRow, VoteRow
from gateway.service.settings import ServiceSettings


def required(approvals: Iterable[Approval], settings: ServiceSettings) -> tuple[Approval, ...]:
    """Return whom to ask; a decision that names nobody asks the configured group."""
    return tuple(approvals) or (Approval(settings.approval_group, 1, Assurance.SOCKET),)


def count(
    row: ActionRow, nonce: str, expires_ms: int, approvals: Iterable[Approval], votes: Iterable[VoteRow],
    settings: ServiceSettings,
) -> Tallied:  # fmt: skip
    """Count the votes of one request; the agent and whoever answers for it may not approve."""
    binding = Binding(row.plan_digest, row.decision_digest, row.state_digest, nonce)
    request = Request(binding, frozenset({row.agent, row.owner}), expires_ms)
    return tally(required(approvals, settings), (as_vote(v) for v in votes), request)


def as_vote(row: VoteRow) -> Vote:
    """Return a stored vote as the core counts it."""
    binding = Binding(row.plan_digest, row.decision_digest, row.state_digest, row.nonce)
    return Vote(row.subject, frozenset(row.groups), Assurance(row.assurance), row.approve, row.at_ms, binding)
