"""Rollouts: restart, which writes the time, and undo, which brings an earlier revision's template back."""

from collections.abc import Mapping, Sequence

from gateway.core.canonical import Json, thaw
from gateway.core.step import Step
from gateway.executor.targets.kubernetes.bodies import JSON_PATCH, RESTARTED_AT, STRATEGIC, Body, Declined, body_of
from gateway.executor.targets.kubernetes.calls import MANAGER, Failure, collection
from gateway.executor.targets.kubernetes.difference import Difference
from gateway.executor.targets.kubernetes.ownership import controller_of, writers
from gateway.executor.targets.kubernetes.patching import Patching
from gateway.executor.targets.kubernetes.resolving import Found, pages, read
from gateway.executor.targets.kubernetes.selectors import selector_text
from gateway.executor.targets.kubernetes.snapshots import Entry, now_of
from gateway.executor.targets.kubernetes.writing import MOVED, Restored, Written

_NOW = "(the time of the restart)"
_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"
# `kubectl rollout undo` keeps these annotations of the Deployment and takes all others from the ReplicaSet.
_KEPT = frozenset({
    "kubectl.kubernetes.io/last-applied-configuration", _REVISION, "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
})  # fmt: skip


class Restarting(Patching):
    """`rollout restart`: neutral, because taking the annotation away would restart again."""

    async def entry(self, step: Step, found: Found) -> Entry | Failure | Declined:
        """Return the annotation that the restart sets; its value is not known yet."""
        made = await super().entry(step, found)
        if not isinstance(made, Entry):
            return made
        after = dict.fromkeys(made.change.after, _NOW)
        change = Difference(made.change.before, after, made.change.made, made.change.orders)
        return Entry(made.ref, made.uid, change, extra={"volatile": True})

    async def look(self, step: Step, entry: Entry) -> Written:  # noqa: ARG002  # the signature of Patching
        """Tell whether we restarted it: the annotation is another, and ours."""
        live = await read(self._api, entry.ref.path)
        if isinstance(live, Failure):
            return Written("unknown", live.code, live.detail)
        now = now_of(entry, live)
        if live["metadata"]["uid"] != entry.uid:
            return Written("unknown", MOVED, f"{entry.ref.label} is another object now: its uid differs", now)
        if now == thaw(entry.change.before):
            return Written("not_applied", now=now)
        if any(each.manager == MANAGER and _restarts(each.fields) for each in writers(live)):
            return Written("applied", now=now)
        return Written("unknown", "STATE_CHANGED", "somebody else restarted it", now)

    async def restore(self, step: Step, entry: Entry) -> Restored:  # noqa: ARG002  # the signature of Patching
        """Return that a restart is not taken back."""
        return Restored("impossible", "UNDO_NEUTRAL", f"{entry.ref.label} was restarted; nothing can take that back")


class RollingBack(Patching):
    """`rollout undo`: the template of an earlier revision, found at observation and fixed in the snapshot."""

    def body(self, step: Step, entry: Entry, live: Mapping[str, Json]) -> Body | Declined:
        """Return the body that was found."""
        found = entry.extra.get("body")
        if found is None:
            return Declined("REVISION_UNKNOWN", "there is no such revision; see kubectl rollout history")
        objection = body_of(step, live, self._clock.now_ms())
        if isinstance(objection, Declined) and objection.code != "K8S_NOT_EXECUTED":
            return objection
        return Body(str(entry.extra["content_type"]), thaw(found))

    async def entry(self, step: Step, found: Found) -> Entry | Failure | Declined:
        """Find the revision, and try its template."""
        wanted = int(step.params.get("revision", 0))
        namespace, document = found.ref.namespace, found.document
        deployment = document.get("kind") == "Deployment"
        resource = "replicasets" if deployment else "controllerrevisions"
        query = {"labelSelector": selector_text(document["spec"]["selector"])}
        history = await pages(self._api, collection("apps", "v1", resource, namespace), query)
        if isinstance(history, Failure):
            return history
        ours = [each for each in history if (controller_of(each) or {}).get("uid") == found.uid]
        chosen = revision(ours, wanted)
        if chosen is None:
            return Declined("REVISION_UNKNOWN", f"there is no revision {wanted or 'before this one'} to go back to")
        body = deployment_body(document, chosen) if deployment else Body(STRATEGIC, chosen["data"])
        extra = {"body": thaw(body.body), "content_type": body.content_type}
        return await self.tried(step, Entry(found.ref, found.uid, extra=extra), found)


def revision(history: Sequence[Mapping[str, Json]], wanted: int) -> Mapping[str, Json] | None:
    """Return the revision of a number, or for 0 the second newest; None where there is none."""
    numbered = sorted(history, key=number_of)
    if wanted:
        return next((each for each in numbered if number_of(each) == wanted), None)
    return numbered[-2] if len(numbered) > 1 else None


def deployment_body(document: Mapping[str, Json], chosen: Mapping[str, Json]) -> Body:
    """Return what kubectl sends to bring a ReplicaSet's template back."""
    template = thaw(chosen["spec"]["template"])
    (template.get("metadata", {}).get("labels") or {}).pop(_HASH, None)
    there = document["metadata"].get("annotations") or {}
    then = chosen["metadata"].get("annotations") or {}
    annotations = {key: value for key, value in there.items() if key in _KEPT}
    annotations |= {key: value for key, value in then.items() if key not in _KEPT}
    operations = [{"op": "replace", "path": "/spec/template", "value": template}]
    if annotations != dict(there):
        operations.append({"op": "replace", "path": "/metadata/annotations", "value": annotations})
    return Body(JSON_PATCH, operations)


def number_of(entry: Mapping[str, Json]) -> int:
    """Return the number of a revision: of a ReplicaSet, a ControllerRevision, or a Deployment as it runs."""
    said = entry.get("revision", (entry["metadata"].get("annotations") or {}).get(_REVISION, "0"))
    return int(said)


def _restarts(fields: Json) -> bool:
    """Tell whether managed fields hold the restart's annotation."""
    for name in ("f:spec", "f:template", "f:metadata", "f:annotations", f"f:{RESTARTED_AT}"):
        if name not in (fields or {}):
            return False
        fields = fields[name]
    return True
