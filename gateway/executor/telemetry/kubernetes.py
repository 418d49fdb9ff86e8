"""What a cluster says about one of its objects, as a number.

Query: {"measure": …, "object": {"scope": "prod-eu", "namespace": "shop", "group": "apps", "version": "v1",
"resource": "deployments", "name": "web"}}; a profile writes `"object": "{object}"`.

exists       1, or 0 when the object is not there
ready        the share that is ready, 0 to 1: replicas of a workload, endpoints of a service, else the condition Ready
rolled_out   1 when the newest generation was observed and every replica is of it and available, else 0
broken_pods  how many pods of the workload failed, crash, or cannot get their image; for a pod, or an object without a
             name, the pods of the namespace
restarts     how often containers of these pods were restarted

What is not there is not ready; its other measures have no data.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

from gateway.core.canonical import Json
from gateway.errors import TargetFault
from gateway.executor.config_telemetry import KubernetesSource
from gateway.executor.targets.kubernetes.calls import CallFailed, Failure, Ref, collection, failure_of
from gateway.executor.targets.kubernetes.client import Cluster
from gateway.executor.targets.kubernetes.health import condition, is_broken, replicas_of
from gateway.executor.targets.kubernetes.resolving import pages
from gateway.executor.targets.kubernetes.selectors import selector_text
from gateway.executor.telemetry.query import members, text

_OBJECT = frozenset({"scope", "namespace", "group", "version", "resource", "name"})
Document = Mapping[str, Json]


class KubernetesTelemetry:
    """The clusters of this executor behind the Telemetry port."""

    def __init__(self, source: KubernetesSource) -> None:
        self._clusters = {name: Cluster(scope) for name, scope in source.scopes.items()}

    async def sample(self, query: Mapping[str, Json]) -> float | None:
        """Return a measure of an object; raises TargetFault when the cluster does not answer."""
        members(query, frozenset({"measure", "object"}))
        measure, about = _MEASURES.get(text(query, "measure")), query.get("object")
        if measure is None:
            raise TargetFault("QUERY_MALFORMED", f"measure must be one of {', '.join(sorted(_MEASURES))}")
        if not isinstance(about, Mapping):
            raise TargetFault("QUERY_MALFORMED", "object must be an object")
        members(about, _OBJECT)
        cluster = self._clusters.get(text(about, "scope"))
        if cluster is None:
            raise TargetFault("QUERY_UNKNOWN", "no cluster of this name may be asked")
        try:
            return await measure(_View(cluster, about))
        except CallFailed as exc:
            raise TargetFault(exc.code, exc.detail) from exc

    async def close(self) -> None:
        """Close the connections."""
        for cluster in self._clusters.values():
            cluster.close()


class _View:
    """One object and what is around it."""

    def __init__(self, cluster: Cluster, about: Mapping[str, Json]) -> None:
        self._cluster = cluster
        self.namespace = text(about, "namespace") if about.get("namespace") else None
        self.resource = text(about, "resource")
        self.name = text(about, "name") if about.get("name") else ""
        group = text(about, "group") if about.get("group") else ""
        self._ref = Ref(collection(group, text(about, "version"), self.resource, self.namespace), self.name)

    async def object(self) -> Document | None:
        """Return the object, None when it is not there."""
        if not self.name:
            raise TargetFault("QUERY_MALFORMED", "this measure is of one object with a name")
        answer = await self._cluster.call("GET", self._ref.path)
        if answer.status == 404:  # the status that means it
            return None
        if not answer.ok:
            raise _fault(failure_of(answer))
        found: Document = answer.body
        return found

    async def listed(self, group: str, version: str, resource: str, query: Mapping[str, str]) -> Sequence[Document]:
        """Return the objects of a collection in the namespace of the object."""
        found = await pages(self._cluster, collection(group, version, resource, self.namespace), query)
        if isinstance(found, Failure):
            raise _fault(found)
        return found

    async def pods(self) -> Sequence[Document] | None:
        """Return the pods of a workload; of the namespace for a pod and for no name; None without a workload."""
        if self.resource == "pods" or not self.name:
            return await self.listed("", "v1", "pods", {})
        workload = await self.object()
        selector = (workload or {}).get("spec", {}).get("selector")
        if not isinstance(selector, Mapping):
            return None
        return await self.listed("", "v1", "pods", {"labelSelector": selector_text(selector)})


def _fault(failure: Failure) -> TargetFault:
    return TargetFault(failure.code, failure.detail)


async def _exists(view: _View) -> float | None:
    return 0.0 if await view.object() is None else 1.0


async def _ready(view: _View) -> float | None:
    document = await view.object()
    if document is None:
        return 0.0
    if view.resource == "services":
        return await _endpoints_ready(view)
    counts = replicas_of(document)
    if counts is None:
        return 1.0 if condition(document, "Ready") in {"True", ""} else 0.0
    if counts["desired"] == 0:
        return 1.0
    return min(1.0, float(counts["ready"]) / float(counts["desired"]))


async def _endpoints_ready(view: _View) -> float | None:
    """Return the share of ready endpoints; a service without any leads nowhere."""
    query = {"labelSelector": f"kubernetes.io/service-name={view.name}"}
    slices = await view.listed("discovery.k8s.io", "v1", "endpointslices", query)
    ready = [(point.get("conditions") or {}).get("ready") is not False
             for each in slices for point in each.get("endpoints") or ()]  # fmt: skip
    return sum(ready) / len(ready) if ready else 0.0


async def _rolled_out(view: _View) -> float | None:
    document = await view.object()
    counts = None if document is None else replicas_of(document)
    if document is None or counts is None:
        return None
    status = document.get("status") or {}
    seen = status.get("observedGeneration", 0) >= document["metadata"].get("generation", 0)
    total = status.get("replicas", counts["desired"])
    whole = counts["updated"] == counts["desired"] == total and counts["available"] >= counts["desired"]
    return 1.0 if seen and whole else 0.0


async def _broken_pods(view: _View) -> float | None:
    pods = await view.pods()
    return None if pods is None else float(sum(map(is_broken, pods)))


async def _restarts(view: _View) -> float | None:
    pods = await view.pods()
    if pods is None:
        return None
    statuses = (each for pod in pods for each in (pod.get("status") or {}).get("containerStatuses") or ())
    return float(sum(each.get("restartCount", 0) for each in statuses))


_MEASURES: Mapping[str, Callable[[_View], Awaitable[float | None]]] = MappingProxyType({
    "exists": _exists, "ready": _ready, "rolled_out": _rolled_out, "broken_pods": _broken_pods, "restarts": _restarts,
})  # fmt: skip
