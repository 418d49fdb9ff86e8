"""What only people may do, and which people."""

from collections.abc import Iterable

from gateway.core.assurance import Assurance, at_least
from gateway.core.obligation import Approval
from gateway.core.principal import Principal
from gateway.errors import Forbidden
from gateway.ports import ActionRow


def people_only(principal: Principal) -> None:
    """Raise Forbidden for whoever did not come through the approvers' door."""
    if principal.door != "approver":
        raise Forbidden("PEOPLE_ONLY", "only people may do this")


def answers_for(principal: Principal, row: ActionRow) -> bool:
    """Tell whether a person is the agent of an action, or its owner, or in the team that owns it."""
    return not {principal.id, *principal.groups}.isdisjoint({row.agent, row.owner} - {""})


def approver_only(principal: Principal, row: ActionRow, required: Iterable[Approval]) -> None:
    """Raise Forbidden for a person whose vote on this action would not count."""
    people_only(principal)
    if answers_for(principal, row):
        raise Forbidden("VOTE_BARRED", "whoever answers for the agent may not approve for it")
    asked = [need for need in required if need.group in principal.groups]
    if not asked:
        raise Forbidden("VOTE_NO_GROUP", "you are in none of the groups that are asked")
    if not any(at_least(Assurance(principal.assurance), need.assurance) for need in asked):
        raise Forbidden("VOTE_ASSURANCE", "sign in more strongly to do this")
