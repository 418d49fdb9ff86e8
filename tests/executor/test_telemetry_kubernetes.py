"""What a real cluster says about its objects, as numbers."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import TargetFault
from gateway.executor.config_telemetry import KubernetesSource
from gateway.executor.telemetry.kubernetes import KubernetesTelemetry
from tests.executor.kubernetes.lab import admin_scope, executor_scope
from tests.fixtures_k8s import Cluster, eventually

pytestmark = pytest.mark.anyio
WEB = {"group": "apps", "version": "v1", "resource": "deployments", "name": "web"}


@pytest.fixture
async def telemetry(cluster: Cluster, tmp_path: Path) -> AsyncIterator[KubernetesTelemetry]:
    found = KubernetesTelemetry(KubernetesSource({"prod-eu": executor_scope(cluster, tmp_path)}))
    yield found
    await found.close()


def of(namespace: str | None, **about: str) -> dict[str, Any]:
    return {"scope": "prod-eu", "namespace": namespace, **WEB, **about}


async def measured(telemetry: KubernetesTelemetry, about: dict[str, Any], *measures: str) -> list[float | None]:
    return [await telemetry.sample({"measure": measure, "object": about}) for measure in measures]


async def test_a_deployment_that_stands_is_ready_and_rolled_out(
    cluster: Cluster, namespace: str, telemetry: KubernetesTelemetry
) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    values = await measured(telemetry, of(namespace), "exists", "ready", "rolled_out", "broken_pods", "restarts")
    assert values == [1, 1, 1, 0, 0]


async def test_a_bad_image_is_seen_although_the_old_pods_are_ready(
    cluster: Cluster, namespace: str, telemetry: KubernetesTelemetry
) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    cluster.kubectl("-n", namespace, "set", "image", "deployment/web", "web=shop/web:bad-1")
    pods = f"/api/v1/namespaces/{namespace}/pods"

    def waiting() -> bool:
        found = cluster.admin.get(pods)["items"]
        return any("waiting" in c["state"] for p in found for c in p["status"].get("containerStatuses", ()))

    eventually(waiting, what="a pod waits for its image")
    ready, rolled_out, broken = await measured(telemetry, of(namespace), "ready", "rolled_out", "broken_pods")
    assert (ready, rolled_out, broken) == (1, 0, 1)
    assert await measured(telemetry, of(namespace, **pod("any")), "broken_pods") == [1]


def pod(name: str) -> dict[str, str]:
    return {"group": "", "version": "v1", "resource": "pods", "name": name}


async def test_pods_that_are_never_ready_are_not(
    cluster: Cluster, namespace: str, telemetry: KubernetesTelemetry
) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    cluster.kubectl("-n", namespace, "scale", "deployment/web", "--replicas=0")
    cluster.kubectl("-n", namespace, "set", "image", "deployment/web", "web=shop/web:unready-1")
    cluster.kubectl("-n", namespace, "scale", "deployment/web", "--replicas=2")
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    eventually(lambda: cluster.admin.get(path)["status"].get("updatedReplicas") == 2)
    eventually(lambda: not cluster.admin.get(path)["status"].get("readyReplicas"))
    assert await measured(telemetry, of(namespace), "ready", "rolled_out", "broken_pods") == [0, 0, 0]


async def test_what_is_not_there_is_not_ready_and_its_pods_are_no_data(
    namespace: str, telemetry: KubernetesTelemetry
) -> None:
    absent = of(namespace, name="absent")
    assert await measured(telemetry, absent, "exists", "ready", "rolled_out", "broken_pods", "restarts") == [
        0,
        0,
        None,
        None,
        None,
    ]


async def test_scaled_to_none_is_ready_once_it_was_observed(
    cluster: Cluster, namespace: str, telemetry: KubernetesTelemetry
) -> None:
    cluster.deployment(namespace, "web", replicas=1)
    cluster.kubectl("-n", namespace, "scale", "deployment/web", "--replicas=0")
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    eventually(lambda: cluster.admin.get(path)["status"].get("replicas", 0) == 0)
    assert await measured(telemetry, of(namespace), "ready", "rolled_out") == [1, 1]


async def test_a_service_is_as_ready_as_its_endpoints(
    cluster: Cluster, namespace: str, telemetry: KubernetesTelemetry
) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    cluster.kubectl("-n", namespace, "expose", "deployment/web", "--port=80")
    service = of(namespace, group="", version="v1", resource="services")

    def endpoints() -> int:
        found = cluster.admin.get(f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices")["items"]
        return sum(len(each.get("endpoints") or ()) for each in found)

    eventually(lambda: endpoints() == 2)
    assert await measured(telemetry, service, "ready") == [1]
    cluster.kubectl("-n", namespace, "patch", "service/web", "-p", '{"spec":{"selector":{"app":"nobody"}}}')
    eventually(lambda: endpoints() == 0)
    assert await measured(telemetry, service, "ready") == [0]


async def test_a_node_is_ready_by_its_condition(cluster: Cluster, telemetry: KubernetesTelemetry) -> None:
    name = cluster.admin.get("/api/v1/nodes")["items"][0]["metadata"]["name"]
    assert await measured(telemetry, of(None, group="", version="v1", resource="nodes", name=name), "ready") == [1]


async def test_a_query_that_is_not_understood_is_refused(telemetry: KubernetesTelemetry) -> None:
    for query in (
        {"measure": "happiness", "object": of("shop")},
        {"measure": "ready"},
        {"measure": "ready", "object": "{object}"},
        {"measure": "ready", "object": of("shop") | {"path": "/secrets"}},
        {"measure": "ready", "object": {}},
    ):
        with pytest.raises(TargetFault) as caught:
            await telemetry.sample(query)
        assert caught.value.code == "QUERY_MALFORMED"
    with pytest.raises(TargetFault, match="may be asked"):
        await telemetry.sample({"measure": "ready", "object": of("shop") | {"scope": "other"}})


async def test_a_cluster_that_does_not_answer_or_refuses_is_a_fault(cluster: Cluster, tmp_path: Path) -> None:
    gone = KubernetesTelemetry(
        KubernetesSource({"prod-eu": admin_scope(cluster, tmp_path, server="https://127.0.0.1:1")})
    )
    with pytest.raises(TargetFault):
        await gone.sample({"measure": "ready", "object": of("shop")})
    await gone.close()
