"""What a namespace holds: every kind that discovery names, counted.

Asked afresh and strictly, not from the kept discovery: a group that does not answer may hold objects, so the answer is
then that nobody knows.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.canonical import Json
from gateway.executor.targets.kubernetes.calls import Api, Failure, collection
from gateway.executor.targets.kubernetes.resolving import read

# Made by the cluster itself in every namespace, or only records of what happened.
_PART_OF_IT: Mapping[str, frozenset[str]] = MappingProxyType({
    "serviceaccounts": frozenset({"default"}), "configmaps": frozenset({"kube-root-ca.crt"}),
})  # fmt: skip
_PASSED_BY = frozenset({"events", "endpoints", "endpointslices", "leases", "controllerrevisions"})
_PAGE = 250


async def inside(api: Api, namespace: str) -> dict[str, int] | None:
    """Return resource → number of objects in a namespace; None when a kind cannot be listed. Raises CallFailed."""
    kinds = await _kinds(api)
    if kinds is None:
        return None
    found: dict[str, int] = {}
    for group, version, resource in kinds:
        path = collection(group, version, resource, namespace)
        answer = await api.call("GET", path, query={"limit": str(_PAGE)})
        if answer.status in {404, 405}:
            continue  # a kind that discovery names and nobody serves, such as metrics without their server
        if not answer.ok:
            return None
        count = _count(resource, answer.body)
        if count:
            found[f"{resource}.{group}".strip(".")] = count
    return found


def _count(resource: str, body: Mapping[str, Json]) -> int:
    items = body.get("items") or ()
    own = _PART_OF_IT.get(resource, frozenset())
    more = int((body.get("metadata") or {}).get("remainingItemCount") or 0)
    return sum(1 for each in items if each["metadata"]["name"] not in own) + more


async def _kinds(api: Api) -> list[tuple[str, str, str]] | None:
    """Return (group, version, resource) of every namespaced kind that can be listed."""
    groups = await read(api, "/apis")
    if isinstance(groups, Failure):
        return None
    versions = [("", "v1"), *((each["name"], each["preferredVersion"]["version"]) for each in groups["groups"])]
    found: list[tuple[str, str, str]] = []
    for group, version in versions:
        answer = await api.call("GET", f"/apis/{group}/{version}" if group else f"/api/{version}")
        if not answer.ok:
            return None  # an aggregated API that is down may hold objects
        found += [(group, version, each["name"]) for each in answer.body["resources"] if _counts(each)]
    return found


def _counts(resource: Mapping[str, Json]) -> bool:
    name = resource["name"]
    listed = resource.get("namespaced") and "list" in (resource.get("verbs") or ())
    return bool(listed) and "/" not in name and name not in _PASSED_BY and "delete" in resource["verbs"]
