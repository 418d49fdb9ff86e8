"""How an object is: replicas and health, from its status alone."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from gateway.core.canonical import Json

HEALTHY, DEGRADED, FAILING = "healthy", "degraded", "failing"
_BROKEN_WAITS = frozenset({
    "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError",
    "CreateContainerError", "RunContainerError", "ErrImageNeverPull",
})  # fmt: skip


def replicas_of(document: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return `{desired, ready, available, updated}` of a workload; None for other kinds."""
    spec, status = document.get("spec") or {}, document.get("status") or {}
    if document.get("kind") == "DaemonSet":
        names = {"desired": "desiredNumberScheduled", "ready": "numberReady", "available": "numberAvailable",
                 "updated": "updatedNumberScheduled"}  # fmt: skip
        return {name: status.get(member, 0) for name, member in names.items()}
    if "template" not in spec or document.get("kind") in {"Job", "CronJob"}:
        return None
    counts = {"ready": "readyReplicas", "available": "availableReplicas", "updated": "updatedReplicas"}
    return {"desired": spec.get("replicas", 1)} | {name: status.get(member, 0) for name, member in counts.items()}


def health_of(document: Mapping[str, Json]) -> str | None:
    """Return healthy, degraded (on its way, or scaled to none) or failing; None where the kind does not tell."""
    judge = _BY_KIND.get(str(document.get("kind", "")))
    if judge is not None:
        return judge(document)
    return _workload(document) if replicas_of(document) is not None else None


def is_broken(pod: Mapping[str, Json]) -> bool:
    """Tell whether a pod has failed, or waits for what waiting will not bring: its image, its command."""
    failed = (pod.get("status") or {}).get("phase") == "Failed"
    return failed or bool(_BROKEN_WAITS & set(_waits(pod)))


def condition(document: Mapping[str, Json], name: str) -> str:
    """Return the status of a condition, or an empty string."""
    conditions = (document.get("status") or {}).get("conditions") or ()
    return next((str(each.get("status", "")) for each in conditions if each.get("type") == name), "")


def _workload(document: Mapping[str, Json]) -> str:
    counts = replicas_of(document) or {}
    metadata, status = document.get("metadata") or {}, document.get("status") or {}
    if counts["desired"] == 0 or status.get("observedGeneration", 0) < metadata.get("generation", 0):
        return DEGRADED
    if condition(document, "Progressing") == "False" or counts["ready"] == 0:
        return FAILING
    behind = document.get("kind") == "Deployment" and counts["updated"] < counts["desired"]
    return DEGRADED if counts["ready"] < counts["desired"] or behind else HEALTHY


def _pod(document: Mapping[str, Json]) -> str:
    phase = (document.get("status") or {}).get("phase")
    if phase in {"Failed", "Pending"} or _BROKEN_WAITS & set(_waits(document)):
        return FAILING
    if phase == "Succeeded" or condition(document, "Ready") == "True":
        return HEALTHY
    return DEGRADED


def _waits(document: Mapping[str, Json]) -> Iterator[str]:
    status = document.get("status") or {}
    for each in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        yield str(((each.get("state") or {}).get("waiting") or {}).get("reason", ""))


def _node(document: Mapping[str, Json]) -> str:
    if condition(document, "Ready") != "True":
        return FAILING
    pressed = any(condition(document, f"{what}Pressure") == "True" for what in ("Memory", "Disk", "PID"))
    return DEGRADED if pressed else HEALTHY


def _job(document: Mapping[str, Json]) -> str:
    if condition(document, "Failed") == "True":
        return FAILING
    if condition(document, "Complete") == "True":
        return HEALTHY
    return DEGRADED


def _claim(document: Mapping[str, Json]) -> str:
    phase = (document.get("status") or {}).get("phase")
    return {"Bound": HEALTHY, "Lost": FAILING}.get(str(phase), DEGRADED)


def _autoscaler(document: Mapping[str, Json]) -> str:
    broken = "False" in (condition(document, "AbleToScale"), condition(document, "ScalingActive"))
    return DEGRADED if broken else HEALTHY


_BY_KIND: Mapping[str, Callable[[Mapping[str, Json]], str]] = MappingProxyType({
    "Pod": _pod, "Node": _node, "Job": _job, "PersistentVolumeClaim": _claim, "HorizontalPodAutoscaler": _autoscaler,
})  # fmt: skip
