"""What only people may do."""

from gateway.core.principal import Principal
from gateway.errors import Forbidden


def people_only(principal: Principal) -> None:
    """Raise Forbidden for whoever did not come through the approvers' door."""
    if principal.door != "approver":
        raise Forbidden("PEOPLE_ONLY", "only people may do this")
