"""Whether an incident is the one that the log tells: its source decides how far a change may go by itself."""

from collections.abc import Iterator

from gateway.core.events import read_leaf
from gateway.core.kinds import LeafKind as K
from gateway.errors import Edited
from gateway.ports import ActionRow, IncidentRow, Tx

_KINDS = (K.INCIDENT_CLOSED, K.CAUSE, K.HYPOTHESIS, K.INCIDENT_OPENED)
_NEWEST, _MOST = 512, 65_536
"""How many leaves of each kind are looked at first, and how many before an incident is said to be edited; one whose
leaves are older still is not compared."""
_ACTIONS = 64
_ATTEMPTS = 8


def incident_edited(tx: Tx, row: IncidentRow) -> bool:
    """Tell whether an incident has another digest than its newest leaf tells.

    The newest leaf may be older than those that are looked at first, under many reads or many tries to undo: before
    anything is said to be edited, all are looked at.
    """
    quick = _newest(tx, row, tx.actions(incident=row.id, limit=_ACTIONS), _NEWEST, _ATTEMPTS)
    if quick in {"", row.digest}:
        return False
    return _newest(tx, row, _all_actions(tx, row.id), _MOST, _MOST) != row.digest


def must_be_told(tx: Tx, row: IncidentRow) -> None:
    """Raise Edited for an incident that is not the one that its newest leaf tells."""
    if incident_edited(tx, row):
        raise Edited("INCIDENT_EDITED", "the stored incident is not the one that was recorded", subject=row.id)


def _newest(tx: Tx, row: IncidentRow, actions: Iterator[ActionRow] | list[ActionRow], most: int, attempts: int) -> str:
    """Return the digest that the newest of the leaves looked at tells; empty where none is about the incident."""
    named = b'"incident":"%b"' % row.id.encode(errors="replace")
    found = [leaf for kind in _KINDS for leaf in tx.leaves_of("", most, kind=kind.value) if named in leaf[1]]
    for action in actions:
        counted = tx.leaves_of(action.id, attempts, kind=K.ATTEMPT.value)  # a change that began for it is counted
        found += [leaf for leaf in counted if named in leaf[1]]
    return _told(max(found)[1]) if found else ""


def _all_actions(tx: Tx, incident: str) -> Iterator[ActionRow]:
    before = ""
    while page := tx.actions(incident=incident, before=before, limit=_NEWEST):
        yield from page
        before = page[-1].id


def _told(leaf: bytes) -> str:
    try:
        return str(read_leaf(leaf).body.get("row", "")) or "nothing"
    except ValueError:
        return "nonsense"
