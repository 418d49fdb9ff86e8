"""What a gateway does once, before its doors open."""

from gateway import __version__
from gateway.core.events import read_leaf
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import OPEN
from gateway.ports import Tx
from gateway.service.control import open_rows, remember_switches
from gateway.service.record import global_leaf
from gateway.service.world import World


async def started(world: World) -> None:
    """Record the start, the key that signs from now on, and how many actions were open."""

    def unit(tx: Tx) -> None:
        key = world.keys()[world.signer.kid]
        opened = len(open_rows(tx, *OPEN))
        if tx.log_head().size == 0 or _signed_before(tx) != key.kid:
            event = {"change": "in_use", "kid": key.kid, "alg": key.alg, "jwk": key.to_jwk()}
            global_leaf(world, tx, K.KEY_EVENT, event)
        body = {"version": __version__, "role": "gateway", "open": opened}
        global_leaf(world, tx, K.RESTART, body)

    await world.store.write(unit)
    await remember_switches(world)


def _signed_before(tx: Tx) -> str:
    """Return the kid that the newest key event names."""
    index = tx.leaf_of("", K.KEY_EVENT.value)
    if index is None:
        return ""
    [(_, data)] = tx.leaves(index, 1)
    return str(read_leaf(data).body["kid"])
