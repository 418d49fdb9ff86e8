"""Whether a state row is the one that the log tells: checked before a grant to act is sent, and before it begins.

Whoever can write to the database can set a finished action back to GRANTED. The leaf of its last transition names the
digest of the row that it left, so the row alone is not believed. Leaves are in the same database: a leaf that the last
checkpoint covers must be under the root that this process signed, or whose signature it checked at its start, in
O(log n). A younger one (at most `checkpoint_ms`) must only have the hash that is stored with it: to wait for its
checkpoint would cost every read up to a second. The window is closed from two sides: what began in this process
cannot begin from GRANTED again, and the next checkpoint is not signed over an edited leaf.
"""

from collections.abc import Mapping
from contextlib import suppress

from gateway.core.canonical import Json, digest_bytes
from gateway.core.events import Leaf, read_leaf
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import State
from gateway.core.merkle import Frontier, inclusion_ranges, leaf_hash, verify_inclusion
from gateway.ports import ActionRow, Tx
from gateway.service.record import global_leaf
from gateway.service.world import World

_PAGE = 8
_SCAN = 1_024
_SINCE = 65_536
"""How many leaves are read behind a grant; one that lay there for more is only held to its own leaf."""
EDITED = frozenset({"ROW_EDITED", "LOG_EDITED", "PROPOSAL_EDITED"})


def unrecorded(world: World, tx: Tx, row: ActionRow) -> str:
    """Return why a row and the documents that it names are not believed; empty when they are what the log tells."""
    found = newest_transition(tx, row.id)
    if found is None:
        return "LOG_EDITED" if tx.leaves_of(row.id, 1) else "ROW_EDITED"
    index, data, leaf = found
    if not in_log(world, tx, index, data):
        return "LOG_EDITED"
    if leaf.action != row.id or leaf.row != row.digest:
        return "ROW_EDITED"
    if row.state == State.GRANTED and world.hub.has_begun(row.id):
        return "ROW_EDITED"
    return "" if digest_bytes(tx.document(row.id, "proposal") or b"") == row.doc_digest else "PROPOSAL_EDITED"


def unrecorded_since(world: World, tx: Tx, row: ActionRow) -> str:
    """Return why a row is not believed before it is granted to anybody; empty when nothing is known against it.

    The columns by which leaves are found are not hashed, so the newest transitions of an action can be hidden. Here
    every leaf since the one that was found is read, in O(leaves since then): none may move the action, and together
    they must have the signed root. What this process let begin it remembers; so BeginAttempt does not ask this again.
    """
    found = newest_transition(tx, row.id)
    why = unrecorded(world, tx, row)
    if why or found is None or row.state != State.GRANTED:
        return why
    return "LOG_EDITED" if _hidden(world, tx, found[0] + 1, row.id) else ""


def _hidden(world: World, tx: Tx, first: int, action: str) -> bool:
    """Tell whether a leaf from `first` on moves the action, or one that was signed is another by now."""
    signed, named = world.bus.signed, b'{"action":"%b",' % action.encode()
    frontier = Frontier(first, tuple(tx.range_roots(_peaks(first))))
    for start in range(first, min(tx.log_head().size, first + _SINCE), _SCAN):
        for index, data in tx.leaves(start, _SCAN):
            if data.startswith(named) and _moves(data):
                return True
            if signed is not None and index < signed.size:
                frontier = frontier.append(leaf_hash(data))
    return signed is not None and frontier.size == signed.size and frontier.root() != signed.root


def _moves(data: bytes) -> bool:
    """Tell whether a leaf moves its action; one that was edited into nonsense may have."""
    try:
        return read_leaf(data).event is not None
    except ValueError:
        return True


def _peaks(size: int) -> list[tuple[int, int]]:
    """Return the ranges of the full subtrees of a tree, largest first."""
    ranges, first = [], 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            ranges.append((first, first + (1 << level)))
            first += 1 << level
    return ranges


def newest_transition(tx: Tx, action: str) -> tuple[int, bytes, Leaf] | None:
    """Return (index, bytes, leaf) of the newest transition of an action; None when no leaf can be read as one."""
    limit = _PAGE
    while True:
        page = tx.leaves_of(action, limit)
        for index, data in page:
            try:
                leaf = read_leaf(data)
            except ValueError:
                return None  # edited: what is older must not stand in for it
            if leaf.event is not None:
                return index, data, leaf
        if len(page) < limit:
            return None
        limit *= 4


def in_log(world: World, tx: Tx, index: int, data: bytes) -> bool:
    """Tell whether these bytes are the leaf of this index, by the newest checkpoint if it covers them."""
    digest = leaf_hash(data)
    signed = world.bus.signed
    if signed is None or index >= signed.size:
        return tx.leaf_hashes(index, index + 1) == [digest]
    try:
        proof = tx.range_roots(inclusion_ranges(index, signed.size))
    except ValueError:
        return False  # there are fewer leaves than were signed
    return verify_inclusion(index, signed.size, digest, signed.root, proof)


def told(tx: Tx, action: str, kind: K, limit: int) -> list[Mapping[str, Json]]:
    """Return the bodies of the newest leaves of a kind, newest first.

    A leaf that cannot be read was edited: it tells nothing, and must not end the gateway. The audit names it.
    """
    found = []
    for _, data in tx.leaves_of(action, limit, kind=kind.value):
        with suppress(ValueError):
            found.append(read_leaf(data).body)
    return found


async def tell_edited(world: World, row: ActionRow, code: str, purpose: str) -> None:
    """Tell security and on-call that an action is not what the log says; once for each row that was found so.

    The leaves belong to no action: what its row says now is nothing to fold.
    """
    if not world.hub.distrust(row.id, row.digest):
        return
    text = world.texts().of(code, {})
    finding = {
        "finding": code, "code": code, "purpose": purpose, "severity": "critical", "subject": row.id,
        "detail": text.message,
    }  # fmt: skip
    page = {"to": "oncall", "code": code, "action": row.id, "detail": f"{text.message}; {text.remedy}"}
    await alarm(world, finding, page)


async def alarm(world: World, finding: Mapping[str, Json], page: Mapping[str, Json]) -> None:
    """Tell security and on-call by a leaf each, in one unit of work; neither belongs to an action."""

    def unit(tx: Tx) -> None:
        global_leaf(world, tx, K.SECURITY, finding)
        global_leaf(world, tx, K.NOTIFICATION, page)

    await world.store.write(unit)
