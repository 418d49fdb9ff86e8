"""Logs of pods: bounded by the output of a step, in the order of pods and containers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.core.step import Step
from gateway.executor.output import Output
from gateway.executor.targets.kubernetes.answers import ReadError, get, refused
from gateway.executor.targets.kubernetes.calls import Ref, collection
from gateway.executor.targets.kubernetes.client import StatusError
from gateway.executor.targets.kubernetes.health import condition
from gateway.executor.targets.kubernetes.operation import Reading
from gateway.executor.targets.kubernetes.selectors import pod_selector

MAX_LOGS = 16
"""Containers whose logs one step reads."""
_SELECTED_TAIL = 10
"""Lines of each pod that was chosen by a selector, as with kubectl."""
_DEFAULT = "kubectl.kubernetes.io/default-container"
_FLAGS = {"previous": "previous", "timestamps": "timestamps"}
_NUMBERS = {"tail_lines": "tailLines", "since_seconds": "sinceSeconds", "since_time": "sinceTime"}


@dataclass(frozen=True, slots=True)
class _Log:
    pod: str
    container: str


async def read_logs(reading: Reading, step: Step, output: Output) -> None:
    """Write the logs that a step asks for. Raises ReadError and CallFailed."""
    pods = await _pods(reading, step)
    logs = [log for pod in pods for log in _containers(pod, step)]
    if len(logs) > MAX_LOGS:
        raise ReadError("K8S_LOGS_TOO_MANY", f"{len(logs)} logs; name a pod or a container (at most {MAX_LOGS})")
    for log in logs:
        if output.truncated:
            return
        await _one(reading, step, log, output)


async def _one(reading: Reading, step: Step, log: _Log, output: Output) -> None:
    path = f"{collection('', 'v1', 'pods', step.target.namespace)}/{log.pod}/log"
    prefix = f"[pod/{log.pod}/{log.container}] ".encode() if step.params.get("prefix") else b""
    begins = True
    try:
        async for piece in reading.cluster.stream(path, query=_query(step, log, output.room)):
            text = piece
            if prefix:
                ends = piece.endswith(b"\n")
                lines = piece[: len(piece) - ends].replace(b"\n", b"\n" + prefix)
                text = (prefix if begins else b"") + lines + (b"\n" if ends else b"")
                begins = ends
            await output.add(text)
    except StatusError as exc:
        raise refused(exc.answer) from exc


def _query(step: Step, log: _Log, room: int) -> dict[str, str]:
    """Return the query of one log; one byte more than there is room for tells that something is missing."""
    params = step.params
    query = {"container": log.container}
    query |= {name: "true" for param, name in _FLAGS.items() if params.get(param)}
    query |= {name: str(params[param]) for param, name in _NUMBERS.items() if param in params}
    if step.target.selector is not None and "tail_lines" not in params:
        query["tailLines"] = str(_SELECTED_TAIL)
    return query | {"limitBytes": str(min(int(params.get("limit_bytes", room + 1)), room + 1))}


async def _pods(reading: Reading, step: Step) -> list[Mapping[str, Any]]:
    """Return the pods of a step: named, selected, or the one that stands for a workload."""
    pods = collection("", "v1", "pods", step.target.namespace)
    if step.target.selector is not None:
        found = await get(reading.cluster, pods, {"labelSelector": step.target.selector, "limit": "500"})
        return list(found["items"])
    (name,) = step.target.names
    kind = await reading.kinds.find(step.target.id.split("/")[-2])
    place = Ref(collection(kind.group, kind.version, kind.plural, step.target.namespace), name)
    workload = await get(reading.cluster, place.path)
    if kind.plural == "pods":
        return [workload]
    chosen = pod_selector(workload)
    if not chosen:
        raise ReadError("K8S_NO_SELECTOR", f"{kind.plural}/{name} has no selector, so it has no pods; name a pod")
    found = await get(reading.cluster, pods, {"labelSelector": chosen})
    if not found["items"]:
        raise ReadError("TARGET_NOT_FOUND", f"{kind.plural}/{name} has no pods", 404)
    return sorted(found["items"], key=_readiness)[:1]


def _readiness(pod: Mapping[str, Any]) -> tuple[bool, bool, bool, str]:
    """Return how kubectl prefers pods for logs: scheduled, running, ready, then the newest one ready."""
    status = pod.get("status") or {}
    running = status.get("phase") == "Running"
    unready = condition(pod, "Ready") != "True"
    return (not pod["spec"].get("nodeName"), not running, unready, pod["metadata"]["name"])


def _containers(pod: Mapping[str, Any], step: Step) -> Iterator[_Log]:
    name, spec, params = pod["metadata"]["name"], pod["spec"], step.params
    if params.get("all_containers"):
        groups: Sequence[str] = ("initContainers", "containers", "ephemeralContainers")
        for group in groups:
            for each in spec.get(group) or ():
                yield _Log(name, each["name"])
        return
    default = (pod["metadata"].get("annotations") or {}).get(_DEFAULT)
    yield _Log(name, str(params.get("container") or default or spec["containers"][0]["name"]))
