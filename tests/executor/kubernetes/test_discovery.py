"""What a real cluster serves, from its discovery to a decision about a kind that only this cluster knows."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.core.discovery import read
from gateway.executor.targets.kubernetes.answers import ReadError, get
from gateway.executor.targets.kubernetes.client import Cluster as Client
from gateway.executor.targets.kubernetes.discovery import Kinds, _legacy
from tests.executor.kubernetes.lab import admin_scope, executor_scope, kube_lab
from tests.fakes.world import AUDIENCE
from tests.fixtures_k8s import Cluster, eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
def widgets(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A kind of this test alone with one object; the value is its plural."""
    word = f"w{secrets.token_hex(3)}"
    group, plural = f"{word}.example", f"{word}s"
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": free, "status": free}}}
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    version = {"name": "v1beta1", "served": True, "storage": True, "schema": schema, "subresources": {"scale": scale}}
    names = {"plural": plural, "singular": word, "kind": word.capitalize()}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    cluster.admin.create(path, {"metadata": {"name": f"{plural}.{group}"}, "spec": spec})
    home = f"/apis/{group}/v1beta1/namespaces/{namespace}/{plural}"
    eventually(lambda: cluster.admin.answers(home), what="the kind is served")
    cluster.admin.create(home, {"apiVersion": f"{group}/v1beta1", "kind": names["kind"], "metadata": {"name": "one"},
                                "spec": {"replicas": 1, "size": 3}})  # fmt: skip
    yield plural
    cluster.admin.delete(f"{path}/{plural}.{group}")


async def test_the_kinds_of_a_cluster_make_a_document_that_the_gateway_takes(cluster: Cluster, tmp_path: Path) -> None:
    kinds = Kinds(Client(executor_scope(cluster, tmp_path)))
    found = {kind.resource: kind for kind in read(await kinds.document()).kinds}
    assert len(found) >= 60
    assert found["deployments.apps"].short == ("deploy",)
    assert "scale" in found["deployments.apps"].subresources
    assert not found["nodes"].namespaced
    assert "pods" in {kind.resource for kind in await kinds.namespaced()}


async def test_the_old_documents_say_the_same(cluster: Cluster, tmp_path: Path) -> None:
    client = Client(admin_scope(cluster, tmp_path))
    old = [kind for path in ("/api", "/apis") for kind in await _legacy(client, path, await get(client, path))]
    new = await Kinds(client).all()
    assert {kind.resource: kind for kind in old} == {kind.resource: kind for kind in new}


async def test_a_kind_that_is_made_later_is_found(cluster: Cluster, tmp_path: Path, widgets: str) -> None:
    kinds = Kinds(Client(admin_scope(cluster, tmp_path)))
    resource = f"{widgets}.{widgets[:-1]}.example"
    kinds._kept, kinds._until = (), 1e18  # what was known before the kind was made
    assert (await kinds.find(resource)).namespaced
    with pytest.raises(ReadError, match="does not serve"):
        await kinds.find("nothing.example")


async def test_a_cluster_s_own_kind_is_read_and_changed_once_it_was_told(
    cluster: Cluster, namespace: str, tmp_path: Path, widgets: str
) -> None:
    async with kube_lab(admin_scope(cluster, tmp_path), namespace) as lab:
        before = await lab.kubectl(f"kubectl get {widgets}")
        assert (before.state, before.decision.findings[0].code) == ("DENIED", "K8S_KIND_UNKNOWN")
        document = await lab.target.inner.discovery()
        told = await lab.gateway.announce(
            audience=AUDIENCE, instance="executor-0", scope="prod-eu", document=document
        )  # fmt: skip
        assert told == (True, "")
        listed = await lab.kubectl(f"kubectl get {widgets}")
        assert listed.state == "SUCCEEDED"
        assert lab.policy.asked[-1]["steps"][0]["effect"] == ["read"]
        assert f"discovery:{read(document).digest}" in lab.policy.asked[-1]["steps"][0]["why"]
        scaled = await lab.kubectl(f"kubectl scale {widgets} one --replicas=4")
        assert scaled.state == "VERIFYING"
        path = f"/apis/{widgets[:-1]}.example/v1beta1/namespaces/{namespace}/{widgets}/one"
        assert cluster.admin.get(path)["spec"] == {"replicas": 4, "size": 3}
        undone = await lab.harmed(scaled.id)
        assert undone.state == "UNDONE"
        assert cluster.admin.get(path)["spec"] == {"replicas": 1, "size": 3}
