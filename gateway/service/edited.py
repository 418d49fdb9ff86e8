"""Whether what is stored about an action is what was recorded: asked before it is shown to anybody.

Whoever can write to the database can change rows, documents and leaves. What was changed is not shown as if it were
true: the caller hears which of them, and what to do.
"""

from collections.abc import Callable
from typing import NoReturn, TypeVar

from gateway.core.canonical import digest_bytes
from gateway.core.events import Leaf, read_leaf
from gateway.core.kinds import LeafKind as K
from gateway.core.merkle import leaf_hash
from gateway.errors import Edited
from gateway.ports import ActionRow, Tx, journal_digest
from gateway.service.recorded import unrecorded
from gateway.service.texts import OWN
from gateway.service.world import World

T = TypeVar("T")
_TOUCH_STEPS = (K.OUTCOME, K.ATTEMPT, K.UNDO_OUTCOME, K.PROBE)
"""The kinds of leaves that a transition which touches steps begins with."""
_NEWEST = 4


def must_be_recorded(world: World, tx: Tx, row: ActionRow) -> None:
    """Raise Edited when row, proposal or journal of an action are not what the log tells."""
    why = unrecorded(world, tx, row)
    if not why and _journal(tx, row.id) != _told_journal(tx, row.id):
        why = "JOURNAL_EDITED"
    if why:
        raise Edited(why, OWN[why][0], subject=row.id)


def read_stored(code: str, action: str, data: bytes | None, digest: str, read: Callable[[bytes], T]) -> T:
    """Return a document read; raises Edited where it is gone, or not the one that has this digest ("": not known)."""
    if data is None or (digest and digest_bytes(data) != digest):
        raise Edited(code, OWN[code][0], subject=action)
    try:
        return read(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise Edited(code, OWN[code][0], subject=action) from exc


def stored_leaf(action: str, index: int, data: bytes) -> Leaf:
    """Return a leaf read; raises Edited where it is none."""
    try:
        return read_leaf(data)
    except ValueError as exc:
        raise Edited("LOG_EDITED", f"leaf {index} cannot be read", subject=action) from exc


def leaf_edited(index: int) -> NoReturn:
    """Raise Edited for a leaf that is not the one that was signed."""
    raise Edited("LOG_EDITED", f"leaf {index} is not the one that was recorded", subject=str(index))


def checked_page(tx: Tx, first: int, limit: int) -> tuple[list[tuple[int, bytes]], list[int]]:
    """Return leaves from `first` on, and the indexes of those that are not as they were recorded.

    Each has the hash that is stored with it, and the next one names that hash; a checkpoint tells the rest.
    """
    page = tx.leaves(first, limit)
    if not page:
        return [], []
    start = max(page[0][0] - 1, 0)
    hashes = dict(enumerate(tx.leaf_hashes(start, page[-1][0] + 1), start))
    edited = [index for index, data in page if leaf_hash(data) != hashes.get(index)]
    for index, data in page:
        before = hashes.get(index - 1, b"") if index else b""
        if index not in edited and b'"prev":"%b"' % before.hex().encode() not in data:
            edited.append(max(index - 1, first))
    if page[0][0] != first:
        edited.append(first)
    return page, sorted(set(edited))


def _journal(tx: Tx, action: str) -> str:
    steps = tx.steps(action)
    return journal_digest(steps) if steps else ""


def _told_journal(tx: Tx, action: str) -> str:
    """Return the digest of the journal as the newest leaf that touched it tells it; empty when none did."""
    return max(_newest_journal(tx, action, kind) for kind in _TOUCH_STEPS)[1]


def _newest_journal(tx: Tx, action: str, kind: K) -> tuple[int, str]:
    """Return (index, digest) of the newest leaf of a kind that tells one; most probes and retries touch no step."""
    limit = _NEWEST
    while True:
        page = tx.leaves_of(action, limit, kind=kind.value)
        for index, data in page:
            leaf = stored_leaf(action, index, data)
            if leaf.journal:
                return index, leaf.journal
        if len(page) < limit:
            return -1, ""
        limit *= 4
