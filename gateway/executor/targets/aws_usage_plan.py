"""`apigateway.UpdateUsagePlan`: the throttle of a usage plan, which limits each API key on it.

A plan without a throttle has neither field; the way back to that is to remove the whole throttle (the API cannot
remove one half of it), which is only right while nobody else has set the other half.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.core.canonical import Json
from gateway.core.undo import Fields
from gateway.executor.targets.aws_change import Seen

_KINDS = {"/throttle/rateLimit": float, "/throttle/burstLimit": int}
_PAGE = 500


@dataclass(frozen=True, slots=True)
class UsagePlanThrottle:
    """Rate and burst of one usage plan."""

    operation: str = "apigateway.UpdateUsagePlan"
    missing: frozenset[str] = frozenset({"NotFoundException"})

    def reads(self, params: Mapping[str, Json]) -> tuple[tuple[str, dict[str, Json]], ...]:
        """Read the plan and the keys that share it."""
        plan = {"usagePlanId": params["usagePlanId"]}
        return ("apigateway.GetUsagePlan", plan), ("apigateway.GetUsagePlanKeys", plan | {"limit": _PAGE})

    def seen(self, answers: tuple[Mapping[str, Any], ...]) -> Seen | None:
        """Return the throttle; `keys` counts the API keys that the change would limit together."""
        plan, keys = answers
        throttle = plan.get("throttle") or {}
        fields = {path: throttle.get(path.rpartition("/")[2]) for path in _KINDS}
        items = keys.get("items", [])
        value = {
            "exists": True,
            "name": plan.get("name"),
            "throttle": dict(throttle) or None,
            "keys": len(items),
            "key_ids": [item["id"] for item in items],
        }
        return Seen(fields, value)

    def wanted(self, params: Mapping[str, Json]) -> Fields | None:
        """Return rate and burst where they are replaced; any other patch cannot be restored."""
        fields: dict[str, Json] = {}
        for patch in params.get("patchOperations", ()):
            kind = _KINDS.get(patch.get("path", ""))
            if patch.get("op") not in {"replace", "add"} or kind is None:
                return None
            try:
                fields[patch["path"]] = kind(patch["value"])
            except (KeyError, ValueError):
                return None
        return fields or None

    def inverse(self, params: Mapping[str, Json], old: Fields, now: Fields) -> dict[str, Json] | None:
        """Set the old values again, or remove a throttle that was not there."""
        if all(value is None for value in old.values()):
            others = [path for path, value in now.items() if path not in old and value is not None]
            patches = None if others else [{"op": "remove", "path": "/throttle"}]
        elif None in old.values():
            patches = None
        else:
            patches = [{"op": "replace", "path": path, "value": _text(value)} for path, value in old.items()]
        return None if patches is None else {"usagePlanId": params["usagePlanId"], "patchOperations": patches}


def _text(value: Json) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)
