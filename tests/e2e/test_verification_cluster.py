"""The shipped profile of workloads on a real cluster: what the cluster says of a rollout decides about it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.executor.config_telemetry import KubernetesSource
from gateway.executor.telemetry.kubernetes import KubernetesTelemetry
from tests.e2e.telemetry import PROVIDER, Waited
from tests.executor.kubernetes.lab import SCOPE, KubeLab, executor_scope, kube_lab
from tests.fakes.mini_bundle import POLICIES
from tests.fixtures_k8s import Cluster, eventually
from tests.service.say import records

pytestmark = pytest.mark.anyio
PROFILES: dict[str, Any] = yaml.safe_load((POLICIES / "countermand/config/verify/data.yaml").read_text())["profiles"]
INTERVAL_MS = 10_000


def shipped(profile: str, **more: Any) -> list[dict[str, Any]]:
    """Return the obligation of a shipped profile, asked at the lab's one provider."""
    terms = PROFILES[profile] | {"profile": profile} | more
    terms["checks"] = [check | {"provider": PROVIDER} for check in terms["checks"]]
    return [{"code": "VERIFY", "verify": terms}]


@asynccontextmanager
async def watched(cluster: Cluster, namespace: str, folder: Path, profile: str, **more: Any) -> AsyncIterator[KubeLab]:
    """Run a lab whose telemetry is the cluster itself, a real second after each virtual interval."""
    scope = executor_scope(cluster, folder)
    source = KubernetesTelemetry(KubernetesSource({SCOPE: scope}))
    telemetry = Waited(source, settle_s=1.0)
    async with kube_lab(scope, namespace) as made:
        at_work = made.clock._busy
        made.clock._busy = lambda: at_work() or telemetry.busy()
        made.telemetry.sample = telemetry.sample  # type: ignore[method-assign]  # the lab's provider asks the cluster
        made.policy.obligations = shipped(profile, **more)
        yield made
    await source.close()


async def verdicts(made: KubeLab, action: str) -> list[str]:
    return [leaf.body["verdict"] for leaf in await records(made, action) if leaf.kind.value == "CM1015"]


def image(cluster: Cluster, namespace: str) -> str:
    found = cluster.admin.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/web")
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def ready(cluster: Cluster, namespace: str) -> int:
    found = cluster.admin.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/web")["status"]
    return int(found.get("readyReplicas", 0)) if "unavailableReplicas" not in found else 0


async def test_a_bad_image_is_taken_back_within_two_intervals(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    before = image(cluster, namespace)
    async with watched(cluster, namespace, tmp_path, "workload-health") as made:
        view = await made.kubectl("kubectl set image deployment/web web=shop/web:bad-2")
        assert view.state == "VERIFYING"
        assert image(cluster, namespace) == "shop/web:bad-2"
        view = await made.after(2 * INTERVAL_MS + 1, view.id)
        assert (await verdicts(made, view.id))[:1] == ["harmed"]
        assert image(cluster, namespace) == before
        view = await made.get(view.id)
        assert (view.state, view.reason) == ("UNDOING", "VERIFICATION_HARMED"), "taken back, and sampled once more"
        eventually(lambda: ready(cluster, namespace) == 2)
        view = await made.after(2 * INTERVAL_MS + 1, view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_HARMED")


async def test_a_good_image_is_kept(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    async with watched(cluster, namespace, tmp_path, "workload-health", window_s=60) as made:
        view = await made.kubectl("kubectl set image deployment/web web=shop/web:1.1")
        view = await made.after(61_000, view.id)
        assert view.state == "COMMITTED"
        assert await verdicts(made, view.id) == ["effective"]


async def test_a_rollout_that_does_not_end_is_ineffective(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    async with watched(cluster, namespace, tmp_path, "workload-health", window_s=60) as made:
        view = await made.kubectl("kubectl set image deployment/web web=shop/web:unready-2")
        view = await made.after(61_000, view.id)
        assert (await verdicts(made, view.id))[:1] == ["ineffective"]
        assert view.state in {"UNDOING", "UNDONE"}
        eventually(lambda: image(cluster, namespace) != "shop/web:unready-2")


async def test_a_service_that_leads_nowhere_is_taken_back(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    cluster.kubectl("-n", namespace, "expose", "deployment/web", "--port=80")
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    eventually(lambda: any(len(s.get("endpoints") or ()) == 2 for s in cluster.admin.get(slices)["items"]))
    async with watched(cluster, namespace, tmp_path, "service-endpoints") as made:
        view = await made.kubectl(
            """kubectl patch service web --type=merge -p '{"spec":{"selector":{"app":"none"}}}'"""
        )
        view = await made.after(2 * INTERVAL_MS + 1, view.id)
        assert (await verdicts(made, view.id))[:1] == ["harmed"]
        assert cluster.admin.get(f"/api/v1/namespaces/{namespace}/services/web")["spec"]["selector"] == {"app": "web"}


async def test_a_config_map_that_was_made_is_kept_once_it_is_seen(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    async with watched(cluster, namespace, tmp_path, "object-kept") as made:
        view = await made.kubectl("kubectl create configmap flags --from-literal=a=b")
        assert view.state == "VERIFYING"
        view = await made.after(61_000, view.id)
        assert view.state == "COMMITTED"
