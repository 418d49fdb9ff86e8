"""Logs of pods: bounded by the output of a step, in the order of pods and containers; followed, also by a time."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.core.step import Step
from gateway.executor.deadline import left_s
from gateway.executor.output import CHUNK_S, Cut, Output
from gateway.executor.targets.kubernetes.answers import ReadError, get, refused
from gateway.executor.targets.kubernetes.calls import CallFailed, Ref, collection
from gateway.executor.targets.kubernetes.client import StatusError
from gateway.executor.targets.kubernetes.health import condition
from gateway.executor.targets.kubernetes.operation import Reading
from gateway.executor.targets.kubernetes.selectors import pod_selector

MAX_LOGS = 16
"""Containers whose logs one step reads."""
MAX_FOLLOWED = 5
"""Containers whose logs one step follows, as with kubectl."""
_TELL_S = 3.0
"""So much of the attempt's time is left for telling what was read."""
_SELECTED_TAIL = 10
"""Lines of each pod that was chosen by a selector, as with kubectl."""
_DEFAULT = "kubectl.kubernetes.io/default-container"
_FLAGS = {"previous": "previous", "timestamps": "timestamps", "follow_seconds": "follow"}
_NUMBERS = {"tail_lines": "tailLines", "since_seconds": "sinceSeconds", "since_time": "sinceTime"}


@dataclass(frozen=True, slots=True)
class _Log:
    pod: str
    container: str


async def read_logs(reading: Reading, step: Step, output: Output) -> None:
    """Write the logs that a step asks for. Raises ReadError and CallFailed."""
    pods = await _pods(reading, step)
    logs = [log for pod in pods for log in _containers(pod, step)]
    follows = "follow_seconds" in step.params
    most = MAX_FOLLOWED if follows else MAX_LOGS
    if len(logs) > most:
        raise ReadError("K8S_LOGS_TOO_MANY", f"{len(logs)} logs; name a pod or a container (at most {most})")
    if follows:
        await _follow(reading, step, logs, output)
        return
    for log in logs:
        if output.truncated:
            return
        async for text in _pieces(reading, step, log, output):
            await output.add(text)


async def _follow(reading: Reading, step: Step, logs: Sequence[_Log], output: Output) -> None:
    """Follow logs together, line by line, until they end, the time is over or the output is full."""
    asked, most = float(step.params["follow_seconds"]), float(reading.cluster.scope.follow_s)
    seconds = max(0.0, min(asked, most, left_s() - _TELL_S))
    open_s = seconds + _TELL_S  # the connections outlive the time, which ends them

    async def one(log: _Log) -> None:
        rest = b""
        async for text in _pieces(reading, step, log, output, open_s):
            *lines, rest = (rest + text).split(b"\n")
            await output.add(b"".join(line + b"\n" for line in lines))
        await output.add(rest)

    async def show() -> None:
        while True:
            await asyncio.sleep(CHUNK_S)
            await output.show()

    shown = asyncio.create_task(show())
    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for log in logs:
                group.create_task(one(log))
    except TimeoutError:
        output.cut(Cut("K8S_FOLLOW_ENDED", f"followed for {seconds:.0f} s; ask again with --since to go on"))
    except ExceptionGroup as failed:
        raise failure_of_all(failed.exceptions) from None
    finally:
        shown.cancel()
    if output.truncated and output.ended is None:
        output.cut(Cut("K8S_FOLLOW_FULL", "the output is full; use --tail or --since, or another container"))


def failure_of_all(failed: Sequence[Exception]) -> Exception:
    """Return the one error that several logs end with: the first, saying what the others said; a fault of ours wins."""
    told = [each for each in failed if isinstance(each, ReadError | CallFailed)]
    if len(told) < len(failed):
        return next(each for each in failed if each not in told)
    details = dict.fromkeys(each.detail for each in told)
    return told[0] if len(details) == 1 else ReadError(told[0].code, "; ".join(details))


async def _pieces(
    reading: Reading, step: Step, log: _Log, output: Output, seconds: float | None = None
) -> AsyncIterator[bytes]:
    """Yield one log as it comes, each line behind its pod where that is asked for. Raises ReadError and CallFailed."""
    path = f"{collection('', 'v1', 'pods', step.target.namespace)}/{log.pod}/log"
    prefix = f"[pod/{log.pod}/{log.container}] ".encode() if step.params.get("prefix") else b""
    begins = True
    try:
        async for piece in reading.cluster.stream(path, query=_query(step, log, output.room), seconds=seconds):
            text = piece
            if prefix:
                ends = piece.endswith(b"\n")
                lines = piece[: len(piece) - ends].replace(b"\n", b"\n" + prefix)
                text = (prefix if begins else b"") + lines + (b"\n" if ends else b"")
                begins = ends
            yield text
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
