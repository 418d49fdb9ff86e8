"""Drains: the pods that were there and no others, as their budgets allow; taken back, the node is uncordoned only."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.executor.targets.kubernetes.target import KubernetesTarget
from tests.executor.kubernetes.lab import OUTPUT_BYTES, executor_scope, kube_lab
from tests.executor.kubernetes.rows import node
from tests.executor.kubernetes.table import told
from tests.executor.steps import Heard
from tests.fakes.world import ALICE
from tests.fixtures_catalog import step
from tests.fixtures_k8s import Cluster, eventually

pytestmark = pytest.mark.anyio


class RealClock:
    """The port's clock, where only `now_ms` is asked."""

    def now_ms(self) -> int:
        return 1_700_000_000_000

    async def sleep_until(self, at_ms: int) -> None:
        raise NotImplementedError


@pytest.fixture
def drained(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A node of this test alone, whose name is the value."""
    path = node(cluster, namespace)
    yield path.rpartition("/")[2]
    cluster.admin.delete(path)


def bound_to(on: str) -> dict[str, Any]:
    containers = [{"name": "c", "image": "shop/c:1"}]
    return {"nodeName": on, "tolerations": [{"operator": "Exists"}], "containers": containers}


def workload(cluster: Cluster, ns: str, on: str, *, replicas: int = 2, volumes: Any = (), labels: Any = None) -> str:
    """Run pods of a ReplicaSet on one node."""
    name = f"w-{secrets.token_hex(3)}"
    marks = {"app": name} | (labels or {})
    spec = bound_to(on) | {"volumes": list(volumes)}
    body = {
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": marks}, "spec": spec},
        },
    }
    cluster.admin.create(f"/apis/apps/v1/namespaces/{ns}/replicasets", body)
    eventually(lambda: len(ready(cluster, ns, name)) == replicas, what=f"pods of {name} run on {on}")
    return name


def ready(cluster: Cluster, ns: str, app: str) -> list[Any]:
    pods = cluster.admin.get(f"/api/v1/namespaces/{ns}/pods", labelSelector=f"app={app}")["items"]
    return [each for each in pods if (each.get("status") or {}).get("phase") == "Running"]


def uids(cluster: Cluster, ns: str, app: str) -> set[str]:
    pods = cluster.admin.get(f"/api/v1/namespaces/{ns}/pods", labelSelector=f"app={app}")["items"]
    return {each["metadata"]["uid"] for each in pods if not each["metadata"].get("deletionTimestamp")}


def budget(cluster: Cluster, ns: str, app: str, least: int) -> str:
    at = f"/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets"
    spec = {"minAvailable": least, "selector": {"matchLabels": {"app": app}}}
    cluster.admin.create(at, {"metadata": {"name": app}, "spec": spec})
    path = f"{at}/{app}"
    eventually(lambda: cluster.admin.get(path).get("status", {}).get("expectedPods"), what="the budget is counted")
    return path


def evictions(cluster: Cluster, ns: str, start: int) -> list[Any]:
    return [each for each in cluster.requests(start, namespace=ns) if each.subresource == "eviction"]


def target(cluster: Cluster, folder: Path) -> KubernetesTarget:
    return KubernetesTarget(executor_scope(cluster, folder), RealClock(), OUTPUT_BYTES)


def drain(on: str, flags: str = "") -> Any:
    return step(f"kubectl drain {on} --ignore-daemonsets {flags}").step


async def test_a_drain_evicts_the_pods_that_were_observed_and_tells_how_far_it_is(
    cluster: Cluster, namespace: str, tmp_path: Path, drained: str
) -> None:
    app = workload(cluster, namespace, drained)
    there = uids(cluster, namespace, app)
    at, heard, what = target(cluster, tmp_path), Heard(), drain(drained, "--timeout=60s")
    seen = await at.observe(what)
    assert (seen.preflight["status"], seen.preflight["targets"], seen.undo_class) == ("ok", 2, "none")
    done = await at.apply(what, seen.snapshot, heard)
    assert (done.status, done.code) == ("applied", "")
    assert not there & uids(cluster, namespace, app)
    assert cluster.admin.get(f"/api/v1/nodes/{drained}")["spec"]["unschedulable"] is True
    assert heard.chunks[-1].startswith(b"2/2 ")
    assert (await at.probe(what, seen.snapshot)).status == "applied"


async def test_a_drain_is_approved_by_people_and_when_it_did_harm_people_are_asked_again(
    cluster: Cluster, namespace: str, tmp_path: Path, drained: str
) -> None:
    app = workload(cluster, namespace, drained)
    there = uids(cluster, namespace, app)
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl drain {drained} --ignore-daemonsets --timeout=60s")
        assert (view.state, lab.decided_on()["undo"]["class"]) == ("AWAITING_APPROVAL", "none")
        view = await lab.approve(view.id, ALICE)
        assert view.state == "VERIFYING"
        view = await lab.harmed(view.id)
        assert view.state == "NEEDS_HUMAN"
    assert not there & uids(cluster, namespace, app)
    assert cluster.admin.get(f"/api/v1/nodes/{drained}")["spec"]["unschedulable"] is True


async def test_the_undo_of_a_drain_says_that_the_pods_do_not_come_back(
    cluster: Cluster, namespace: str, tmp_path: Path, drained: str
) -> None:
    workload(cluster, namespace, drained)
    at, what = target(cluster, tmp_path), drain(drained, "--timeout=60s")
    seen = await at.observe(what)
    assert (await at.apply(what, seen.snapshot, Heard())).status == "applied"
    back = await at.undo(what, seen.snapshot)
    assert (back.status, back.code) == ("undone", "UNCORDONED_ONLY")
    told("drain", "undo class", "none: a person approves")
    told("drain", "taken back", "uncordoned; the pods do not come back")
    assert "unschedulable" not in cluster.admin.get(f"/api/v1/nodes/{drained}")["spec"]


async def test_a_budget_that_allows_nothing_leaves_the_drain_unfinished_and_says_so(
    cluster: Cluster, namespace: str, tmp_path: Path, drained: str
) -> None:
    app = workload(cluster, namespace, drained)
    budget(cluster, namespace, app, 2)
    there = uids(cluster, namespace, app)
    at, what = target(cluster, tmp_path), drain(drained, "--timeout=3s")
    seen = await at.observe(what)
    (fact,) = seen.facts
    assert fact["value"]["pdbs"] == [{"name": f"{namespace}/{app}", "allowed": 0, "pods": 2}]
    done = await at.apply(what, seen.snapshot, Heard())
    assert (done.status, done.code) == ("unknown", "DRAIN_INCOMPLETE")
    assert "K8S_TOO_MANY_REQUESTS" in done.detail
    assert uids(cluster, namespace, app) == there
    assert (await at.probe(what, seen.snapshot)).code == "DRAIN_INCOMPLETE"


async def test_a_drain_waits_for_a_budget_that_allows_one_after_another(
    cluster: Cluster, namespace: str, tmp_path: Path, drained: str
) -> None:
    app = workload(cluster, namespace, drained)
    path = budget(cluster, namespace, app, 2)
    at, what = target(cluster, tmp_path), drain(drained, "--timeout=60s")
    seen = await at.observe(what)
    running = asyncio.create_task(at.apply(what, seen.snapshot, Heard()))
    await asyncio.sleep(1)
    assert not running.done()
    await asyncio.to_thread(cluster.admin.patch, path, {"spec": {"minAvailable": 0}})
    done = await running
    assert (done.status, done.code) == ("applied", "")


async def test_a_drain_that_is_cancelled_asks_for_no_more_evictions(
    cluster: Cluster, namespace: str, tmp_path: Path, drained: str
) -> None:
    app = workload(cluster, namespace, drained)
    budget(cluster, namespace, app, 2)
    at, what = target(cluster, tmp_path), drain(drained, "--timeout=60s")
    seen = await at.observe(what)
    start = cluster.mark()
    running = asyncio.create_task(at.apply(what, seen.snapshot, Heard()))
    await asyncio.to_thread(eventually, lambda: evictions(cluster, namespace, start), what="an eviction was asked for")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await asyncio.sleep(1)  # what a thread had sent already is answered meanwhile
    later = cluster.mark()
    await asyncio.sleep(2)
    assert not evictions(cluster, namespace, later)


async def test_a_pod_that_came_after_the_observation_is_not_evicted(
    cluster: Cluster, namespace: str, tmp_path: Path, drained: str
) -> None:
    workload(cluster, namespace, drained, replicas=1)
    at, what = target(cluster, tmp_path), drain(drained, "--timeout=60s")
    seen = await at.observe(what)
    late = workload(cluster, namespace, drained, replicas=1)
    there = uids(cluster, namespace, late)
    assert (await at.apply(what, seen.snapshot, Heard())).status == "applied"
    assert uids(cluster, namespace, late) == there


async def test_pods_that_would_lose_data_or_have_no_controller_forbid_the_drain(
    cluster: Cluster, namespace: str, tmp_path: Path, drained: str
) -> None:
    workload(cluster, namespace, drained, replicas=1, volumes=[{"name": "v", "emptyDir": {}}])
    at = target(cluster, tmp_path)
    seen = await at.observe(drain(drained))
    assert (seen.preflight["status"], seen.preflight["code"]) == ("failed", "DRAIN_FORBIDDEN")
    assert "--delete-emptydir-data" in seen.facts[0]["value"]["dry_run"]["message"]
    seen = await at.observe(drain(drained, "--delete-emptydir-data"))
    assert seen.preflight["status"] == "ok"
    tolerant = {
        "nodeName": drained,
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "c", "image": "c:1"}],
    }
    cluster.admin.create(f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"name": "naked"}, "spec": tolerant})
    seen = await at.observe(drain(drained, "--delete-emptydir-data"))
    assert "--force" in seen.facts[0]["value"]["dry_run"]["message"]


async def test_the_snapshot_of_a_drain_is_the_same_for_the_same_pods(
    cluster: Cluster, namespace: str, tmp_path: Path, drained: str
) -> None:
    workload(cluster, namespace, drained)
    at, what = target(cluster, tmp_path), drain(drained)
    assert (await at.observe(what)).snapshot == (await at.observe(what)).snapshot
