"""What policies see of an object on a real cluster: its neighbours, its owners, and who fights the change."""

from pathlib import Path
from typing import Any

import pytest

from gateway.executor.targets.kubernetes.target import KubernetesTarget
from tests.executor.kubernetes.lab import OUTPUT_BYTES, admin_scope, executor_scope
from tests.executor.kubernetes.rows import autoscaler, config_map, deployment, secret, service
from tests.executor.kubernetes.test_draining import RealClock
from tests.executor.steps import Heard
from tests.fixtures_catalog import step
from tests.fixtures_k8s import Cluster, eventually

pytestmark = pytest.mark.anyio


async def seen(cluster: Cluster, folder: Path, command: str) -> Any:
    at = KubernetesTarget(executor_scope(cluster, folder), RealClock(), OUTPUT_BYTES)
    return await at.observe(step(command).step)


def budget(cluster: Cluster, ns: str) -> None:
    at = f"/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets"
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    cluster.admin.create(at, {"metadata": {"name": "web"}, "spec": spec})
    eventually(lambda: cluster.admin.get(f"{at}/web").get("status", {}).get("disruptionsAllowed") == 1)


async def test_a_workload_is_shown_with_its_replicas_budgets_services_and_health(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    deployment(cluster, namespace)
    service(cluster, namespace)
    budget(cluster, namespace)
    found = await seen(cluster, tmp_path, f"kubectl -n {namespace} scale deployment/web --replicas=3")
    (fact,) = found.facts
    value = fact["value"]
    assert value["replicas"] == {"desired": 2, "ready": 2, "available": 2, "updated": 2}
    assert (value["exists"], value["health"], value["stateful"]) == (True, "healthy", False)
    assert (value["pdbs"], value["services"]) == ([{"name": "web", "allowed": 1}], ["web"])
    assert (value["iac"], value["controllers"]) == ({"manager": "none"}, [])


async def test_a_deployment_whose_image_cannot_be_pulled_is_unwell(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = deployment(cluster, namespace)
    image = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "shop/web:bad"}]}}}}
    cluster.admin.patch(path, image, "application/strategic-merge-patch+json")
    eventually(lambda: cluster.admin.get(path)["status"].get("updatedReplicas"), what="the rollout begins")
    found = await seen(cluster, tmp_path, f"kubectl -n {namespace} rollout undo deployment/web")
    assert found.facts[0]["value"]["health"] in {"degraded", "failing"}


async def test_an_autoscaler_that_sets_the_replicas_makes_the_way_back_less_than_exact(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    deployment(cluster, namespace)
    path = autoscaler(cluster, namespace)
    cluster.admin.patch(path, {"spec": {"scaleTargetRef": {"name": "web"}, "minReplicas": 2}})
    found = await seen(cluster, tmp_path, f"kubectl -n {namespace} scale deployment/web --replicas=3")
    assert (found.undo_class, found.preflight["code"]) == ("compensating", "CONTROLLER_FIGHTS")
    hpa = {"kind": "HorizontalPodAutoscaler", "name": "web", "min": 2, "max": 5}
    assert found.facts[0]["value"]["controllers"] == [hpa]
    other = await seen(cluster, tmp_path, f"kubectl -n {namespace} set image deployment/web web=shop/web:2")
    assert (other.undo_class, other.preflight.get("code")) == ("exact", None)


async def test_a_pod_is_shown_with_the_controllers_above_it_and_a_replicaset_with_the_one_that_fights(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    deployment(cluster, namespace)
    (pod, *_) = cluster.admin.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    found = await seen(cluster, tmp_path, f"kubectl -n {namespace} delete pod {pod['metadata']['name']}")
    assert [each["kind"] for each in found.facts[0]["value"]["owners"]] == ["ReplicaSet", "Deployment"]
    assert found.undo_class == "neutral"
    (owner,) = pod["metadata"]["ownerReferences"]
    found = await seen(cluster, tmp_path, f"kubectl -n {namespace} scale rs/{owner['name']} --replicas=5")
    assert (found.undo_class, found.preflight["code"]) == ("compensating", "CONTROLLER_FIGHTS")


OWNERS = (
    ("argocd", {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:x/web"}}, ("argo", "shop")),
    ("flux", {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, ("flux", "apps")),
    ("helm", {"annotations": {"meta.helm.sh/release-name": "shop-1"}}, ("helm", "shop-1")),
    ("terraform", {"labels": {"app.kubernetes.io/managed-by": "Terraform"}}, ("terraform", "Terraform")),
)  # fmt: skip


@pytest.mark.parametrize(("tool", "marks", "owner"), OWNERS, ids=[each[0] for each in OWNERS])
async def test_an_object_that_code_owns_says_whose_it_is(
    cluster: Cluster, namespace: str, tmp_path: Path, tool: str, marks: Any, owner: tuple[str, str]
) -> None:
    path = config_map(cluster, namespace)
    cluster.admin.patch(path, {"metadata": marks})
    found = await seen(cluster, tmp_path, f"kubectl -n {namespace} label configmap settings a=c --overwrite")
    iac = found.facts[0]["value"]["iac"]
    assert (iac["tool"], iac["manager"], iac["name"], iac["ref"]) == (tool, *owner, owner[1])


async def test_an_object_that_a_gitops_controller_applied_is_known_by_its_managed_fields(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "b"}}
    cluster.admin.request(
        "PATCH", path, body, query={"fieldManager": "argocd-controller"}, content_type="application/apply-patch+yaml"
    )
    found = await seen(cluster, tmp_path, f"kubectl -n {namespace} label configmap settings a=c")
    value = found.facts[0]["value"]
    assert (value["iac"]["tool"], value["last_change_by"]) == ("argocd", "argocd-controller")


async def test_a_failing_dry_run_is_told_with_the_reason_of_the_server(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    deployment(cluster, namespace)
    body = '{"spec":{"replicas":-1}}'
    found = await seen(cluster, tmp_path, f"kubectl -n {namespace} patch deployment web --type=merge -p '{body}'")
    assert (found.preflight["status"], found.preflight["code"]) == ("failed", "K8S_INVALID")
    assert "greater than or equal to 0" in found.facts[0]["value"]["dry_run"]["message"]


REFUSED = (
    ("label deployment web app=other", "KEY_EXISTS"),
    ("set image deployment/web nobody=shop/web:2", "CONTAINER_UNKNOWN"),
    ("scale deployment/web --replicas=3 --current-replicas=9", "REPLICAS_DIFFER"),
    ("scale deployment/web --replicas=3 --resource-version=1", "RESOURCE_VERSION_DIFFERS"),
    ("rollout undo deployment/web --to-revision=7", "REVISION_UNKNOWN"),
    ("rollout undo deployment/web", "REVISION_UNKNOWN"),
    ('patch deployment web --type=merge -p \'{"spec":{"replica":3}}\'', "K8S_INVALID"),
)


@pytest.mark.parametrize(("command", "code"), REFUSED)
async def test_what_kubectl_would_refuse_is_refused_before_anything_is_sent(
    cluster: Cluster, namespace: str, tmp_path: Path, command: str, code: str
) -> None:
    path = deployment(cluster, namespace)
    found = await seen(cluster, tmp_path, f"kubectl -n {namespace} {command}")
    assert (found.preflight["status"], found.preflight.get("code")) == ("failed", code)
    assert cluster.admin.get(path)["metadata"]["generation"] == 1


async def test_a_secret_is_changed_without_being_told(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    secret(cluster, namespace)
    what = step(f'kubectl -n {namespace} patch secret s --type=merge -p \'{{"data":{{"key":"bmV3"}}}}\'').step
    at = KubernetesTarget(admin_scope(cluster, tmp_path), RealClock(), OUTPUT_BYTES)
    found = await at.observe(what)
    assert found.preflight["changes"] == [{"path": "/data/key", "from": "(secret)", "to": "(secret)"}]
    done = await at.apply(what, found.snapshot, Heard())
    back = await at.undo(what, found.snapshot)
    assert (done.status, done.after, back.status, back.read_back) == ("applied", {}, "undone", {})


SAME = (
    "scale deployment/web --replicas=3", "set image deployment/web web=shop/web:2", "rollout restart deployment/web",
    "label deploy web x=y", "expose deployment web --port=80 --name=new", "create deployment new --image=shop/new:1",
    "create service nodeport new --tcp=80:80", "patch service web -p '{\"spec\":{\"type\":\"NodePort\"}}'",
    "delete service web", "autoscale deployment web --max=3",
)  # fmt: skip


async def test_the_snapshot_of_the_same_state_is_the_same_so_that_votes_hold(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = deployment(cluster, namespace)
    service(cluster, namespace)
    at = KubernetesTarget(executor_scope(cluster, tmp_path), RealClock(), OUTPUT_BYTES)
    for i, command in enumerate(SAME):
        what = step(f"kubectl -n {namespace} {command}").step
        first = await at.observe(what)
        beat = {"type": "Heartbeat", "status": "True", "reason": f"n{i}", "message": ""}
        cluster.admin.patch(f"{path}/status", {"status": {"conditions": [beat]}})
        assert (first.preflight["status"], (await at.observe(what)).snapshot) == ("ok", first.snapshot), command


async def test_a_selector_is_fixed_to_the_objects_that_it_matched(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        cluster.deployment(namespace, name, replicas=1)
    cluster.kubectl("-n", namespace, "label", "deployment", "--all", "wave=1")
    what = step(f"kubectl -n {namespace} annotate deployment -l wave=1 note=x").step
    at = KubernetesTarget(executor_scope(cluster, tmp_path), RealClock(), OUTPUT_BYTES)
    found = await at.observe(what)
    assert (found.preflight["targets"], len(found.facts)) == (2, 2)
    cluster.deployment(namespace, "three", replicas=1)
    cluster.kubectl("-n", namespace, "label", "deployment", "three", "wave=1")
    assert (await at.apply(what, found.snapshot, Heard())).status == "applied"
    noted = cluster.admin.get(f"/apis/apps/v1/namespaces/{namespace}/deployments")["items"]
    assert {each["metadata"]["name"] for each in noted if "note" in each["metadata"]["annotations"]} == {"one", "two"}
