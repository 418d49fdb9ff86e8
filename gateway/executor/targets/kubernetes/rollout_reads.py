"""`rollout status`, which waits for a bounded time, and `rollout history`."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.core.step import Step
from gateway.executor.deadline import left_s
from gateway.executor.output import Output
from gateway.executor.targets.kubernetes.answers import ReadError, get
from gateway.executor.targets.kubernetes.calls import collection
from gateway.executor.targets.kubernetes.masking import masked
from gateway.executor.targets.kubernetes.objects import asked_of, items_of
from gateway.executor.targets.kubernetes.operation import Reading
from gateway.executor.targets.kubernetes.ownership import controller_of
from gateway.executor.targets.kubernetes.printing import (
    as_json,
    as_names,
    as_yaml,
    listed,
    named,
    without_managed_fields,
)
from gateway.executor.targets.kubernetes.rollout_words import progress
from gateway.executor.targets.kubernetes.rollouts import number_of
from gateway.executor.targets.kubernetes.selectors import selector_text
from gateway.executor.targets.kubernetes.tables import aligned

POLL_S = 1.0
_CAUSE = "kubernetes.io/change-cause"
Item = Mapping[str, Any]


async def rollout_status(reading: Reading, step: Step, output: Output) -> None:
    """Write how rollouts go on until they are done or the time is over. Raises ReadError and CallFailed."""
    until = time.monotonic() + min(int(step.params.get("timeout_seconds", 0)), left_s())
    said: dict[str, str] = {}
    while True:
        items = await _workloads(reading, step)
        told = [progress(item, int(step.params.get("revision", 0))) for item in items]
        for item, state in zip(items, told, strict=True):
            if said.get(name := named(item)) != state.text:
                said[name] = state.text
                await output.add(f"{state.text}\n".encode())
        failed = next((state for state in told if state.failed), None)
        if failed is not None:
            raise ReadError("K8S_ROLLOUT_FAILED", failed.text)
        if all(state.done for state in told):
            return
        if time.monotonic() + POLL_S >= until:
            break
        await asyncio.sleep(POLL_S)
    if step.params.get("timeout_seconds"):
        raise ReadError("K8S_WAIT_TIMED_OUT", "the rollout is not finished; ask again, or wait longer with --timeout")


async def rollout_history(reading: Reading, step: Step, output: Output) -> None:
    """Write the revisions of workloads, or one of them whole. Raises ReadError and CallFailed."""
    for item in await _workloads(reading, step):
        history = await _history(reading, item)
        wanted = step.params.get("revision")
        form = step.params.get("output", "")
        if wanted is not None:
            history = [each for each in history if number_of(each) == wanted]
            if not history:
                raise ReadError("TARGET_NOT_FOUND", f"{named(item)} has no revision {wanted}; see rollout history", 404)
        if form:
            await output.add(_formed(history, form).encode())
        elif wanted is not None:
            template = _template(history[0])
            head = f"{named(item)} with revision #{wanted}\n"
            await output.add((head + as_yaml({"Pod Template": template}) + "\n").encode())
        else:
            rows = [["REVISION", "CHANGE-CAUSE"], *([str(number_of(each)), _cause(each)] for each in history)]
            text = "".join(f"{line}\n" for line in aligned(rows, gap=2, narrowest=0))
            await output.add(f"{named(item)} \n{text}\n".encode())


async def _workloads(reading: Reading, step: Step) -> list[Item]:
    items, missing = await items_of(reading.cluster, await asked_of(reading.kinds, step), step)
    if missing:
        raise ReadError("TARGET_NOT_FOUND", f"not found: {', '.join(missing)}", 404)
    return items


async def _history(reading: Reading, item: Item) -> list[Item]:
    resource = "replicasets" if item["kind"] == "Deployment" else "controllerrevisions"
    path = collection("apps", "v1", resource, item["metadata"].get("namespace"))
    found = await get(reading.cluster, path, {"labelSelector": selector_text(item["spec"]["selector"])})
    kind = "ReplicaSet" if item["kind"] == "Deployment" else "ControllerRevision"
    uid = item["metadata"]["uid"]
    ours = [each for each in found["items"] if (controller_of(each) or {}).get("uid") == uid]
    return sorted(({**masked(each), "apiVersion": "apps/v1", "kind": kind} for each in ours), key=number_of)


def _formed(history: Sequence[Item], form: str) -> str:
    plain = [without_managed_fields(each) for each in history]
    if form == "name":
        return as_names(plain)
    document = plain[0] if len(plain) == 1 else listed(plain)
    return as_json(document) if form == "json" else as_yaml(document)


def _template(revision: Item) -> Any:
    if "data" in revision:
        return ((revision["data"].get("spec") or {}).get("template")) or revision["data"]
    return revision["spec"]["template"]


def _cause(revision: Item) -> str:
    return str((revision["metadata"].get("annotations") or {}).get(_CAUSE) or "<none>")
