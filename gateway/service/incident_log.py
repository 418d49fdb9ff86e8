"""Whether an incident is the one that the log tells: its source decides how far a change may go by itself."""

from gateway.core.events import read_leaf
from gateway.core.kinds import LeafKind as K
from gateway.errors import Edited
from gateway.ports import IncidentRow, Tx

_KINDS = (K.INCIDENT_CLOSED, K.CAUSE, K.HYPOTHESIS, K.INCIDENT_OPENED)
_NEWEST = 512
"""How many of the newest leaves of each kind are looked at; an incident whose leaves are older is not compared."""
_ACTIONS = 64
_ATTEMPTS = 8


def incident_edited(tx: Tx, row: IncidentRow) -> bool:
    """Tell whether an incident has another digest than its newest leaf tells."""
    named = b'"incident":"%b"' % row.id.encode(errors="replace")
    found = [leaf for kind in _KINDS for leaf in tx.leaves_of("", _NEWEST, kind=kind.value) if named in leaf[1]]
    for action in tx.actions(incident=row.id, limit=_ACTIONS):
        counted = tx.leaves_of(action.id, _ATTEMPTS, kind=K.ATTEMPT.value)  # a change that began for it is counted
        found += [leaf for leaf in counted if named in leaf[1]]
    return bool(found) and _told(max(found)[1]) != row.digest


def must_be_told(tx: Tx, row: IncidentRow) -> None:
    """Raise Edited for an incident that is not the one that its newest leaf tells."""
    if incident_edited(tx, row):
        raise Edited("INCIDENT_EDITED", "the stored incident is not the one that was recorded", subject=row.id)


def _told(leaf: bytes) -> str:
    try:
        return str(read_leaf(leaf).body.get("row", ""))
    except ValueError:
        return ""
