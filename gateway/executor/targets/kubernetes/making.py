"""Objects that come into being: create, expose, and apply where nothing is yet. Taken back, they are deleted.

Deleting takes every edit of others with it, so it is done to the uid and the state that were read, and only if no edit
is to what we set. An edit of another field is kept as a record: the first try tells it, and deletes nothing; only a try
that comes with the digest of these very edits, as the gateway has them in its log, deletes. See `edits`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.canonical import Json, digest, thaw
from gateway.core.effect import Undo
from gateway.core.step import Step
from gateway.executor.output import OnChunk
from gateway.executor.targets import seen as see
from gateway.executor.targets.kubernetes.bodies import PLAIN, Body, Declined, verb_of
from gateway.executor.targets.kubernetes.calls import (
    MANAGER,
    Answer,
    Api,
    CallFailed,
    Failure,
    Ref,
    collection,
    collection_of,
    failure_of,
    lost,
    write_query,
)
from gateway.executor.targets.kubernetes.contents import inside
from gateway.executor.targets.kubernetes.difference import Difference, difference
from gateway.executor.targets.kubernetes.edits import MAX_EDITS, Edit, edits, told
from gateway.executor.targets.kubernetes.guard import deletion
from gateway.executor.targets.kubernetes.observing import absent, failed, observed, target_id
from gateway.executor.targets.kubernetes.ownership import iac_of, people
from gateway.executor.targets.kubernetes.patching import UNOBSERVED
from gateway.executor.targets.kubernetes.resolving import read
from gateway.executor.targets.kubernetes.snapshots import Entry, entries_of
from gateway.ports import Clock
from gateway.ports_target import Applied, Observed, Undone

_GONE: dict[str, Json] = {"exists": False}
_THERE: dict[str, Json] = {"exists": True}
# Deleted, they take with them what was put into them meanwhile.
_HOLDERS = frozenset({"PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition", "Job", "Pod"})
_EXPOSED: Mapping[str, tuple[str, str, str]] = MappingProxyType({
    "Deployment": ("apps", "v1", "deployments"), "ReplicaSet": ("apps", "v1", "replicasets"),
    "ReplicationController": ("", "v1", "replicationcontrollers"), "Pod": ("", "v1", "pods"),
    "Service": ("", "v1", "services"),
})  # fmt: skip


class Making:
    """Create one object."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    async def observe(self, step: Step) -> Observed:
        """Try the creation."""
        try:
            body = await self.object_of(step)
            if isinstance(body, Failure | Declined):
                return failed([see.unknown(step.target.id, self._clock.now_ms(), body.code)], body)
            return await self._try(step, body)
        except CallFailed as exc:
            return absent(step, self._clock.now_ms(), lost(exc))

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:  # noqa: ARG002
        """Create the object; one of that name that came in between is a refusal."""
        if "objects" not in snapshot:
            return UNOBSERVED
        (entry,) = entries_of(snapshot)
        body = Body(str(entry.extra["content_type"]), thaw(entry.extra["object"]))
        try:
            answer = await self.send(step, entry.ref, body, dry=False)
        except CallFailed as exc:
            failure = lost(exc)
            return Applied(failure.status, failure.code, failure.detail)
        if not answer.ok:
            failure = failure_of(answer)
            return Applied(failure.status, failure.code, failure.detail)
        return await self.made(step, entry, answer)

    async def made(self, step: Step, entry: Entry, answer: Answer) -> Applied:
        """Return the outcome of a creation that the server took."""
        said = f"{step.api['resource']}/{entry.ref.name}: {verb_of(step)}, uid {answer.body['metadata']['uid']}\n"
        return Applied("applied", output=said.encode(), after=_made(answer.body))

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Tell whether the object is there, and ours."""
        if "objects" not in snapshot or step.params.get("dry_run"):
            return Applied("not_applied", "NOTHING_DONE", "there is nothing that could have been changed")
        (entry,) = entries_of(snapshot)
        try:
            live = await read(self._api, entry.ref.path)
        except CallFailed as exc:
            return Applied("unknown", exc.code, exc.detail)
        if isinstance(live, Failure):
            gone = live.code == "TARGET_NOT_FOUND"
            return Applied("not_applied" if gone else "unknown", live.code, live.detail, after=_GONE if gone else None)
        if all(each.manager != MANAGER for each in people(live)):
            return Applied("not_applied", "K8S_ALREADY_EXISTS", after=_THERE)
        if foreign := self.foreign(entry, live):
            return Applied("unknown", "K8S_MAKER_UNKNOWN", foreign)
        found = edits(entry, entry.extra["object"], live) or ()
        # What is written under our own manager now is another step of this plan: the target is locked to all others.
        lost = [each.to_json() for each in found if each.ours and each.by != MANAGER]
        return Applied("applied", after=_made(live) | ({"edits": lost} if lost else {}))

    def foreign(self, entry: Entry, live: Mapping[str, Json]) -> str:  # noqa: ARG002
        """Return why an object that has fields of ours need not have been made by us; a POST makes, or is refused."""
        return ""

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Delete the object, if what we set still stands, and look that it is gone."""
        if step.params.get("dry_run"):
            return Undone("undone", "NOTHING_DONE", "a dry run changes nothing", {})
        if "objects" not in snapshot:
            return Undone("impossible", "SNAPSHOT_MISSING", "the step was not observed")
        (entry,) = entries_of(snapshot)
        try:
            return await self._delete(entry, snapshot.get("progress") or {})
        except CallFailed as exc:
            return Undone("retry", exc.code, exc.detail)

    async def object_of(self, step: Step) -> Body | Failure | Declined:
        """Return what is to be created. Raises CallFailed."""
        if verb_of(step) != "expose":
            return Body(str(step.api["content_type"]), thaw(step.api["body"]))
        at = collection(*_EXPOSED[step.target.kind], step.target.namespace)
        live = await read(self._api, Ref(at, step.target.names[0]).path)
        return live if isinstance(live, Failure) else service_of(step, live)

    async def _try(self, step: Step, body: Body) -> Observed:
        document = body.body
        ref = Ref(collection_of(step, step.target.namespace), document["metadata"]["name"], step.target.namespace)
        value = {"kind": document.get("kind", step.target.kind), "creates": True, "iac": iac_of(document)}
        fact = see.known(target_id(step, ref), self._clock.now_ms(), value)
        answer = await self.send(step, ref, body, dry=True)
        if not answer.ok:
            return failed([fact], failure_of(answer))
        kind = str(answer.body.get("kind", ""))
        extra = {"object": document, "content_type": body.content_type}
        made = difference({}, document)
        shown = Entry(ref, "", Difference(made.before, made.after), kind == "Secret")
        undo = Undo.COMPENSATING if kind not in _HOLDERS and await self._may_delete(ref) else Undo.NONE
        entry = Entry(ref, "", secret=kind == "Secret", extra=extra)
        tried = observed([fact], [shown], undo)
        return Observed(tried.facts, tried.preflight, {"fields": _GONE, "objects": [entry.to_json()]}, undo)

    async def _may_delete(self, ref: Ref) -> bool:
        """Tell whether the way back is allowed: a deletion of what is not there yet is not found, or forbidden."""
        answer = await self._api.call("DELETE", ref.path, body=deletion({}, "none", dry=True))
        return answer.status in {404, 409}

    async def send(self, step: Step, ref: Ref, body: Body, *, dry: bool) -> Answer:
        """Send the creation. Raises CallFailed."""
        query = write_query(step, dry=dry, strict=True)
        return await self._api.call(str(step.api["method"]), self.path(ref), query=query, body=body)

    def path(self, ref: Ref) -> str:
        """Return where an object is made: in its collection."""
        return ref.collection

    async def _delete(self, entry: Entry, progress: Mapping[str, Json]) -> Undone:
        live = await read(self._api, entry.ref.path)
        if isinstance(live, Failure):
            return _gone(live)
        found = edits(entry, entry.extra["object"], live)
        refused = self._another(entry, live, progress) or _refused(entry, found)
        if refused is None and live.get("kind") == "Namespace":
            refused = await self._holds(entry)
        if refused is not None or found is None:
            return refused or _gone(live)
        on_record = [each.to_json() for each in found]
        if found and digest(on_record) != progress.get("recorded"):
            return Undone("retry", "EDITS_TO_RECORD", f"before it is deleted, {told(entry, found)}", _with(on_record))
        metadata = live["metadata"]
        if not metadata.get("deletionTimestamp"):
            options = {"propagationPolicy": "Background"}
            body = deletion(options, metadata["uid"], metadata["resourceVersion"])
            answer = await self._api.call("DELETE", entry.ref.path, body=body)
            if not answer.ok and answer.status not in {404, 409}:
                failure = failure_of(answer)
                return Undone("retry", failure.code, failure.detail)
        gone = _gone(await read(self._api, entry.ref.path))
        if not found or gone.status != "undone":
            return gone
        back = {**_GONE, "edits": on_record}
        return Undone("undone", "DELETED_WITH_EDITS", f"deleted, and these edits with it; {told(entry, found)}", back)

    def _another(self, entry: Entry, live: Mapping[str, Json], progress: Mapping[str, Json]) -> Undone | None:
        """Return why an object is not the one that was made, as far as that is on record."""
        if progress.get("made", live["metadata"]["uid"]) != live["metadata"]["uid"]:
            told_ = f"{entry.ref.label} is another object now: its uid differs"
            return Undone("conflict", "TARGET_REPLACED", told_, _THERE)
        why = "" if "made" in progress else self.foreign(entry, live)
        return Undone("conflict", "K8S_MAKER_UNKNOWN", why, _THERE) if why else None

    async def _holds(self, entry: Entry) -> Undone | None:
        """Return why a namespace is not deleted: it is not empty. Raises CallFailed."""
        held = await inside(self._api, entry.ref.name)
        if held == {}:
            return None
        return Undone("conflict", "NAMESPACE_NOT_EMPTY", f"{entry.ref.label} holds {held or 'unknown objects'}", _THERE)


def _refused(entry: Entry, found: tuple[Edit, ...] | None) -> Undone | None:
    """Return why an object is not deleted: an edit of others wins."""
    if found is None:
        return Undone("conflict", "EDITED_BY_OTHERS", f"{entry.ref.label} does not say who wrote it", _THERE)
    ours = [each for each in found if each.ours]
    if ours:
        back = _with([each.to_json() for each in ours])
        return Undone("conflict", "EDITED_BY_OTHERS", f"an edit of what we set wins; {told(entry, ours)}", back)
    if len(found) > MAX_EDITS:
        detail = f"{entry.ref.label} has {len(found)} edits of others, too many to keep on record"
        return Undone("conflict", "EDITED_BY_OTHERS", detail, _THERE)
    return None


def _made(document: Mapping[str, Json]) -> dict[str, Json]:
    return {**_THERE, "made": document["metadata"]["uid"]}


def _with(edits_: list[dict[str, Json]]) -> dict[str, Json]:
    return {**_THERE, "edits": edits_}


def service_of(step: Step, live: Mapping[str, Json]) -> Body | Declined:
    """Return the Service that `kubectl expose` makes of an object."""
    selector = _selector(live)
    if not selector:
        return Declined("K8S_NOTHING_TO_SELECT", "the object has no plain selector or labels to expose; name another")
    port = int(step.params["port"])
    target = step.params.get("target_port", port)
    entry = {"port": port, "protocol": step.params.get("protocol", "TCP"),
             "targetPort": int(target) if str(target).isdecimal() else target}  # fmt: skip
    metadata: dict[str, Json] = {"name": step.params.get("name", step.target.names[0])}
    if labels := live["metadata"].get("labels"):
        metadata["labels"] = thaw(labels)
    spec: dict[str, Json] = {"ports": [entry], "selector": thaw(selector)}
    if "type" in step.params:
        spec["type"] = step.params["type"]
    return Body(PLAIN, {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


def _selector(live: Mapping[str, Json]) -> Json:
    if live.get("kind") == "Pod":
        return live["metadata"].get("labels")
    selector = (live.get("spec") or {}).get("selector") or {}
    if live.get("kind") in {"Service", "ReplicationController"}:
        return selector
    return None if selector.get("matchExpressions") else selector.get("matchLabels")


def _gone(live: Mapping[str, Json] | Failure) -> Undone:
    if not isinstance(live, Failure):
        return Undone("retry", "STILL_THERE", "the object is not gone yet", _THERE)
    if live.code == "TARGET_NOT_FOUND":
        return Undone("undone", read_back=_GONE)
    return Undone("retry", live.code, live.detail)
