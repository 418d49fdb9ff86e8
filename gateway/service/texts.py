"""Text for people, by reason code; it never contains what an attacker wrote except as formatted args."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.canonical import Json
from gateway.core.finding import NOTHING_PERMITTED
from gateway.service.caps import CAPS

_RESTORE = "run `countermand audit verify`, find who can write to the database, and restore what was changed"
OWN: Mapping[str, tuple[str, str]] = {
    NOTHING_PERMITTED: (
        "no rule permits this operation for this agent in this environment",
        "propose an operation that the policy lists for this environment, or ask a security engineer for a rule",
    ),
    "ROW_EDITED": (
        "the state row of the action is not the one that the log tells: the database was changed outside the gateway",
        "nothing begins; run `countermand audit verify`, find who can write to the database, and restore the row",
    ),
    "LOG_EDITED": (
        "the newest leaf of the action is not the one that was signed: the database was changed outside the gateway",
        "nothing begins; run `countermand audit verify`, find who can write to the database, and restore the log",
    ),
    "PROPOSAL_EDITED": (
        "the stored proposal of the action is not the one that was recorded",
        "nothing begins; run `countermand audit verify`, find who can write to the database, and restore the document",
    ),
    "JOURNAL_EDITED": ("the steps of the action are not those that were recorded", _RESTORE),
    "DECISION_EDITED": ("the stored decision on the action is not the one that was recorded", _RESTORE),
    "REQUEST_EDITED": ("the stored request for approval is not the one that was recorded", _RESTORE),
    "RECEIPT_EDITED": ("the stored receipt of the action is not the one that was recorded", _RESTORE),
    "EXECUTOR_ABSENT": (
        "no executor of the audience {audience} is attached, so the action waits",
        "start one there with `countermand executor`, and see its log; what waits goes on by itself, undos too",
    ),
    "POLICY_FAULT": ("the policy engine did not answer", "try again; an operator should run `countermand doctor`"),
}
_UNKNOWN = ("{code}", "ask a security engineer what this code means")


@dataclass(frozen=True, slots=True)
class Text:
    """A message and the remedy that would itself be accepted."""

    message: str
    remedy: str


class Texts:
    """Format messages and remedies of every code the gateway, its parsers and its policy use."""

    def __init__(self, parsing: Mapping[str, tuple[str, str]], policy: Mapping[str, tuple[str, str]]) -> None:
        self._known = {**policy, **parsing, **CAPS, **OWN}

    def of(self, code: str, args: Mapping[str, Json]) -> Text:
        """Return the text of a code; a placeholder without an argument stays as it is."""
        message, remedy = self._known.get(code, _UNKNOWN)
        values = _Args({"code": code, **args})
        return Text(message.format_map(values), remedy.format_map(values))


class _Args(dict[str, Json]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"
