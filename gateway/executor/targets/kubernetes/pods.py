"""The pods of a node that a drain has to evict, and those that stand in its way (as `kubectl drain` sorts them)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.core.canonical import Json
from gateway.executor.targets.kubernetes.ownership import controller_of

_MIRROR = "kubernetes.io/config.mirror"
_OVER = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Sorted:
    """Pods to evict, and sentences about those that forbid the drain."""

    evict: Sequence[Mapping[str, Json]]
    against: tuple[str, ...]


def sort_pods(pods: Sequence[Mapping[str, Json]], params: Mapping[str, Json]) -> Sorted:
    """Sort the pods of a node by the flags of a drain."""
    evict: list[Mapping[str, Json]] = []
    against: list[str] = []
    for pod in pods:
        why, stays = _judge(pod, params)
        if why:
            against.append(f"{pod['metadata']['namespace']}/{pod['metadata']['name']} {why}")
        elif not stays:
            evict.append(pod)
    return Sorted(evict, tuple(against))


def _judge(pod: Mapping[str, Json], params: Mapping[str, Json]) -> tuple[str, bool]:
    """Return (why the pod forbids the drain, whether it stays)."""
    metadata, owner = pod["metadata"], controller_of(pod)
    if _MIRROR in (metadata.get("annotations") or {}):
        return "", True
    over = (pod.get("status") or {}).get("phase") in _OVER
    if owner is not None and owner.get("kind") == "DaemonSet" and not over:
        return ("" if params.get("ignore_daemonsets") else "is of a DaemonSet; add --ignore-daemonsets"), True
    volumes = (pod.get("spec") or {}).get("volumes") or ()
    if any("emptyDir" in each for each in volumes) and not over and not params.get("delete_emptydir_data"):
        return "keeps data in an emptyDir; add --delete-emptydir-data", False
    if owner is None and not over and not params.get("force"):
        return "has no controller, so nobody makes it again; add --force", False
    return "", False
