"""Announce: an executor tells which kinds a cluster of its audience serves; recorded before it is used."""

from gateway.core.discovery import DiscoveryMalformed, read
from gateway.core.kinds import LeafKind as K
from gateway.service.record import global_leaf
from gateway.service.world import World


async def announce(world: World, *, audience: str, instance: str, scope: str, document: bytes) -> tuple[bool, str]:
    """Return (accepted, reason); a document that breaks any rule is refused whole."""
    serving, known = world.settings.scopes.get(scope), world.catalog.scopes.get(scope)
    if serving is None or known is None or known.tool != "kubernetes" or serving.audience != audience:
        return False, "SCOPE_NOT_YOURS"
    try:
        discovery = read(document)
    except DiscoveryMalformed:
        return False, "DISCOVERY_MALFORMED"
    if world.clusters.digests.get(scope) != discovery.digest:
        body = {
            "scope": scope, "digest": discovery.digest, "executor": instance,
            "served": [f"{kind.resource}@{kind.version}" for kind in discovery.kinds],
        }  # fmt: skip
        await world.store.write(lambda tx: global_leaf(world, tx, K.DISCOVERY, body))
        world.clusters.learn(scope, discovery)
    return True, ""
