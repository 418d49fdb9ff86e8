"""Undo grants outlive keys: what was begun can be undone, so a grant whose key is no longer valid is signed again.

Only a grant that the log names, under a checkpoint, is signed again: whoever stole the revoked key could have put
another one into the database. It is sent under the new key and recorded when its attempt begins, before the target is
touched.
"""

from gateway.core.canonical import digest_bytes
from gateway.core.dsse import Envelope
from gateway.core.events import read_leaf
from gateway.core.kinds import LeafKind as K
from gateway.ports import Tx
from gateway.service.grant_key import key_refusal, signer_of
from gateway.service.grants import sign
from gateway.service.record import LeafBody, document
from gateway.service.recorded import in_log
from gateway.service.world import World

_GRANTS = 64


async def lasting(world: World, action: str, grant: bytes) -> bytes:
    """Return an undo grant as it may be sent now: signed again where its key has expired or was revoked."""
    if not key_refusal(world, grant):
        return grant
    if not await world.store.read(lambda tx: _named(world, tx, action, grant)):
        return grant  # the executor refuses it, and says why
    return await sign(world, Envelope.from_bytes(grant).payload)


def record_signed_again(tx: Tx, action: str, grant: bytes) -> tuple[LeafBody, ...]:
    """Store an undo grant that was signed again, with the attempt that begins under it; returns the leaf to write."""
    known = (tx.document(action, kind) for kind in ("grant_undo", "grant_undo/inherited"))
    if grant in known:
        return ()
    kid = signer_of(grant)
    envelope = document(tx, action, f"grant_undo/{kid}", grant)
    return ((K.GRANT, {"purpose": "undo", "undo_envelope": envelope, "kid": kid}),)


def _named(world: World, tx: Tx, action: str, grant: bytes) -> bool:
    """Tell whether a leaf of the action, as it was signed, names this very grant."""
    envelope = digest_bytes(grant)
    leaves = tx.leaves_of(action, _GRANTS, kind=K.GRANT.value)
    signed = [data for index, data in leaves if in_log(world, tx, index, data)]
    return any(_envelope(data) == envelope for data in signed)


def _envelope(data: bytes) -> str:
    try:
        return str(read_leaf(data).body.get("undo_envelope", ""))
    except ValueError:
        return ""  # edited into nonsense: it names no grant
