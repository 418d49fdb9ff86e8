"""`describe`: the object, what belongs to it, and its events; bounded, and it says what it left out.

What belongs to an object: the ReplicaSets and pods of a workload, the pods of a node, the endpoint slices of a Service,
the claims of a pod are in its spec already. Values of a Secret are never shown, only their sizes.
"""

import base64
import binascii
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from gateway.core.step import Step
from gateway.executor.output import Output
from gateway.executor.targets.kubernetes.answers import ReadError, get
from gateway.executor.targets.kubernetes.calls import collection
from gateway.executor.targets.kubernetes.events import events_of
from gateway.executor.targets.kubernetes.objects import asked_of, items_of
from gateway.executor.targets.kubernetes.operation import Reading
from gateway.executor.targets.kubernetes.printing import as_yaml, text_of
from gateway.executor.targets.kubernetes.selectors import pod_selector
from gateway.executor.targets.kubernetes.tables import TABLE, Columns, rows_of
from gateway.executor.targets.kubernetes.times import age, stamp_text

MAX_DESCRIBED = 50
MAX_OWNED = 100
_HEAD = ("apiVersion", "kind", "metadata")
_METADATA = frozenset({
    "name", "namespace", "labels", "annotations", "creationTimestamp", "managedFields", "resourceVersion", "selfLink",
})  # fmt: skip
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"})
Item = Mapping[str, Any]


async def describe(reading: Reading, step: Step, output: Output) -> None:
    """Write descriptions of the objects of a step. Raises ReadError and CallFailed."""
    items, missing = await items_of(reading.cluster, await asked_of(reading.kinds, step), step)
    for number, item in enumerate(items[:MAX_DESCRIBED]):
        if output.truncated:
            return
        text = "\n\n" if number else ""
        text += _object(item)
        async for title, table in _owned(reading, item):
            text += f"{title}:\n{_indented(table)}" if table else f"{title}:  <none>\n"
        if step.params.get("show_events", True):
            text += await _events(reading, item)
        await output.add(text.encode())
    if len(items) > MAX_DESCRIBED:
        output.truncated = True
        await output.add(f"\n({len(items) - MAX_DESCRIBED} more objects are not described; name them)\n".encode())
    if missing:
        raise ReadError("TARGET_NOT_FOUND", f"not found: {', '.join(missing)}", 404)
    if not items:
        where = f" in {step.target.namespace} namespace" if step.target.namespace else ""
        await output.add(f"No resources found{where}.\n".encode())


def _object(item: Item) -> str:
    """Return head and body of one object."""
    metadata = item["metadata"]
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != _APPLIED}
    head = [["Name:", metadata["name"]]]
    head += [["Namespace:", metadata["namespace"]]] if metadata.get("namespace") else []
    head += [["API Version:", item["apiVersion"]], ["Kind:", item["kind"]]]
    head += [["Created:", stamp_text(str(metadata.get("creationTimestamp") or ""))]]
    head += _many("Labels:", [f"{key}={value}" for key, value in sorted((metadata.get("labels") or {}).items())])
    head += _many("Annotations:", [f"{key}: {value}" for key, value in sorted(annotations.items())])
    more = {key: value for key, value in metadata.items() if key not in _METADATA}
    body = {"metadata": more} | {key: value for key, value in item.items() if key not in _HEAD}
    if item["kind"] == "Secret":
        body = {**body, "data": {key: _size(value) for key, value in (item.get("data") or {}).items()}}
    return text_of(head) + "".join(_section(name, value) for name, value in body.items() if value not in ({}, [], None))


def _many(title: str, lines: Sequence[str]) -> list[list[str]]:
    first, *rest = lines or ["<none>"]
    return [[title, first], *(["", each] for each in rest)]


def _section(name: str, value: Any) -> str:
    title = name[:1].upper() + name[1:]
    if not isinstance(value, Mapping | list):
        return f"{title}:  {value}\n"
    return f"{title}:\n{_indented(as_yaml(value))}"


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def _size(value: object) -> str:
    try:
        return f"{len(base64.b64decode(str(value), validate=True))} bytes"
    except (binascii.Error, ValueError):
        return "not base64"


async def _owned(reading: Reading, item: Item) -> AsyncIterator[tuple[str, str]]:
    """Yield title and table of each group of objects that belong to an object."""
    kind, metadata = item["kind"], item["metadata"]
    namespace = metadata.get("namespace")
    pods = collection("", "v1", "pods", namespace)
    if kind in _WORKLOADS and (selector := pod_selector(item)):
        if kind == "Deployment":
            sets = collection("apps", "v1", "replicasets", namespace)
            yield "ReplicaSets", await _table(reading, sets, {"labelSelector": selector})
        yield "Pods", await _table(reading, pods, {"labelSelector": selector})
    elif kind == "Service":
        slices = collection("discovery.k8s.io", "v1", "endpointslices", namespace)
        query = {"labelSelector": f"kubernetes.io/service-name={metadata['name']}"}
        yield "EndpointSlices", await _table(reading, slices, query)
    elif kind == "Node":
        everywhere = collection("", "v1", "pods", None)
        query = {"fieldSelector": f"spec.nodeName={metadata['name']}"}
        yield "Pods", await _table(reading, everywhere, query, Columns(namespace=True))


async def _table(reading: Reading, path: str, query: Mapping[str, str], columns: Columns | None = None) -> str:
    """Return a table of a collection; what may not be read is said instead."""
    columns = columns or Columns()
    include = {"includeObject": "Metadata" if columns.metadata else "None", "limit": str(MAX_OWNED)}
    try:
        found = await get(reading.cluster, path, {**query, **include}, TABLE)
    except ReadError as exc:
        return f"({exc.code}: {exc.detail})\n"
    header, rows = rows_of(found, columns)
    more = "(more are not shown)\n" if (found.get("metadata") or {}).get("continue") else ""
    return text_of([header, *rows]) + more if rows else ""


async def _events(reading: Reading, item: Item) -> str:
    try:
        found = await events_of(reading, item)
    except ReadError as exc:
        return f"Events:  ({exc.code}: {exc.detail})\n"
    if not found:
        return "Events:  <none>\n"
    rows = [["Type", "Reason", "Age", "From", "Message"], ["----", "------", "----", "----", "-------"]]
    for event in found:
        source = (event.get("source") or {}).get("component") or event.get("reportingComponent") or ""
        stamp = str(event.get("lastTimestamp") or event.get("eventTime") or "")
        message = str(event.get("message") or "").strip().replace("\n", " ")
        rows.append([event.get("type") or "", event.get("reason") or "", age(stamp), source, message])
    return f"Events:\n{_indented(text_of(rows))}"
