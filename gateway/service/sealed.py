"""Sealed blobs of an action: its raw plan, snapshot and outputs, bound to the action and to their kind."""

from gateway.core.canonical import Json, loads_strict
from gateway.errors import Edited
from gateway.ports import Tx
from gateway.service.world import World


def put_sealed(world: World, tx: Tx, action: str, kind: str, data: bytes) -> None:
    """Seal and store a blob."""
    tx.put_sealed(action, kind, world.sealer.seal(data, _aad(action, kind)))


def open_sealed(world: World, tx: Tx, action: str, kind: str) -> bytes | None:
    """Return a blob opened, or None when there is none (or no longer)."""
    sealed = tx.sealed(action, kind)
    return None if sealed is None else world.sealer.open(sealed, _aad(action, kind))


def open_json(world: World, tx: Tx, action: str, kind: str) -> Json:
    """Return a sealed JSON document; raises Edited when it is gone."""
    data = open_sealed(world, tx, action, kind)
    if data is None:
        raise Edited("SEALED_MISSING", f"{action} has no {kind} any more", subject=action)
    return loads_strict(data)


def _aad(action: str, kind: str) -> bytes:
    return f"{action}/{kind}".encode()
