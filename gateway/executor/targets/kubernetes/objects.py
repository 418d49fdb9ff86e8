"""`get` and `list`: one request a name or page, in the form that the output needs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.executor.output import Output
from gateway.executor.targets.kubernetes.answers import ReadError, get
from gateway.executor.targets.kubernetes.calls import Ref, collection
from gateway.executor.targets.kubernetes.client import Cluster
from gateway.executor.targets.kubernetes.discovery import Kinds
from gateway.executor.targets.kubernetes.masking import masked
from gateway.executor.targets.kubernetes.operation import Reading
from gateway.executor.targets.kubernetes.printing import (
    as_columns,
    as_json,
    as_jsonpath,
    as_names,
    as_yaml,
    in_order,
    listed,
    text_of,
    without_managed_fields,
)
from gateway.executor.targets.kubernetes.tables import TABLE, Columns, plain, rows_of
from gateway.executor.targets.kubernetes.times import age

PAGE = "500"
MAX_ITEMS = 20_000
"""More objects than these one read does not hold."""
_NAMES_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
_NAME_ONLY = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"


@dataclass(frozen=True, slots=True)
class Asked:
    """One kind of a step: where its objects are and how they are called."""

    path: str
    """Path of the collection."""
    kind: str
    group: str
    version: str
    resource: str
    namespace: str | None

    @property
    def word(self) -> str:
        """Return `deployment.apps` or `pod`, as names begin."""
        return f"{self.kind.lower()}.{self.group}" if self.group else self.kind.lower()

    @property
    def api_version(self) -> str:
        """Return `apps/v1` or `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version


async def asked_of(kinds: Kinds, step: Step) -> list[Asked]:
    """Return the kinds that a step asks for; several are looked up in what the cluster serves."""
    if "resources" not in step.params:
        api, namespace = step.api, step.target.namespace
        group, version, resource = str(api["group"]), str(api["version"]), str(api["resource"])
        path = collection(group, version, resource, namespace)
        return [Asked(path, step.target.kind, group, version, resource, namespace)]
    found = []
    for resource in step.params["resources"]:
        kind = await kinds.find(str(resource))
        namespace = step.target.namespace if kind.namespaced else None
        path = collection(kind.group, kind.version, kind.plural, namespace)
        found.append(Asked(path, kind.kind, kind.group, kind.version, kind.plural, namespace))
    return found


async def read_objects(reading: Reading, step: Step, output: Output) -> None:
    """Write the objects of a step to the output. Raises ReadError and CallFailed."""
    form = step.params.get("output", "")
    cluster, asked = reading.cluster, await asked_of(reading.kinds, step)
    if form in {"", "wide"}:
        await _tables(cluster, asked, step, output)
        return
    names = form == "name" and "sort_by" not in step.params
    accept = (_NAME_ONLY if step.target.names else _NAMES_ONLY) if names else "application/json"
    items, missing = await items_of(cluster, asked, step, accept)
    if "sort_by" in step.params:
        items = in_order(items, step.params["sort_by"])
    if items or not missing:
        await output.add(_printed(items, step).encode())
    if missing:
        raise _missing(missing)


async def items_of(
    cluster: Cluster, asked: Sequence[Asked], step: Step, accept: str = "application/json"
) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return the objects of a step, each with its kind, and the names that are not there."""
    items: list[Mapping[str, Any]] = []
    missing: list[str] = []
    for one in asked:
        for name in step.target.names:
            found = await _one(cluster, one, name, step, accept)
            if found is None:
                missing.append(f"{one.resource} {name}")
            else:
                items.append(_shown(found, one))
        if not step.target.names:
            async for page in pages(cluster, one.path, query_of(step), accept):
                items += [_shown(item, one) for item in page.get("items") or ()]
                if len(items) > MAX_ITEMS:
                    detail = f"more than {MAX_ITEMS} objects; narrow it by a selector"
                    raise ReadError("K8S_TARGETS_TOO_MANY", detail)
    return items, missing


async def pages(
    cluster: Cluster, path: str, query: Mapping[str, str], accept: str = "application/json"
) -> AsyncIterator[Mapping[str, Any]]:
    """Yield the pages of a collection. Raises ReadError and CallFailed."""
    more = ""
    while True:
        page = await get(cluster, path, {**query, "limit": PAGE} | ({"continue": more} if more else {}), accept)
        yield page
        more = (page.get("metadata") or {}).get("continue") or ""
        if not more:
            return


def query_of(step: Step) -> dict[str, str]:
    """Return the query that chooses the objects of a step without names."""
    query = {"labelSelector": step.target.selector} if step.target.selector is not None else {}
    return query | ({"fieldSelector": str(step.params["field_selector"])} if "field_selector" in step.params else {})


async def _one(cluster: Cluster, one: Asked, name: str, step: Step, accept: str) -> Mapping[str, Any] | None:
    """Return a named object; None when it is not there, unless that may be passed over in silence."""
    path = Ref(one.path, name).path
    subresource = step.params.get("subresource")
    try:
        found: Mapping[str, Any] = await get(cluster, f"{path}/{subresource}" if subresource else path, accept=accept)
    except ReadError as exc:
        if exc.status == 404 and not subresource:
            return None
        raise
    return found


def _missing(missing: Sequence[str]) -> ReadError:
    return ReadError("TARGET_NOT_FOUND", f"not found: {', '.join(missing)}", 404)


def _shown(item: Mapping[str, Any], one: Asked) -> dict[str, Json]:
    """Return an object with its kind and without secrets; of a Secret the policy says whether it may be read."""
    found: dict[str, Json] = dict(item) if one.kind == "Secret" else masked(item)
    if found.get("kind") in {None, "PartialObjectMetadata"}:
        return {**found, "apiVersion": one.api_version, "kind": one.kind}
    return found


def _printed(items: Sequence[Mapping[str, Any]], step: Step) -> str:
    params = step.params
    form = str(params["output"])
    if not params.get("show_managed_fields"):
        items = [without_managed_fields(item) for item in items]
    if form == "name":
        return as_names(items)
    if form == "custom-columns":
        return as_columns(items, str(params["template"]))
    single = len(step.target.names) == 1 and "resources" not in params
    document = items[0] if single and items else listed(items)
    if single and not items:
        return ""
    if form == "jsonpath":
        return as_jsonpath(document, str(params["template"]))
    return as_json(document) if form == "json" else as_yaml(document)


async def _tables(cluster: Cluster, asked: Sequence[Asked], step: Step, output: Output) -> None:
    params = step.params
    columns = Columns(
        wide=params.get("output") == "wide", namespace=bool(params.get("all_namespaces")),
        labels=bool(params.get("show_labels")), label_columns=tuple(params.get("label_columns", ())),
    )  # fmt: skip
    missing: list[str] = []
    blocks = 0
    for one in asked:
        mine = replace(columns, prefix=f"{one.word}/") if len(asked) > 1 else columns
        header, rows = await _table(cluster, one, step, mine, missing)
        if rows:
            await output.add((b"\n" if blocks else b"") + text_of([header, *rows]).encode())
            blocks += 1
    if missing and not params.get("ignore_not_found"):
        raise _missing(missing)
    if not blocks and not step.target.names and not params.get("ignore_not_found"):
        where = f" in {step.target.namespace} namespace" if step.target.namespace else ""
        await output.add(f"No resources found{where}.\n".encode())


async def _table(
    cluster: Cluster, one: Asked, step: Step, columns: Columns, missing: list[str]
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of one kind."""
    sort_by = step.params.get("sort_by")
    include = {"includeObject": "Object" if sort_by else "Metadata" if columns.metadata else "None"}
    tables: list[Mapping[str, Any]] = []
    for name in step.target.names:
        found = await _named_table(cluster, one, name, step, include)
        if found is None:
            missing.append(f"{one.resource} {name}")
        else:
            tables.append(found)
    if not step.target.names:
        async for page in pages(cluster, one.path, query_of(step) | include, TABLE):
            tables.append(_as_table(page))
            if sum(len(table.get("rows") or ()) for table in tables) > MAX_ITEMS:
                raise ReadError("K8S_TARGETS_TOO_MANY", f"more than {MAX_ITEMS} objects; narrow it by a selector")
    if not tables:
        return [], []
    merged = {**tables[0], "rows": [row for table in tables for row in table.get("rows") or ()]}
    if sort_by:
        merged["rows"] = _sorted_rows(merged["rows"], str(sort_by))
    return rows_of(merged, columns if _in_namespaces(merged["rows"]) else replace(columns, namespace=False))


async def _named_table(
    cluster: Cluster, one: Asked, name: str, step: Step, query: Mapping[str, str]
) -> Mapping[str, Any] | None:
    path = Ref(one.path, name).path
    subresource = step.params.get("subresource")
    try:
        return _as_table(await get(cluster, f"{path}/{subresource}" if subresource else path, query, TABLE))
    except ReadError as exc:
        if exc.status == 404 and not subresource:
            return None
        raise


def _as_table(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a Table of an answer; a server that makes none gets names and ages."""
    if document.get("kind") == "Table":
        return document
    items = document.get("items")
    return {**plain(items if items is not None else [document], age), "metadata": document.get("metadata") or {}}


def _in_namespaces(rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(((row.get("object") or {}).get("metadata") or {}).get("namespace") for row in rows)


def _sorted_rows(rows: Sequence[Mapping[str, Any]], path: str) -> list[Mapping[str, Any]]:
    keyed = {id(row["object"]): row for row in rows}
    return [keyed[id(item)] for item in in_order([row["object"] for row in rows], path)]
