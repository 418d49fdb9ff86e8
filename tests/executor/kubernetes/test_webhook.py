"""An admission webhook that minds the real run only: the dry run cannot tell, and the change ends as not applied."""

from pathlib import Path

import pytest

from gateway.cli.demo.controlplane.client import Api, ApiError
from tests.executor.kubernetes.lab import executor_scope, kube_lab
from tests.executor.kubernetes.rows import deployment
from tests.executor.kubernetes.webhook import refusing_webhook
from tests.fixtures_k8s import Cluster, eventually

pytestmark = pytest.mark.anyio


async def test_a_webhook_that_refuses_the_real_run_leaves_the_change_not_applied(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = deployment(cluster, namespace)
    command = f"kubectl -n {namespace} set image deployment/web web=shop/web:2"
    with refusing_webhook(cluster, namespace, tmp_path, "apps/deployments"):
        writer = cluster.as_account("countermand-write")
        eventually(lambda: not patched(writer, path), what="the webhook is in force")
        async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
            view = await lab.kubectl(command)
            assert lab.decided_on()["preflight"]["status"] == "ok"
            assert (view.state, view.reason) == ("NOT_APPLIED", "TARGET_FORBIDDEN")
    assert cluster.admin.get(path)["spec"]["template"]["spec"]["containers"][0]["image"] == "shop/web:1.0"


async def test_a_webhook_that_came_after_the_change_keeps_it_from_being_taken_back_and_people_are_told(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = deployment(cluster, namespace)
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl -n {namespace} set image deployment/web web=shop/web:2")
        assert view.state == "VERIFYING"
        with refusing_webhook(cluster, namespace, tmp_path, "apps/deployments"):
            writer = cluster.as_account("countermand-write")
            eventually(lambda: not patched(writer, path), what="the webhook is in force")
            view = await lab.harmed(view.id, 3_600_000)
            assert (view.state, view.reason) == ("NEEDS_HUMAN", "UNDO_DEADLINE")
    assert cluster.admin.get(path)["spec"]["template"]["spec"]["containers"][0]["image"] == "shop/web:2"


def patched(writer: Api, path: str) -> bool:
    try:
        writer.patch(path, {"metadata": {"labels": {"tried": "1"}}})
        writer.patch(path, {"metadata": {"labels": {"tried": None}}})
    except ApiError:
        return False
    return True
