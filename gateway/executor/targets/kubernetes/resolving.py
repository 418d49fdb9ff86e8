"""The objects that a step is about: named, or chosen by a selector and then fixed by their uids."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.executor.targets.kubernetes.calls import (
    Answer,
    Api,
    Failure,
    Ref,
    collection_of,
    failure_of,
    refs_of,
)

MAX_OBJECTS = 500
"""More than this one step does not touch."""
_PAGE = "250"
TOO_MANY = Failure("not_applied", "K8S_TARGETS_TOO_MANY", f"more than {MAX_OBJECTS} objects; narrow the selector")


@dataclass(frozen=True, slots=True)
class Found:
    """One object as it was read."""

    ref: Ref
    document: Mapping[str, Json]

    @property
    def uid(self) -> str:
        """Return the uid of the object."""
        return str(self.document["metadata"]["uid"])


async def find_all(api: Api, step: Step) -> list[Found] | Failure:
    """Return the objects of a step; a name that is not there is a failure. Raises CallFailed."""
    if step.target.names:
        return await _named(api, step)
    found = await pages(api, collection_of(step, step.target.namespace), query_of(step))
    if isinstance(found, Failure):
        return found
    return [_item(step, item) for item in found]


async def read(api: Api, path: str) -> Mapping[str, Json] | Failure:
    """Return one object. Raises CallFailed."""
    answer = await api.call("GET", path)
    return answer.body if answer.ok else failure_of(answer)


async def pages(api: Api, path: str, query: Mapping[str, str]) -> list[Mapping[str, Json]] | Failure:
    """Return all items of a collection, in pages. Raises CallFailed."""
    items: list[Mapping[str, Json]] = []
    more = ""
    while True:
        page = {"limit": _PAGE} | ({"continue": more} if more else {})
        answer: Answer = await api.call("GET", path, query={**query, **page})
        if not answer.ok:
            return failure_of(answer)
        items += answer.body.get("items") or ()
        more = str((answer.body.get("metadata") or {}).get("continue") or "")
        if len(items) > MAX_OBJECTS:
            return TOO_MANY
        if not more:
            return items


def query_of(step: Step) -> dict[str, str]:
    """Return the query that chooses the objects of a step without names."""
    query = {}
    if step.target.selector is not None:
        query["labelSelector"] = step.target.selector
    if "field_selector" in step.params:
        query["fieldSelector"] = str(step.params["field_selector"])
    return query


async def _named(api: Api, step: Step) -> list[Found] | Failure:
    found: list[Found] = []
    for ref in refs_of(step):
        document = await read(api, ref.path)
        if isinstance(document, Failure):
            if document.code == "TARGET_NOT_FOUND" and step.params.get("ignore_not_found"):
                continue
            return document
        found.append(Found(ref, document))
    return found


def _item(step: Step, item: Mapping[str, Json]) -> Found:
    """Return an item of a list, which does not say its kind itself."""
    metadata = item["metadata"]
    namespace = metadata.get("namespace")
    version = "/".join(str(step.api[each]) for each in ("group", "version") if step.api[each])
    document = {"apiVersion": version, "kind": step.target.kind} | dict(item)
    return Found(Ref(collection_of(step, namespace), metadata["name"], namespace), document)
