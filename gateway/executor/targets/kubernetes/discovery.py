"""The kinds that a cluster serves, asked for in one piece (aggregated discovery v2) or, of old servers, by group."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.core.canonical import Json
from gateway.core.discovery import ServedKind, acceptable, write
from gateway.executor.targets.kubernetes.answers import ReadError, document, get
from gateway.executor.targets.kubernetes.client import Cluster

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


class Kinds:
    """What one cluster serves, kept for a while."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._kept: tuple[ServedKind, ...] = ()
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def all(self, *, fresh: bool = False) -> tuple[ServedKind, ...]:
        """Return all kinds in the server's order. Raises ReadError and CallFailed."""
        async with self._lock:
            if fresh or time.monotonic() >= self._until:
                self._kept = tuple(filter(acceptable, await ask(self._cluster)))
                self._until = time.monotonic() + self._cluster.scope.discovery_s
            return self._kept

    async def find(self, resource: str) -> ServedKind:
        """Return the kind of `deployments.apps` or `pods`; asks the cluster again before it gives up."""
        for fresh in (False, True):
            for kind in await self.all(fresh=fresh):
                if kind.resource == resource:
                    return kind
        raise ReadError("K8S_KIND_NOT_SERVED", f"the cluster does not serve {resource}; see api-resources")

    async def namespaced(self) -> tuple[ServedKind, ...]:
        """Return the kinds whose objects are in namespaces and can be listed: what a namespace holds."""
        return tuple(kind for kind in await self.all() if kind.namespaced and "list" in kind.verbs)

    async def document(self) -> bytes:
        """Return the document that the gateway is told. Raises ReadError and CallFailed."""
        return write(await self.all())


async def ask(cluster: Cluster) -> list[ServedKind]:
    """Return the kinds of a cluster, those of the core group first."""
    found: list[ServedKind] = []
    for path in ("/api", "/apis"):
        reply = await cluster.fetch(path, accept=_AGGREGATED)
        groups = document(reply)
        if "APIGroupDiscoveryList" in reply.content_type:
            found += [kind for group in groups["items"] for kind in _aggregated(group)]
        else:
            found += await _legacy(cluster, path, groups)
    return found


def _aggregated(group: Mapping[str, Any]) -> Iterator[ServedKind]:
    """Yield the kinds of a group, each in the first version that has it."""
    name, seen = group.get("metadata", {}).get("name", ""), set()
    for version in group.get("versions", ()):
        for item in version.get("resources") or ():
            if item["resource"] in seen:
                continue
            seen.add(item["resource"])
            yield ServedKind(
                group=name, version=version["version"], plural=item["resource"],
                singular=item.get("singularResource") or item["responseKind"]["kind"].lower(),
                kind=item["responseKind"]["kind"], short=tuple(item.get("shortNames") or ()),
                categories=tuple(item.get("categories") or ()), namespaced=item["scope"] == "Namespaced",
                verbs=tuple(item.get("verbs") or ()),
                subresources=tuple(sub["subresource"] for sub in item.get("subresources") or ()),
            )  # fmt: skip


async def _legacy(cluster: Cluster, path: str, listed: Mapping[str, Any]) -> list[ServedKind]:
    """Return the kinds of the old documents; a group whose server is away is left out, as kubectl does."""
    if path == "/api":
        versions = [("", version, f"/api/{version}") for version in listed.get("versions", ())]
    else:
        versions = [
            (group["name"], version["version"], f"/apis/{version['groupVersion']}")
            for group in listed.get("groups", ())
            for version in _preferred_first(group)
        ]
    found: dict[tuple[str, str], ServedKind] = {}
    for group, version, place in versions:
        try:
            resources = (await get(cluster, place)).get("resources", ())
        except ReadError:
            continue
        for kind in _old(group, version, resources):
            found.setdefault((group, kind.plural), kind)
    return list(found.values())


def _preferred_first(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    preferred = group.get("preferredVersion", {}).get("version")
    return sorted(group.get("versions", ()), key=lambda version: version["version"] != preferred)


def _old(group: str, version: str, resources: Sequence[Mapping[str, Json]]) -> Iterator[ServedKind]:
    for item in resources:
        if "/" in item["name"]:
            continue
        below = f"{item['name']}/"
        subresources = (each["name"].removeprefix(below) for each in resources if each["name"].startswith(below))
        yield ServedKind(
            group=group, version=version, plural=item["name"],
            singular=item.get("singularName") or item["kind"].lower(), kind=item["kind"],
            short=tuple(item.get("shortNames") or ()), categories=tuple(item.get("categories") or ()),
            namespaced=item["namespaced"], verbs=tuple(item.get("verbs") or ()), subresources=tuple(subresources),
        )  # fmt: skip
