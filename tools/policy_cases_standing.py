"""The cases behind policies/samples in which the policy is asked again about a change that stands."""

from collections.abc import Callable

from tools.policy_case_parts import Change, Json, document_of, document_with, moved_to, step_of, target_of

_FROZEN_MS = 1_798_000_000_000  # inside the year-end freeze of config/freeze


def asked(purpose: str) -> Change:
    """Ask about the change instead of proposing it."""

    def change(document: Json, _: Json) -> None:
        document["request"]["purpose"] = purpose

    return change


def limit() -> Json:
    """Cap a role's connections, as it stands."""
    target = target_of("pg:orders-db/role/checkout", "orders-db", "role", "checkout")
    step = step_of("postgres", "roles.connection_limit", target, {"role": "checkout", "limit": 5}, {}, "exact")
    return document_of(step, target["id"])


CASES: dict[str, tuple[Callable[[], Json], tuple[Change, ...]]] = {
    "rollback": (limit, (asked("rollback"),)),
    "rollback_in_freeze": (limit, (asked("rollback"), moved_to(_FROZEN_MS))),
    "rollback_after_its_incident": (limit, (asked("rollback"), document_with(incident=None))),
    "renew": (limit, (asked("renew"),)),
    "renew_in_freeze": (limit, (asked("renew"), moved_to(_FROZEN_MS))),
    "renew_after_its_incident": (limit, (asked("renew"), document_with(incident=None))),
    "keep": (limit, (asked("keep"),)),
}
