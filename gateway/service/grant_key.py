"""The key that a grant is signed by, and whether it may still be used."""

from gateway.core.dsse import Envelope
from gateway.ports import Tx
from gateway.service.world import World


def signer_of(envelope: bytes) -> str:
    """Return the key that an envelope says it is signed by; empty for what is no envelope of ours."""
    try:
        return Envelope.from_bytes(envelope).sole_signature().keyid
    except ValueError:
        return ""


def key_refusal(world: World, envelope: bytes) -> str:
    """Return why the key of a grant may not be used now, in the words of the executor's check; empty when it may."""
    key = world.keys().get(signer_of(envelope))
    if key is None:
        return "GRANT_KEY_UNKNOWN"
    refusal = key.refusal_at(world.clock.now_ms())
    return f"GRANT_KEY_{refusal}" if refusal is not None else ""


def grant_refusal(world: World, tx: Tx, action: str) -> str:
    """Return why the key of an action's grant to act may not be used now; empty when it may."""
    return key_refusal(world, tx.document(action, "grant_action") or b"")
