"""The cluster of the tests is a real one, and it records what it is asked."""

import pytest

from gateway.cli.demo.controlplane.client import ApiError
from tests.fixtures_k8s import Cluster, eventually


def test_the_server_is_the_version_that_we_build(cluster: Cluster) -> None:
    assert cluster.admin.get("/version")["gitVersion"] == "v1.35.4"


def test_a_deployment_becomes_ready_on_two_nodes(cluster: Cluster, namespace: str) -> None:
    cluster.deployment(namespace, "web", replicas=4)
    pods = cluster.admin.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {"node-a", "node-b"}


@pytest.mark.parametrize(
    ("image", "reason"), [("shop/web:bad-2", "ImagePullBackOff"), ("shop/web:missing", "ImagePullBackOff"),
                          ("shop/web:crash", "CrashLoopBackOff")],
)  # fmt: skip
def test_a_pod_fares_as_its_image_says(cluster: Cluster, namespace: str, image: str, reason: str) -> None:
    cluster.deployment(namespace, "web", replicas=2)
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    container = {"name": "web", "image": image}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    cluster.human.patch(path, patch, "application/strategic-merge-patch+json")

    def waiting() -> list[str]:
        pods = cluster.admin.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
        statuses = [status for pod in pods for status in pod.get("status", {}).get("containerStatuses", [])]
        return [status["state"]["waiting"]["reason"] for status in statuses if "waiting" in status["state"]]

    assert eventually(waiting, what=f"a pod waits with {reason}") == [reason]
    assert cluster.admin.get(path)["status"]["availableReplicas"] == 2  # the old pods are kept


def test_a_container_on_paper_has_a_log(cluster: Cluster, namespace: str) -> None:
    cluster.deployment(namespace, "web", replicas=1)
    assert cluster.kubectl("-n", namespace, "logs", "deploy/web", "--tail=1") == "line 200 of a pod on paper\n"


def test_the_executor_may_only_ask_for_tokens_of_the_two_accounts(cluster: Cluster) -> None:
    executor = cluster.as_account("countermand-executor")
    accounts = "/api/v1/namespaces/countermand/serviceaccounts"
    for name in ("countermand-read", "countermand-write"):
        answer = executor.create(f"{accounts}/{name}/token", {"spec": {"expirationSeconds": 600}})
        assert answer["status"]["token"].count(".") == 2
    for refused in ("countermand-executor", "default"):
        with pytest.raises(ApiError, match="403"):
            executor.create(f"{accounts}/{refused}/token", {"spec": {"expirationSeconds": 600}})
    with pytest.raises(ApiError, match="403"):
        executor.get("/api/v1/namespaces/default/pods")


def test_the_writer_changes_bound_namespaces_only_and_never_reads_secrets(cluster: Cluster, namespace: str) -> None:
    writer = cluster.as_account("countermand-write")
    closed = cluster.namespace(writable=False)
    body = {"metadata": {"name": "settings"}, "data": {"a": "b"}}
    writer.create(f"/api/v1/namespaces/{namespace}/configmaps", body)
    with pytest.raises(ApiError, match="403"):
        writer.create(f"/api/v1/namespaces/{closed}/configmaps", body)
    for user in (writer, cluster.as_account("countermand-read")):
        with pytest.raises(ApiError, match="403"):
            user.get(f"/api/v1/namespaces/{namespace}/secrets")


def test_the_reader_reads_everywhere_and_changes_nothing(cluster: Cluster, namespace: str) -> None:
    reader = cluster.as_account("countermand-read")
    assert len(reader.get("/api/v1/nodes")["items"]) == 2
    with pytest.raises(ApiError, match="403"):
        reader.create(f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "x"}})


def test_an_answered_request_is_in_the_audit_log_with_its_body(cluster: Cluster, namespace: str) -> None:
    cluster.deployment(namespace, "web", replicas=1)
    mark = cluster.mark()
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web/scale"
    cluster.human.patch(path, {"spec": {"replicas": 3}})
    (seen,) = cluster.requests(mark, namespace=namespace, user="alice@")
    assert (seen.verb, seen.group, seen.resource, seen.subresource, seen.name) == (
        "patch", "apps", "deployments", "scale", "web",
    )  # fmt: skip
    assert seen.status == 200
    assert seen.body == {"spec": {"replicas": 3}}
    assert seen.writes
    assert not seen.dry
