"""`drain`: cordon the node, then evict the pods that were on it when it was observed.

Taken back, the node is uncordoned; the pods do not come back.
"""

import asyncio
from collections.abc import Mapping, Sequence

from gateway.core.canonical import Json
from gateway.core.effect import Undo
from gateway.core.step import Step
from gateway.executor.output import OnChunk
from gateway.executor.targets import seen as see
from gateway.executor.targets.kubernetes import summing
from gateway.executor.targets.kubernetes.bodies import MERGE, Body, Declined
from gateway.executor.targets.kubernetes.calls import Failure, Ref, collection, failure_of
from gateway.executor.targets.kubernetes.evicting import Evicted, Evictions, Victim, eviction
from gateway.executor.targets.kubernetes.facts import Around, around, budgets_of, facts_of
from gateway.executor.targets.kubernetes.guard import deletion
from gateway.executor.targets.kubernetes.observing import absent, failed, observed, target_id
from gateway.executor.targets.kubernetes.patching import UNOBSERVED, Patching
from gateway.executor.targets.kubernetes.pods import Sorted, sort_pods
from gateway.executor.targets.kubernetes.resolving import Found, pages, read
from gateway.executor.targets.kubernetes.snapshots import Entry, entries_of
from gateway.executor.targets.kubernetes.writing import Restored, Written, look, write
from gateway.ports_target import Applied, Observed

_DEFAULT_S = 600
_TOLD = 5
"""So many pods that would not go are named."""


class Draining(Patching):
    """Drain nodes."""

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:
        """Cordon, then evict; each pod is told as it goes."""
        if "objects" not in snapshot:
            return UNOBSERVED
        entries = entries_of(snapshot)
        done = await summing.one_by_one(entries, lambda entry: self._drain(step, entry, on_chunk))
        return summing.applied(step, entries, done)

    def body(self, step: Step, entry: Entry, live: Mapping[str, Json]) -> Body | Declined:  # noqa: ARG002
        """Return the patch that cordons."""
        return Body(MERGE, {"spec": {"unschedulable": True}})

    async def look(self, step: Step, entry: Entry) -> Written:
        """Tell whether the node is cordoned and all of its pods are gone; anything between cannot be told."""
        cordoned = await look(self._api, step, entry)
        left = [pod for pod in victims_of(entry) if not await self._gone(pod)]
        if cordoned.status == "applied" and not left:
            return cordoned
        if cordoned.status == "not_applied" and len(left) == len(victims_of(entry)):
            return cordoned
        detail = f"cordoned: {cordoned.status == 'applied'}, pods left: {len(left)}"
        return Written("unknown", "DRAIN_INCOMPLETE", f"not drained: {detail}", cordoned.now)

    async def restore(self, step: Step, entry: Entry) -> Restored:
        """Uncordon; the pods do not come back."""
        back = await super().restore(step, entry)
        if back.status != "undone":
            return back
        return Restored("undone", "UNCORDONED_ONLY", "the node takes pods again; the evicted ones do not come back",
                        back.now)  # fmt: skip

    async def _try_all(self, step: Step, found: Sequence[Found]) -> Observed:
        """Fix the pods by their uids, and try every eviction."""
        facts: list[Mapping[str, Json]] = []
        entries: list[Entry] = []
        refused: Failure | Declined | None = None
        for node in found:
            pods = await self._pods(step, node)
            if isinstance(pods, Failure):
                return absent(step, self._clock.now_ms(), pods)
            value = await self._facts(node, pods)
            facts.append(see.known(target_id(step, node.ref), self._clock.now_ms(), value))
            entry = await self._try_node(step, node, pods) if refused is None else refused
            if isinstance(entry, Entry):
                entries.append(entry)
            else:
                refused = refused or entry
        if refused is not None:
            return failed(facts, refused, len(found))
        count = sum(len(victims_of(entry)) for entry in entries)
        return observed(facts, entries, Undo.NONE, targets=count or len(entries))

    async def _pods(self, step: Step, node: Found) -> Sorted | Failure:
        query = {"fieldSelector": f"spec.nodeName={node.ref.name}"}
        if "pod_selector" in step.params:
            query["labelSelector"] = str(step.params["pod_selector"])
        pods = await pages(self._api, collection("", "v1", "pods", None), query)
        return pods if isinstance(pods, Failure) else sort_pods(pods, step.params)

    async def _facts(self, node: Found, pods: Sorted) -> dict[str, Json]:
        """Return the fact of a node, with the budgets of the pods that it would lose."""
        near: dict[str, Around] = {}
        budgets: dict[str, dict[str, Json]] = {}
        for pod in pods.evict:
            namespace = pod["metadata"]["namespace"]
            if namespace not in near:
                near[namespace] = await around(self._api, namespace)
            for each in budgets_of(pod["metadata"].get("labels") or {}, near[namespace]) or ():
                name = f"{namespace}/{each['name']}"
                budgets[name] = {**each, "name": name, "pods": budgets.get(name, {}).get("pods", 0) + 1}
        value = await facts_of(self._api, node.document, Around(None, None, None))
        known = all(each.budgets is not None for each in near.values())
        return value | {"pods": len(pods.evict)} | ({"pdbs": list(budgets.values())} if known else {})

    async def _try_node(self, step: Step, node: Found, pods: Sorted) -> Entry | Failure | Declined:
        if pods.against:
            return Declined("DRAIN_FORBIDDEN", f"pods forbid it: {'; '.join(pods.against)}")
        victims = [Victim(_ref(pod), pod["metadata"]["uid"]) for pod in pods.evict]
        for victim in victims:
            if step.params.get("disable_eviction"):
                break
            body = eviction(victim, deletion({}, victim.uid).body)
            answer = await self._api.call("POST", f"{victim.ref.path}/eviction", query={"dryRun": "All"}, body=body)
            # 429 is a budget that may allow it later; the facts say how many it allows now.
            if not answer.ok and answer.status not in {404, 409, 429}:
                return failure_of(answer)
        named = sorted(({"namespace": v.ref.namespace, "name": v.ref.name, "uid": v.uid} for v in victims),
                       key=lambda each: (str(each["namespace"]), each["name"]))  # fmt: skip
        return await self.tried(step, Entry(node.ref, node.uid, extra={"pods": named}), node)

    async def _drain(self, step: Step, entry: Entry, on_chunk: OnChunk) -> Written:
        cordoned = await write(self._api, step, entry, lambda live: self.body(step, entry, live))
        if cordoned.status != "applied" or step.params.get("dry_run"):
            return cordoned
        evictions = Evictions(self._api, step.params, float(step.params.get("timeout_seconds", _DEFAULT_S)))
        pods, gone = victims_of(entry), 0
        stuck: list[str] = []
        async with asyncio.TaskGroup() as group:  # evictions end with the drain, also when it is cancelled
            for ended in asyncio.as_completed([group.create_task(evictions.evict(pod)) for pod in pods]):
                done = await ended
                gone += done.status == "gone"
                stuck += [] if done.status == "gone" else [f"{done.victim.ref.label} {done.code}: {done.detail}"]
                await on_chunk(f"{gone}/{len(pods)} {done.victim.ref.label}: {_word(done)}\n".encode())
        if stuck:
            left = "; ".join(stuck[:_TOLD])
            detail = f"the node is cordoned and {gone} of {len(pods)} pods are gone; left: {left}"
            return Written("unknown", "DRAIN_INCOMPLETE", f"not drained: {detail}", cordoned.now)
        return cordoned

    async def _gone(self, victim: Victim) -> bool:
        live = await read(self._api, victim.ref.path)
        if isinstance(live, Failure):
            return live.code == "TARGET_NOT_FOUND"
        return bool(live["metadata"]["uid"] != victim.uid)


def victims_of(entry: Entry) -> list[Victim]:
    """Return the pods of an entry."""
    at = {each["namespace"]: collection("", "v1", "pods", each["namespace"]) for each in entry.extra["pods"]}
    return [
        Victim(Ref(at[each["namespace"]], each["name"], each["namespace"]), each["uid"]) for each in entry.extra["pods"]
    ]


def _ref(pod: Mapping[str, Json]) -> Ref:
    namespace = pod["metadata"]["namespace"]
    return Ref(collection("", "v1", "pods", namespace), pod["metadata"]["name"], namespace)


def _word(done: Evicted) -> str:
    return done.status if not done.code else f"{done.status} ({done.code}: {done.detail})"
