"""Announce: an executor tells which kinds a cluster of its audience serves; recorded before it is used.

The document itself is kept beside the leaf that names it, so that a decision, whose steps name its digest, can be read
again with what the cluster served then. After a restart the newest one of each scope is in force until an executor
tells anew.
"""

import logging

from gateway.core.canonical import digest_bytes
from gateway.core.discovery import Discovery, DiscoveryMalformed, read
from gateway.core.events import read_leaf
from gateway.core.kinds import LeafKind as K
from gateway.ports import Tx
from gateway.service.record import document as put_document
from gateway.service.record import global_leaf
from gateway.service.recorded import in_log
from gateway.service.world import World

_LOG = logging.getLogger(__name__)
_NEWEST = 1_000
"""How many of the newest announcements are looked at for one of each scope."""


async def announce(world: World, *, audience: str, instance: str, scope: str, document: bytes) -> tuple[bool, str]:
    """Return (accepted, reason); a document that breaks any rule is refused whole."""
    if not _serves(world, scope) or world.settings.scopes[scope].audience != audience:
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

        def unit(tx: Tx) -> None:
            kept = put_document(tx, "", kept_as(discovery.digest), document)
            global_leaf(world, tx, K.DISCOVERY, body | {"doc_digest": kept})

        await world.store.write(unit)
        world.clusters.learn(scope, discovery)
    return True, ""


async def remember_clusters(world: World) -> None:
    """Read proposals with what the clusters last said that they serve, as far as the log vouches for it."""

    def load(tx: Tx) -> dict[str, Discovery]:
        found: dict[str, Discovery | None] = {}
        for index, data in tx.leaves_of("", _NEWEST, kind=K.DISCOVERY.value):
            scope, digest = _named(data) if in_log(world, tx, index, data) else ("", "")
            if scope not in found and _serves(world, scope):
                found[scope] = _kept(tx, digest)
        return {scope: discovery for scope, discovery in found.items() if discovery is not None}

    for scope, discovery in (await world.store.read(load)).items():
        world.clusters.learn(scope, discovery)


def kept_as(digest: str) -> str:
    """Return the name under which a document is stored; it belongs to no action."""
    return f"discovery/{digest}"


def _serves(world: World, scope: str) -> bool:
    known = world.catalog.scopes.get(scope)
    return scope in world.settings.scopes and known is not None and known.tool == "kubernetes"


def _named(data: bytes) -> tuple[str, str]:
    """Return (scope, digest of the document) of a leaf; empty where it names none, or cannot be read."""
    try:
        body = read_leaf(data).body
    except ValueError:
        return "", ""
    return str(body.get("scope", "")), str(body.get("doc_digest", ""))


def _kept(tx: Tx, digest: str) -> Discovery | None:
    """Return a stored document; None where there is none, or it is not the one that was recorded."""
    data = tx.document("", kept_as(digest)) if digest else None
    if data is None or digest_bytes(data) != digest:
        return None
    try:
        return read(data)
    except DiscoveryMalformed:
        _LOG.warning("a kept discovery is of another form than this version reads; the executor tells it anew")
        return None
