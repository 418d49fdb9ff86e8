"""Deletions: of the objects that were observed, by their uids, and made again only where nothing is lost."""

from collections.abc import Mapping, Sequence

from gateway.core.canonical import Json, thaw
from gateway.core.effect import Undo, weakest
from gateway.core.step import Step
from gateway.executor.output import OnChunk
from gateway.executor.targets import seen as see
from gateway.executor.targets.kubernetes import summing
from gateway.executor.targets.kubernetes.bodies import PLAIN, Body
from gateway.executor.targets.kubernetes.calls import (
    MANAGER,
    Answer,
    Api,
    CallFailed,
    Failure,
    failure_of,
    lost,
)
from gateway.executor.targets.kubernetes.contents import inside
from gateway.executor.targets.kubernetes.difference import difference
from gateway.executor.targets.kubernetes.facts import Around, around, facts_of
from gateway.executor.targets.kubernetes.guard import deletion
from gateway.executor.targets.kubernetes.observing import absent, failed, observed, target_id
from gateway.executor.targets.kubernetes.ownership import controller_of
from gateway.executor.targets.kubernetes.patching import UNOBSERVED
from gateway.executor.targets.kubernetes.resolving import Found, find_all, read
from gateway.executor.targets.kubernetes.schema import SERVER_FIELDS
from gateway.executor.targets.kubernetes.snapshots import Entry, entries_of
from gateway.executor.targets.kubernetes.writing import MOVED, TRIES, Restored, Written
from gateway.ports import Clock
from gateway.ports_target import Applied, Observed, Undone

# Made again from their text they are what they were; only uid and times are new.
_RECREATED = frozenset({
    "ConfigMap", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "ResourceQuota", "LimitRange",
    "PriorityClass", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "StorageClass", "NetworkPolicy",
    "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "Ingress", "IngressClass",
})  # fmt: skip
_STAMPED = tuple(path.rpartition("/")[2] for path in SERVER_FIELDS if path.count("/") == 2)


class Deleting:
    """Delete objects."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    async def observe(self, step: Step) -> Observed:
        """Read the objects and try their deletion."""
        try:
            found = await find_all(self._api, step)
            if isinstance(found, Failure):
                return absent(step, self._clock.now_ms(), found)
            return await self._try_all(step, found)
        except CallFailed as exc:
            return absent(step, self._clock.now_ms(), lost(exc))

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:  # noqa: ARG002
        """Delete the objects one by one; the first that fails ends it."""
        if "objects" not in snapshot:
            return UNOBSERVED
        entries = entries_of(snapshot)
        done = await summing.one_by_one(entries, lambda entry: self._delete(step, entry))
        return _said(summing.applied(step, entries, done))

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Tell whether the objects are gone, or going."""
        if "objects" not in snapshot or step.params.get("dry_run"):
            return Applied("not_applied", "NOTHING_DONE", "there is nothing that could have been changed")
        entries = entries_of(snapshot)
        try:
            return _said(summing.looked(entries, [await self._look(entry) for entry in entries]))
        except CallFailed as exc:
            return Applied("unknown", exc.code, exc.detail)

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Make the objects again, where that was promised."""
        if step.params.get("dry_run"):
            return Undone("undone", "NOTHING_DONE", "a dry run changes nothing", {})
        if "objects" not in snapshot:
            return Undone("impossible", "SNAPSHOT_MISSING", "the step was not observed")
        entries = entries_of(snapshot)
        try:
            done = await summing.take_back(entries, self._remake, self._look)
        except CallFailed as exc:
            return Undone("retry", exc.code, exc.detail)
        return done if done.status != "undone" else Undone(done.status, done.code, done.detail, {"exists": True})

    async def _try_all(self, step: Step, found: Sequence[Found]) -> Observed:
        near: dict[str | None, Around] = {}
        facts: list[Mapping[str, Json]] = []
        undo, count = Undo.NOT_NEEDED, 0
        refused: Failure | None = None
        for each in found:
            if each.ref.namespace not in near:
                near[each.ref.namespace] = await around(self._api, each.ref.namespace)
            value = await facts_of(self._api, each.document, near[each.ref.namespace])
            held = await self._held(each)
            facts.append(see.known(target_id(step, each.ref), self._clock.now_ms(), value | held))
            count += 1 + sum(each["count"] for each in held.get("contents") or ())
            undo = weakest((undo, undo_class(each.document)))
            if refused is None:
                answer = await self.send(step, _entry(each), None, dry=True)
                refused = None if answer.ok else failure_of(answer)
        if refused is not None:
            return failed(facts, refused, count)
        entries = [_entry(each) for each in found]
        if undo is Undo.COMPENSATING and not await self._may_make(entries):
            undo = Undo.NONE
        tried = observed(facts, entries, undo if found else Undo.NONE, targets=count)
        changes = [see.change(_place(each, found), "exists", None) for each in found]
        snapshot = {"fields": {"exists": True}, "objects": tried.snapshot["objects"]}
        return Observed(tried.facts, {**tried.preflight, "changes": changes}, snapshot, tried.undo_class)

    async def _may_make(self, entries: Sequence[Entry]) -> bool:
        """Tell whether the way back is allowed: making what is there still is a conflict, or forbidden."""
        for entry in {each.ref.collection: each for each in entries}.values():
            body = Body(PLAIN, thaw(entry.extra["object"]))
            query = {"fieldManager": MANAGER, "dryRun": "All"}
            answer = await self._api.call("POST", entry.ref.collection, query=query, body=body)
            if answer.status != 409:
                return False
        return True

    async def _held(self, found: Found) -> dict[str, Json]:
        """Return what a namespace takes with it; an unknown number is said to be unknown."""
        if found.document.get("kind") != "Namespace":
            return {}
        contents = await inside(self._api, found.ref.name)
        if contents is None:
            return {"contents_known": False}
        # Not a member each: the number of `secrets` would be taken for a secret and redacted.
        listed = [{"resource": resource, "count": count} for resource, count in sorted(contents.items())]
        return {"contents": listed, "contents_known": True}

    async def send(self, step: Step, entry: Entry, version: str | None, *, dry: bool) -> Answer:
        """Send one deletion. Raises CallFailed."""
        dry = dry or bool(step.params.get("dry_run"))
        body = deletion(thaw(step.api["body"]), entry.uid, version, dry=dry)
        return await self._api.call("DELETE", entry.ref.path, body=body)

    async def _delete(self, step: Step, entry: Entry) -> Written:
        """Delete one object, if it is the one that was observed; one to be made again must also be as it was."""
        for _ in range(TRIES):
            try:
                version = await self._version(entry)
                if isinstance(version, Written):
                    return version
            except CallFailed as exc:
                return Written("not_applied", exc.code, exc.detail)
            try:
                answer = await self.send(step, entry, version, dry=False)
            except CallFailed as exc:
                failure = lost(exc)
                return Written(failure.status, failure.code, failure.detail)
            if answer.ok:
                return Written("applied")
            if answer.status != 409:
                failure = failure_of(answer)
                return Written(failure.status, failure.code, failure.detail)
        return Written("not_applied", "K8S_CONFLICT", f"the object was changed {TRIES} times while it was read")

    async def _version(self, entry: Entry) -> str | Written | None:
        """Return the version to delete, None for any; or why nothing is deleted. Raises CallFailed."""
        live = await read(self._api, entry.ref.path)
        if isinstance(live, Failure):
            return Written("not_applied", live.code, live.detail)
        if live["metadata"]["uid"] != entry.uid:
            return Written("not_applied", MOVED, f"{entry.ref.label} is another object now: its uid differs")
        then = entry.extra.get("object")
        if then is None:
            return None
        moved = difference(then, plain(live)).before
        if moved:
            return Written("not_applied", MOVED, f"changed since it was observed: {', '.join(sorted(moved))}")
        return str(live["metadata"]["resourceVersion"])

    async def _look(self, entry: Entry) -> Written:
        live = await read(self._api, entry.ref.path)
        if isinstance(live, Failure):
            gone = live.code == "TARGET_NOT_FOUND"
            return Written("applied" if gone else "unknown", "" if gone else live.code, "" if gone else live.detail)
        going = live["metadata"]["uid"] != entry.uid or live["metadata"].get("deletionTimestamp")
        return Written("applied" if going else "not_applied")

    async def _remake(self, entry: Entry) -> Restored:
        """Make one object again. Raises CallFailed."""
        then = entry.extra.get("object")
        if then is None:
            return Restored("impossible", "NO_WAY_BACK", f"{entry.ref.label} cannot be made again as it was")
        live = await read(self._api, entry.ref.path)
        if not isinstance(live, Failure):
            return self._there_again(entry, live)
        if live.code != "TARGET_NOT_FOUND":
            return Restored("retry", live.code, live.detail)
        body = Body(PLAIN, thaw(then))
        answer = await self._api.call("POST", entry.ref.collection, query={"fieldManager": MANAGER}, body=body)
        if not answer.ok:
            failure = failure_of(answer)
            final = failure.code in {"K8S_INVALID", "K8S_REQUEST_REFUSED"}
            return Restored("impossible" if final else "retry", failure.code, failure.detail)
        again = await read(self._api, entry.ref.path)
        return Restored("retry", again.code, again.detail) if isinstance(again, Failure) else _same(entry, again)

    def _there_again(self, entry: Entry, live: Mapping[str, Json]) -> Restored:
        """Return what an object of the old name means: never deleted, still going, ours of a try before, or another."""
        if live["metadata"].get("deletionTimestamp"):
            return Restored("retry", "STILL_THERE", "the object is not gone yet")
        if live["metadata"]["uid"] == entry.uid:
            return Restored("undone", "NEVER_APPLIED", "the object was not deleted")
        return _same(entry, live)


def undo_class(document: Mapping[str, Json]) -> Undo:
    """Return how well the deletion of an object can be taken back."""
    kind, metadata = document.get("kind"), document["metadata"]
    if kind == "Pod" and controller_of(document) is not None:
        return Undo.NEUTRAL
    bound = metadata.get("ownerReferences") or metadata.get("finalizers")
    balanced = kind == "Service" and (document.get("spec") or {}).get("type") == "LoadBalancer"
    return Undo.NONE if kind not in _RECREATED or bound or balanced else Undo.COMPENSATING


def plain(document: Mapping[str, Json]) -> dict[str, Json]:
    """Return an object without what the server stamps on it, so that it can be made again."""
    copy: dict[str, Json] = thaw(document)
    copy.pop("status", None)
    copy["metadata"] = {name: value for name, value in copy["metadata"].items() if name not in _STAMPED}
    return copy


def _entry(found: Found) -> Entry:
    again = undo_class(found.document) is Undo.COMPENSATING
    extra = {"object": plain(found.document)} if again else {}
    return Entry(found.ref, found.uid, secret=found.document.get("kind") == "Secret", extra=extra)


def _place(found: Found, every: Sequence[Found]) -> str:
    return "/" if len(every) == 1 else f"{found.ref.label}:/"


def _same(entry: Entry, live: Mapping[str, Json]) -> Restored:
    other = difference(entry.extra["object"], plain(live)).before
    if other:
        paths = ", ".join(sorted(other))
        return Restored("conflict", "TARGET_REPLACED", f"{entry.ref.label} was made again by others: {paths} differ")
    return Restored("undone")


def _said(done: Applied) -> Applied:
    """Return an outcome that says whether the object is there."""
    exists = {"applied": False, "not_applied": done.code != "TARGET_NOT_FOUND"}.get(done.status)
    after = {**(done.after or {}), **({} if exists is None else {"exists": exists})}
    return Applied(done.status, done.code, done.detail, done.output, after=after)
