"""The shipped rules on what an executor really sees of a real cluster: names and forms of facts and dry runs agree."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.bundle import read_bundle
from gateway.adapters.policy_document import Documents
from gateway.adapters.policy_regorus import RegorusEngine, engine_of
from gateway.core.canonical import thaw
from gateway.core.finding import fold, parse_findings
from tests.executor.kubernetes.lab import KubeLab, executor_scope, kube_lab
from tests.fakes.mini_bundle import POLICIES
from tests.fixtures_k8s import Cluster, eventually

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def policy() -> tuple[Documents, RegorusEngine]:
    bundle = read_bundle(POLICIES)
    return Documents(bundle), engine_of(bundle)


class Seen:
    """What was decided about a command, by the shipped bundle, on the facts of the executor."""

    def __init__(self, verdict: str, codes: set[str], step: Any) -> None:
        self.verdict = verdict
        self.codes = codes
        self.step = step


@asynccontextmanager
async def deciding(cluster: Cluster, namespace: str, folder: Path) -> AsyncIterator[KubeLab]:
    async with kube_lab(executor_scope(cluster, folder), namespace) as made:
        made.policy.permit = "approve"  # nothing is carried out here
        yield made


async def decide(made: KubeLab, policy: tuple[Documents, RegorusEngine], command: str) -> Seen:
    """Submit a command, and ask the shipped bundle about the input that was decided on."""
    await made.kubectl(command)
    [document] = [thaw(each) for each in made.policy.asked if each["stage"] == "decide"][-1:]
    targets = [step["target"]["id"] for step in document["steps"]]
    now = document["now_ms"]
    reads = [{"targets": targets, "at_ms": now, "outcome": "succeeded"}]
    document["incident"] = {"id": "inc_1", "source": "alertmanager", "alert_ms": now, "reads": reads}
    document["agent"] |= {"groups": ["sre-agents"], "model_tier": "large"}
    documents, engine = policy
    data, count = documents.encode(document)
    answer = documents.answer(engine.evaluate(data), count)
    findings = parse_findings(answer.findings, count)
    return Seen(fold(count, findings).verdict.word, {f.code for f in findings}, document["steps"][0])


async def test_a_healthy_workload_is_not_restarted_and_a_broken_one_is(
    cluster: Cluster, namespace: str, tmp_path: Path, policy: tuple[Documents, RegorusEngine]
) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    async with deciding(cluster, namespace, tmp_path) as made:
        seen = await decide(made, policy, "kubectl rollout restart deployment/web")
        assert seen.verdict == "approve"
        assert "TARGET_NOT_PROVEN_UNHEALTHY" in seen.codes
        assert "K8S_RESTART_OF_STATE" not in seen.codes, "stateless was proven"
        cluster.kubectl("-n", namespace, "set", "image", "deployment/web", "web=shop/web:bad-3")
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
        eventually(lambda: cluster.admin.get(path)["status"].get("updatedReplicas") == 1)
        seen = await decide(made, policy, "kubectl rollout undo deployment/web")
        assert seen.verdict == "allow", seen.codes
        seen = await decide(made, policy, "kubectl scale deployment/web --replicas=4")
        assert (seen.verdict, "K8S_SCALE_IN_ENVELOPE" in seen.codes) == ("allow", True)
        seen = await decide(made, policy, "kubectl scale deployment/web --replicas=5")
        assert seen.verdict == "approve"


async def test_fields_of_its_own_are_told_by_the_dry_run(
    cluster: Cluster, namespace: str, tmp_path: Path, policy: tuple[Documents, RegorusEngine]
) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    cluster.kubectl("-n", namespace, "set", "resources", "deployment/web", "--limits=cpu=500m")
    cluster.kubectl("-n", namespace, "set", "image", "deployment/web", "web=shop/web:bad-4")
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    eventually(lambda: cluster.admin.get(path)["status"].get("unavailableReplicas"))
    patch = """kubectl patch deployment web --type=json -p '[{"op":"add","path":"/spec/minReadySeconds","value":3}]'"""
    pod = '{"containers":[{"name":"web","image":"x:1"}]}'
    image = f'kubectl patch deployment web -p \'{{"spec":{{"template":{{"spec":{pod}}}}}}}\''
    async with deciding(cluster, namespace, tmp_path) as made:
        for command, own in (
            ("kubectl set resources deployment/web -c web --limits=cpu=1", True),
            ("kubectl set resources deployment/web -c web --limits=cpu=1100m", False),
            ("kubectl set resources deployment/web -c web --requests=memory=64Mi", True),
            (patch, True),
            (image, False),
        ):
            seen = await decide(made, policy, command)
            assert ("K8S_OWN_FIELDS" in seen.codes) is own, (command, seen.step["preflight"])
            assert seen.verdict == ("allow" if own else "approve"), (command, seen.codes)


async def test_owners_budgets_services_and_code_are_seen(
    cluster: Cluster, namespace: str, tmp_path: Path, policy: tuple[Documents, RegorusEngine]
) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    cluster.kubectl("-n", namespace, "expose", "deployment/web", "--port=80")
    cluster.kubectl("-n", namespace, "create", "pdb", "web", "--selector=app=web", "--min-available=2")
    cluster.kubectl("-n", namespace, "label", "deployment/web", "argocd.argoproj.io/instance=shop")
    pdb = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/web"
    eventually(lambda: cluster.admin.get(pdb)["status"].get("currentHealthy") == 2)
    pod = cluster.admin.get(f"/api/v1/namespaces/{namespace}/pods")["items"][0]["metadata"]["name"]
    async with deciding(cluster, namespace, tmp_path) as made:
        seen = await decide(made, policy, f"kubectl delete pod {pod}")
        assert {"K8S_POD_RECREATED", "K8S_DISRUPTION_NOT_ALLOWED"} <= seen.codes
        assert seen.verdict == "deny"
        seen = await decide(made, policy, "kubectl delete deployment web")
        assert (seen.verdict, "K8S_DELETE_OF_SERVING" in seen.codes) == ("deny", True)
        seen = await decide(made, policy, "kubectl set env deployment/web A=b")
        assert "K8S_OWNED_BY_CODE" in seen.codes, seen.step["facts"]
        tested = '{"op":"test","path":"/spec/ports/0/targetPort","value":80}'
        moved = '{"op":"replace","path":"/spec/ports/0/targetPort","value":8080}'
        seen = await decide(made, policy, f"kubectl patch svc web --type=json -p '[{tested},{moved}]'")
        assert (seen.verdict, "K8S_OWN_FIELDS" in seen.codes) == ("allow", True), seen.step["preflight"]


async def test_an_autoscaler_and_a_label_are_seen(
    cluster: Cluster, namespace: str, tmp_path: Path, policy: tuple[Documents, RegorusEngine]
) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    cluster.kubectl("-n", namespace, "autoscale", "deployment/web", "--min=2", "--max=4")
    pod = cluster.admin.get(f"/api/v1/namespaces/{namespace}/pods")["items"][0]["metadata"]["name"]
    async with deciding(cluster, namespace, tmp_path) as made:
        seen = await decide(made, policy, "kubectl scale deployment/web --replicas=5")
        assert "K8S_OUTSIDE_AUTOSCALER" in seen.codes, seen.step["facts"]
        seen = await decide(made, policy, """kubectl patch hpa web -p '{"spec":{"maxReplicas":6}}'""")
        assert (seen.verdict, "K8S_OWN_FIELDS" in seen.codes) == ("allow", True), seen.step["preflight"]
        seen = await decide(made, policy, f"kubectl label pod {pod} quarantine=true")
        assert (seen.verdict, "K8S_LABEL_ADDED" in seen.codes) == ("allow", True), seen.step["preflight"]
        seen = await decide(made, policy, f"kubectl label pod {pod} app=none --overwrite")
        assert seen.verdict == "approve"
