"""Usage of pods and nodes from the resource metrics API, which a cluster may not have."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from gateway.core.step import Step
from gateway.executor.output import Output
from gateway.executor.targets.kubernetes.answers import ReadError, get
from gateway.executor.targets.kubernetes.calls import collection
from gateway.executor.targets.kubernetes.objects import query_of
from gateway.executor.targets.kubernetes.operation import Reading
from gateway.executor.targets.kubernetes.printing import text_of

_GROUP = "metrics.k8s.io"
_ABSENT = frozenset({404, 503})
_QUANTITY = re.compile(r"([0-9.]+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_UNITS = {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3")}
_UNITS |= {unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", 1)}
_UNITS |= {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)}
_MEBI = Decimal(1024) ** 2
Usage = Mapping[str, Any]


async def top(reading: Reading, step: Step, output: Output) -> None:
    """Write what pods or nodes use. Raises ReadError and CallFailed."""
    nodes = step.api["resource"] == "nodes"
    found = await _metrics(reading, step, "nodes" if nodes else "pods")
    if not found:
        where = f" in {step.target.namespace} namespace" if step.target.namespace else ""
        await output.add(f"No resources found{where}.\n".encode())
    elif nodes:
        await output.add(text_of(await _nodes(reading, step, found)).encode())
    else:
        await output.add(text_of(_pods(step, found)).encode())


def quantity(text: str) -> Decimal:
    """Return a resource quantity as a number; what is none is 0."""
    found = _QUANTITY.fullmatch(text)
    return Decimal(found[1]) * _UNITS.get(found[2] or "", Decimal(1)) if found else Decimal(0)


async def _metrics(reading: Reading, step: Step, resource: str) -> list[Usage]:
    path = collection(_GROUP, "v1beta1", resource, step.target.namespace)
    names = step.target.names
    try:
        if names:
            return [await get(reading.cluster, f"{path}/{name}") for name in names]
        return list((await get(reading.cluster, path, query_of(step)))["items"])
    except ReadError as exc:
        if exc.status in _ABSENT and not await _serves(reading):
            detail = "the cluster serves no metrics.k8s.io; read the pods themselves, or ask telemetry"
            raise ReadError("K8S_METRICS_ABSENT", detail, exc.status) from exc
        raise


async def _serves(reading: Reading) -> bool:
    return any(kind.group == _GROUP for kind in await reading.kinds.all(fresh=True))


def _pods(step: Step, found: Sequence[Usage]) -> list[list[str]]:
    params = step.params
    split = bool(params.get("containers"))
    measured = [
        (pod["metadata"].get("namespace", ""), pod["metadata"]["name"], name, usage)
        for pod in found
        for name, usage in (_each(pod) if split else [("", _sum(pod["containers"]))])
    ]
    rows = [
        [*([namespace] if params.get("all_namespaces") else []), pod, *([name] if split else []), *_shown(usage)]
        for namespace, pod, name, usage in _ordered(measured, params)
    ]
    named = ["POD", "NAME"] if split else ["NAME"]
    return [[*(["NAMESPACE"] if params.get("all_namespaces") else []), *named, "CPU(cores)", "MEMORY(bytes)"], *rows]


async def _nodes(reading: Reading, step: Step, found: Sequence[Usage]) -> list[list[str]]:
    listed = await get(reading.cluster, collection("", "v1", "nodes", None), query_of(step))
    member = "capacity" if step.params.get("show_capacity") else "allocatable"
    room = {node["metadata"]["name"]: node["status"].get(member) or {} for node in listed["items"]}
    rows = []
    for _, name, _, usage in _ordered(
        [("", each["metadata"]["name"], "", _total(each)) for each in found], step.params
    ):
        cpu, memory = _shown(usage)
        free = room.get(name, {})
        rows.append([name, cpu, _share(usage[0], free.get("cpu")), memory, _share(usage[1], free.get("memory"))])
    return [["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"], *rows]


def _ordered(
    rows: Sequence[tuple[str, str, str, tuple[Decimal, Decimal]]], params: Mapping[str, Any]
) -> list[tuple[str, str, str, tuple[Decimal, Decimal]]]:
    by = {"cpu": 0, "memory": 1}.get(str(params.get("sort_by", "")))
    return sorted(rows, key=lambda row: ((-row[3][by],) if by is not None else (), row[:3]))


def _each(pod: Usage) -> list[tuple[str, tuple[Decimal, Decimal]]]:
    return [(each["name"], _total(each)) for each in pod["containers"]]


def _sum(containers: Sequence[Usage]) -> tuple[Decimal, Decimal]:
    totals = [_total(each) for each in containers]
    return sum((cpu for cpu, _ in totals), Decimal(0)), sum((memory for _, memory in totals), Decimal(0))


def _total(item: Usage) -> tuple[Decimal, Decimal]:
    usage = item.get("usage") or {}
    return quantity(str(usage.get("cpu", "0"))), quantity(str(usage.get("memory", "0")))


def _shown(usage: tuple[Decimal, Decimal]) -> tuple[str, str]:
    cpu = (usage[0] * 1000).to_integral_value(rounding="ROUND_CEILING")
    return f"{cpu}m", f"{int(usage[1] // _MEBI)}Mi"


def _share(used: Decimal, room: str | None) -> str:
    free = quantity(room or "0")
    return f"{int(used * 100 / free)}%" if free else "<unknown>"
