"""What a caller can do about an error whose raiser does not say it, by reason; shared by every door."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway import errors

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "ACTION_MOVED": "get the action and decide again by its state now",
        "ACTION_UNKNOWN": "list your actions",
        "CHECKPOINT_NONE": "ask again in a second: a checkpoint is signed at least that often",
        "DRIFT_CLOSED": "list the open entries",
        "DRIFT_UNKNOWN": "list the open entries",
        "EVIDENCE_UNKNOWN": "name actions of this incident that read something and succeeded",
        "GATEWAY_FROZEN": "wait until an operator lifts the freeze",
        "HYPOTHESES_FULL": "work with the hypotheses that there are, or open another incident",
        "HYPOTHESIS_UNKNOWN": "add the hypothesis first, or name one of the incident's",
        "INCIDENT_CLOSED": "open a new incident",
        "INCIDENT_UNKNOWN": "open the incident first, or name an open one",
        "LEAF_UNKNOWN": "ask for a leaf below the size of the newest checkpoint",
        "LEASE_MALFORMED": "send whole seconds within the limit, or 0 for a change that stays",
        "MARK_UNKNOWN": "send would_do, did_it or wrong",
        "OBSERVATION_MALFORMED": "run an executor of the gateway's version",
        "OWNER_MAY_NOT": "have someone else resolve it",
        "PAGE_SIZE": "send 0 for the default, or a positive size",
        "PEOPLE_ONLY": "have a person do this through the approver door",
        "PROPOSAL_MISSING": "send a command or steps, not both and not neither",
        "READ_BACK_MALFORMED": "run an executor of the gateway's version",
        "RECEIPT_NONE": "wait until the action is final",
        "REFERENCE_MISSING": "give the address of the pull request or ticket",
        "REQUEST_ID_REUSED": "send a fresh UUID4 with another proposal; the old one keeps its first answer",
        "RESOLUTION_UNKNOWN": "send kept, undone_by_hand or retry_undo",
        "SAMPLES_MALFORMED": "run an executor of the gateway's version",
        "STATE_FORBIDS": "get the action: its state says what is possible",
        "STEPS_MALFORMED": 'send UTF-8 JSON {"steps": [...], "connectors": [...]}, every key once and no other',
        "TARGET_BUSY": "wait until the other action has ended",
        "UNDO_UNKNOWN": "take it back by hand and resolve the action as undone_by_hand",
        "VOTE_ASSURANCE": "sign in with a passkey or a client certificate",
        "VOTE_BARRED": "have someone else approve",
        "VOTE_NO_GROUP": "have a member of the groups that are asked approve",
        "VOTE_TWICE": "wait for the votes of others",
        "WAIT_INVALID": "ask for a minute at most, and wait again by watching the action",
    }
)
_LATER = "try again under the same request_id: it counts once"
_OPERATOR = "get the action before you try again; an operator finds the cause in the gateway's log"

_VERIFY = (
    "tell an operator, who runs `countermand audit verify`, finds who can write to the database, and restores it;"
    " nothing begins from what was changed"
)


def remedy_of(error: errors.CountermandError) -> str:
    """Return the remedy of an error: what its raiser tells callers, what its reason says, or what holds for faults."""
    if isinstance(error, errors.CallerError):
        return str(error.args_.get("remedy") or REMEDIES.get(error.code) or _OPERATOR)
    if isinstance(error, errors.Edited) or error.code in {"SEALED_UNREADABLE", "STORE_LOG_DAMAGED"}:
        return _VERIFY
    return _LATER if isinstance(error, errors.StoreFault | errors.DeliveryFault) else _OPERATOR
