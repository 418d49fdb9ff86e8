"""Preconditions in a request: it is done to the object that was read, in the state that was read, or not at all."""

from collections.abc import Mapping

from gateway.core.canonical import Json, thaw
from gateway.executor.targets.kubernetes.bodies import JSON_PATCH, PLAIN, Body


def guarded(body: Body, live: Mapping[str, Json]) -> Body:
    """Return the body of a patch that binds it to the uid and the resourceVersion of a live object.

    In a merge, strategic or apply patch the API server refuses (409) a metadata.resourceVersion that is not the
    object's. A JSON patch replaces it by what was read, which is refused alike.
    """
    metadata = live["metadata"]
    uid, version = metadata["uid"], metadata["resourceVersion"]
    if body.content_type == JSON_PATCH:
        head = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        ]
        return Body(JSON_PATCH, [*head, *thaw(body.body)])
    return Body(body.content_type, _with_metadata(body.body, {"uid": uid, "resourceVersion": version}))


def deletion(options: Mapping[str, Json], uid: str, version: str | None = None, *, dry: bool = False) -> Body:
    """Return DeleteOptions that hold for one uid only, and for one state of it if a version is given.

    A dry run is asked for here: with a body, the API server does not read `dryRun` of the query, and deletes.
    """
    preconditions = {"uid": uid} | ({"resourceVersion": version} if version is not None else {})
    more = {"preconditions": preconditions} | ({"dryRun": ["All"]} if dry else {})
    return Body(PLAIN, {"apiVersion": "v1", "kind": "DeleteOptions"} | thaw(options) | more)


def _with_metadata(document: Json, more: Mapping[str, Json]) -> dict[str, Json]:
    made: dict[str, Json] = thaw(document)
    return made | {"metadata": (made.get("metadata") or {}) | dict(more)}
