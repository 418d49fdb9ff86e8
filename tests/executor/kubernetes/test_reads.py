"""Reads under the roles that are shipped: what they show, what they never show, and where they end."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.core.canonical import Json
from gateway.executor import deadline
from gateway.executor.targets.kubernetes.target import KubernetesTarget
from gateway.ports_target import Applied
from tests.executor.kubernetes.lab import OUTPUT_BYTES, admin_scope, executor_scope, kube_lab
from tests.executor.kubernetes.test_draining import RealClock
from tests.executor.steps import Heard
from tests.fixtures_catalog import step
from tests.fixtures_k8s import Cluster, eventually

pytestmark = pytest.mark.anyio


class Reader:
    """A target, and where its steps are."""

    def __init__(self, target: KubernetesTarget, namespace: str) -> None:
        self.target = target
        self.namespace = namespace
        self.heard = Heard()

    async def kubectl(self, command: str) -> Applied:
        return await self.target.apply(step(f"kubectl -n {self.namespace} {command}").step, {}, self.heard)

    async def shown(self, command: str) -> str:
        done = await self.kubectl(command)
        assert (done.status, done.code) == ("applied", ""), done
        return done.output.decode()


@pytest.fixture
def reader(cluster: Cluster, namespace: str, tmp_path: Path) -> Reader:
    return Reader(KubernetesTarget(executor_scope(cluster, tmp_path), RealClock(), OUTPUT_BYTES), namespace)


def config_map(cluster: Cluster, namespace: str, name: str = "settings", data: Mapping[str, Json] | None = None) -> Any:
    body = {"metadata": {"name": name}, "data": data or {"mode": "fast"}}
    return cluster.admin.create(f"/api/v1/namespaces/{namespace}/configmaps", body)


async def test_a_read_needs_no_observation_and_leaves_nothing(reader: Reader) -> None:
    what = step(f"kubectl -n {reader.namespace} get pods").step
    seen = await reader.target.observe(what)
    assert (seen.preflight["status"], seen.undo_class, seen.snapshot) == ("ok", "not_needed", {})
    assert (await reader.target.probe(what, {})).status == "not_applied"
    assert (await reader.target.undo(what, {})).status == "undone"


async def test_requests_are_made_as_the_reading_account_and_as_nobody_else(cluster: Cluster, reader: Reader) -> None:
    start = cluster.mark()
    await reader.shown("get pods")
    sent = eventually(lambda: cluster.requests(start, namespace=reader.namespace), what="the audit log is written")
    assert {each.user for each in sent} == {"system:serviceaccount:countermand:countermand-read"}


async def test_what_the_roles_do_not_give_is_refused_by_the_server(reader: Reader) -> None:
    done = await reader.kubectl("get secrets")
    assert (done.status, done.code) == ("not_applied", "TARGET_FORBIDDEN")
    assert 'cannot list resource "secrets"' in done.detail


async def test_several_kinds_are_shown_one_after_the_other(cluster: Cluster, reader: Reader) -> None:
    cluster.deployment(reader.namespace, "web", replicas=1)
    config_map(cluster, reader.namespace)
    text = await reader.shown("get deploy,cm,svc")
    first, second = text.split("\n\n")
    assert first.splitlines()[1].startswith("configmap/")
    assert second.splitlines()[1].startswith("deployment.apps/web ")


async def test_a_description_holds_the_object_what_it_owns_and_its_events(cluster: Cluster, reader: Reader) -> None:
    cluster.deployment(reader.namespace, "web", replicas=1)
    text = await reader.shown("describe deployment web")
    for part in ("Name:", "Kind:", "Spec:", "replicas: 1", "Status:", "ReplicaSets:", "Pods:", "ScalingReplicaSet"):
        assert part in text
    assert "managedFields" not in text
    assert "Events" not in await reader.shown("describe deployment web --show-events=false")


async def test_a_description_of_a_secret_tells_sizes_only(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    applied = {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"password":"hunter2"}}'}
    body = {"metadata": {"name": "s", "annotations": applied}, "stringData": {"password": "hunter2"}}
    cluster.admin.create(f"/api/v1/namespaces/{namespace}/secrets", body)
    admin = Reader(KubernetesTarget(admin_scope(cluster, tmp_path), RealClock(), OUTPUT_BYTES), namespace)
    text = await admin.shown("describe secret s")
    assert "password: 7 bytes" in text
    assert "hunter2" not in text
    assert "aHVudGVyMg" not in text


async def test_output_ends_at_its_limit_and_says_so(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    for number in range(5):
        config_map(cluster, namespace, f"long-{number}", {"text": "x" * 900})
    small = Reader(KubernetesTarget(executor_scope(cluster, tmp_path), RealClock(), 2_000), namespace)
    done = await small.kubectl("get configmaps -o json")
    assert (done.status, done.truncated, len(done.output)) == ("applied", True, 2_000)


async def test_a_log_ends_at_the_limit_of_the_output(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    cluster.deployment(namespace, "web", replicas=1)
    small = Reader(KubernetesTarget(executor_scope(cluster, tmp_path), RealClock(), 100), namespace)
    done = await small.kubectl("logs deploy/web")
    assert (done.status, done.truncated, len(done.output)) == ("applied", True, 100)


def follower(cluster: Cluster, namespace: str, folder: Path, *, seconds: int, size: int = OUTPUT_BYTES) -> Reader:
    scope = executor_scope(cluster, folder, follow_s=seconds)
    return Reader(KubernetesTarget(scope, RealClock(), size), namespace)


async def test_a_log_is_followed_for_a_time_and_shown_as_it_grows(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    cluster.deployment(namespace, "web", replicas=1)
    reading = follower(cluster, namespace, tmp_path, seconds=4)
    line = f"for {namespace}\n".encode()
    written = cluster.plane.layout.root / "pod.txt"  # kwok's nodes show one file as the log of every container
    size = written.stat().st_size

    async def grow() -> None:
        while not reading.heard.chunks:
            with written.open("ab") as log:
                log.write(b"2026-11-24T10:00:00.000000000Z stdout F " + line)
            await asyncio.sleep(0.2)

    growing = asyncio.create_task(grow())
    began = time.monotonic()
    try:
        done = await reading.kubectl("logs -f --request-timeout=60s deploy/web --tail=1")
    finally:
        growing.cancel()
        os.truncate(written, size)
    assert (done.status, done.code, done.truncated) == ("applied", "K8S_FOLLOW_ENDED", True)
    assert 4 <= time.monotonic() - began < 8
    assert line in done.output
    assert b"".join(reading.heard.chunks) == done.output


async def test_following_ends_when_the_line_says_so(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    cluster.deployment(namespace, "web", replicas=1)
    reading = follower(cluster, namespace, tmp_path, seconds=60)
    done = await reading.kubectl("logs -f deploy/web --tail=1 --request-timeout=2s")
    assert (done.status, done.code) == ("applied", "K8S_FOLLOW_ENDED")
    assert done.detail.startswith("followed for 2 s;")


async def test_following_ends_with_the_attempts_own_time(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    cluster.deployment(namespace, "web", replicas=1)
    reading = follower(cluster, namespace, tmp_path, seconds=60)
    with deadline.within(5):
        done = await reading.kubectl("logs --follow --request-timeout=60s deploy/web --tail=1")
    assert (done.status, done.code) == ("applied", "K8S_FOLLOW_ENDED")


async def test_following_ends_where_the_output_is_full(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    cluster.deployment(namespace, "web", replicas=1)
    reading = follower(cluster, namespace, tmp_path, seconds=20, size=100)
    began = time.monotonic()
    done = await reading.kubectl("logs -f --request-timeout=60s deploy/web")
    assert (done.status, done.code, len(done.output)) == ("applied", "K8S_FOLLOW_FULL", 100)
    assert time.monotonic() - began < 10


async def test_several_logs_are_followed_together_line_by_line(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    reading = follower(cluster, namespace, tmp_path, seconds=2)
    done = await reading.kubectl("logs -f --request-timeout=60s -l app=web --tail=3 --prefix")
    assert (done.status, done.code) == ("applied", "K8S_FOLLOW_ENDED")
    lines = done.output.decode().splitlines()
    assert all(each.startswith("[pod/web-") for each in lines)
    assert len({each.partition("]")[0] for each in lines}) == 2


async def test_more_logs_than_a_few_are_not_followed(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    cluster.deployment(namespace, "web", replicas=6)
    reading = follower(cluster, namespace, tmp_path, seconds=2)
    done = await reading.kubectl("logs -f --request-timeout=60s -l app=web")
    assert (done.status, done.code) == ("not_applied", "K8S_LOGS_TOO_MANY")


async def test_a_log_that_may_not_be_read_is_not_followed_either(reader: Reader) -> None:
    done = await reader.kubectl("logs -f --request-timeout=60s nobody")
    assert (done.status, done.code) == ("not_applied", "TARGET_NOT_FOUND")


async def test_what_was_found_is_shown_beside_what_is_missing(cluster: Cluster, reader: Reader) -> None:
    config_map(cluster, reader.namespace)
    done = await reader.kubectl("get configmaps settings nothing")
    assert (done.status, done.code) == ("not_applied", "TARGET_NOT_FOUND")
    assert b"settings" in done.output
    assert "nothing" in done.detail


async def test_waiting_ends_with_the_condition_or_with_its_time(cluster: Cluster, reader: Reader) -> None:
    config_map(cluster, reader.namespace)
    assert "condition met" in await reader.shown("wait '--for=jsonpath={.data.mode}=fast' cm/settings --timeout=2s")
    late = await reader.kubectl("wait '--for=jsonpath={.data.mode}=slow' cm/settings --timeout=1s")
    assert (late.status, late.code) == ("not_applied", "K8S_WAIT_TIMED_OUT")
    absent = await reader.kubectl("wait --for=condition=Ready cm/nothing --timeout=1s")
    assert absent.code == "TARGET_NOT_FOUND"
    assert await reader.shown("wait --for=delete cm/nothing --timeout=1s") == ""


async def test_a_rollout_that_is_stuck_is_told_and_not_waited_for_for_ever(cluster: Cluster, reader: Reader) -> None:
    cluster.deployment(reader.namespace, "web", replicas=1)
    cluster.kubectl("-n", reader.namespace, "set", "image", "deployment/web", "web=shop/web:missing")
    done = await reader.kubectl("rollout status deploy/web --timeout=2s")
    assert (done.status, done.code) == ("not_applied", "K8S_WAIT_TIMED_OUT")
    assert b"Waiting for deployment" in done.output


async def test_can_i_says_whom_the_answer_is_about(reader: Reader) -> None:
    assert (await reader.shown("auth can-i get pods")).splitlines() == [
        "yes", "asked for the gateway's identity that reads: countermand/countermand-read",
    ]  # fmt: skip
    assert (await reader.shown("auth can-i get secrets")).startswith("no")
    patch = (await reader.shown("auth can-i patch deployments.apps")).splitlines()
    assert (patch[0], "countermand-write" in patch[1]) == ("yes", True)
    assert "pods" in await reader.shown("auth can-i --list")


async def test_a_cluster_without_metrics_says_so(reader: Reader) -> None:
    done = await reader.kubectl("top pods")
    assert (done.status, done.code) == ("not_applied", "K8S_METRICS_ABSENT")


@pytest.fixture
def two_services(cluster: Cluster, namespace: str) -> None:
    for name in ("a", "b"):
        body = {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}
        cluster.admin.create(f"/api/v1/namespaces/{namespace}/services", body)


@pytest.mark.usefixtures("two_services")
async def test_a_service_without_a_selector_has_no_logs(reader: Reader) -> None:
    done = await reader.kubectl("logs service/a")
    assert (done.status, done.code) == ("not_applied", "K8S_NO_SELECTOR")


@pytest.mark.usefixtures("two_services")
async def test_many_objects_are_described_one_after_the_other(reader: Reader) -> None:
    text = await reader.shown("describe services")
    assert [line.split()[1] for line in text.splitlines() if line.startswith("Name:")] == ["a", "b"]
    assert text.count("EndpointSlices:  <none>") == 2


async def test_a_log_that_was_followed_ends_succeeded_and_says_that_it_was_cut(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    cluster.deployment(namespace, "web", replicas=1)
    async with kube_lab(executor_scope(cluster, tmp_path, follow_s=1), namespace) as lab:
        view = await lab.kubectl(f"kubectl -n {namespace} logs -f --request-timeout=60s deploy/web --tail=2")
        assert (view.state, view.reason) == ("SUCCEEDED", "K8S_FOLLOW_ENDED")
        assert view.outputs[0].truncated
        assert "line 200 of a pod on paper" in view.outputs[0].data.decode()
