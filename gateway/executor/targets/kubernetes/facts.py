"""What policies see of an object: read from it, and from the autoscalers, budgets, services and owners around it.

A neighbour that may not be read is left out: a missing fact limits, it never permits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gateway.core.canonical import Json
from gateway.executor.targets.kubernetes.calls import Api, CallFailed, Ref, collection
from gateway.executor.targets.kubernetes.health import health_of, replicas_of
from gateway.executor.targets.kubernetes.ownership import controller_of, iac_of, last_change, team_of
from gateway.executor.targets.kubernetes.selectors import matches

# Controllers whose objects can be asked for on the way up from a pod.
_PARENTS: Mapping[str, tuple[str, str, str]] = MappingProxyType({
    "ReplicaSet": ("apps", "v1", "replicasets"), "Deployment": ("apps", "v1", "deployments"),
    "StatefulSet": ("apps", "v1", "statefulsets"), "DaemonSet": ("apps", "v1", "daemonsets"),
    "Job": ("batch", "v1", "jobs"), "CronJob": ("batch", "v1", "cronjobs"),
    "ReplicationController": ("", "v1", "replicationcontrollers"),
})  # fmt: skip
_MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around the objects of one namespace; None where it may not be read."""

    autoscalers: Sequence[Mapping[str, Json]] | None
    budgets: Sequence[Mapping[str, Json]] | None
    services: Sequence[Mapping[str, Json]] | None


async def around(api: Api, namespace: str | None) -> Around:
    """Read the neighbours of a namespace's objects."""
    if namespace is None:
        return Around(None, None, None)
    autoscalers = await listed(api, collection("autoscaling", "v2", "horizontalpodautoscalers", namespace))
    budgets = await listed(api, collection("policy", "v1", "poddisruptionbudgets", namespace))
    services = await listed(api, collection("", "v1", "services", namespace))
    return Around(autoscalers, budgets, services)


async def listed(api: Api, path: str, query: Mapping[str, str] | None = None) -> list[Mapping[str, Json]] | None:
    """Return the objects of a collection, or None where they cannot be read."""
    try:
        answer = await api.call("GET", path, query=query)
    except CallFailed:
        return None
    return list(answer.body.get("items") or ()) if answer.ok else None


async def facts_of(api: Api, document: Mapping[str, Json], near: Around) -> dict[str, Json]:
    """Return the fact of one object."""
    metadata, kind = document["metadata"], str(document.get("kind", ""))
    value: dict[str, Json] = {"exists": True, "kind": kind, "uid": metadata["uid"], "iac": _iac(document)}
    told = {"replicas": replicas_of(document), "health": health_of(document), "owner": team_of(document)}
    value |= {name: found for name, found in told.items() if found is not None}
    changed = last_change(document)
    if changed:
        value |= {"last_change_ms": changed["at_ms"], "last_change_by": changed["by"]}
    if (document.get("spec") or {}).get("paused"):
        value["paused"] = True
    if metadata.get("deletionTimestamp"):
        value["deleting"] = True
    owners = await _owners(api, document)
    return value | ({"owners": owners} if owners else {}) | controllers_of(document, near) | _of_pods(document, near)


def controllers_of(document: Mapping[str, Json], near: Around) -> dict[str, Json]:
    """Return `{controllers}`: the autoscalers that set its replicas, and the controller that owns it."""
    name, kind = document["metadata"]["name"], document.get("kind")
    owner = controller_of(document)
    found: list[dict[str, Json]] = [] if owner is None else [{"kind": owner["kind"], "name": owner["name"]}]
    for each in near.autoscalers or ():
        spec = each.get("spec") or {}
        target = spec.get("scaleTargetRef") or {}
        if (target.get("kind"), target.get("name")) == (kind, name):
            bounds = {"min": spec.get("minReplicas", 1), "max": spec.get("maxReplicas", 0)}
            found.append({"kind": "HorizontalPodAutoscaler", "name": each["metadata"]["name"]} | bounds)
    return {"controllers": found} if found or near.autoscalers is not None else {}


def budgets_of(labels: Mapping[str, Json], near: Around) -> list[dict[str, Json]] | None:
    """Return `[{name, allowed}]` of the disruption budgets that cover pods with such labels."""
    if near.budgets is None:
        return None
    return [
        {"name": each["metadata"]["name"], "allowed": (each.get("status") or {}).get("disruptionsAllowed", 0)}
        for each in near.budgets
        if matches((each.get("spec") or {}).get("selector"), labels)
    ]


def pod_labels(document: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """Return the labels of the pods of an object; None where it has no pods."""
    if document.get("kind") == "Pod":
        return document["metadata"].get("labels") or {}
    template = (document.get("spec") or {}).get("template")
    return (template.get("metadata") or {}).get("labels") or {} if isinstance(template, Mapping) else None


def _of_pods(document: Mapping[str, Json], near: Around) -> dict[str, Json]:
    labels = pod_labels(document)
    if labels is None:
        return {}
    value: dict[str, Json] = {"stateful": _stateful(document)}
    budgets = budgets_of(labels, near)
    if budgets is not None:
        value["pdbs"] = budgets
    if near.services is not None:
        value["services"] = [
            each["metadata"]["name"]
            for each in near.services
            if (selector := (each.get("spec") or {}).get("selector")) and matches({"matchLabels": selector}, labels)
        ]
    return value


def _stateful(document: Mapping[str, Json]) -> bool:
    spec = document.get("spec") or {}
    pod = spec if document.get("kind") == "Pod" else (spec.get("template") or {}).get("spec") or {}
    claims = any("persistentVolumeClaim" in each for each in pod.get("volumes") or ())
    return document.get("kind") == "StatefulSet" or bool(spec.get("volumeClaimTemplates")) or claims


async def _owners(api: Api, document: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return the chain of controllers above an object, nearest first."""
    found: list[dict[str, Json]] = []
    namespace, owner = document["metadata"].get("namespace"), controller_of(document)
    while owner is not None and len(found) < _MAX_DEPTH:
        found.append({"kind": owner["kind"], "name": owner["name"], "uid": owner["uid"]})
        at = _PARENTS.get(str(owner["kind"]))
        above = None if at is None else await one(api, Ref(collection(*at, namespace), owner["name"], namespace).path)
        owner = None if above is None else controller_of(above)
    return found


async def one(api: Api, path: str) -> Mapping[str, Json] | None:
    """Return one object, or None where it cannot be read."""
    try:
        answer = await api.call("GET", path)
    except CallFailed:
        return None
    return answer.body if answer.ok else None


def _iac(document: Mapping[str, Json]) -> dict[str, Json]:
    found = iac_of(document)
    return found | ({"ref": found["name"]} if "name" in found else {})
