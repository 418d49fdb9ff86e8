"""An executor whose bootstrap is a client certificate, at the real API server."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.demo.controlplane.identity import EXECUTOR
from gateway.executor.config_kubernetes import KubernetesIdentities, KubernetesIdentity, KubernetesScope
from gateway.executor.targets.kubernetes.target import KubernetesTarget
from tests.executor.kubernetes.lab import OUTPUT_BYTES, kube_lab
from tests.executor.kubernetes.rows import deployment
from tests.executor.kubernetes.test_draining import RealClock
from tests.executor.kubernetes.webhook import self_signed
from tests.executor.steps import Heard
from tests.fixtures_catalog import step
from tests.fixtures_k8s import HOME, Cluster, eventually

pytestmark = pytest.mark.anyio
BINDINGS = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{HOME}/rolebindings"
CLUSTER_WIDE = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
USER = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": EXECUTOR}
READER, WRITER = (f"system:serviceaccount:{HOME}:countermand-{kind}" for kind in ("read", "write"))


@pytest.fixture
def scope(cluster: Cluster, tmp_path: Path) -> Iterator[KubernetesScope]:
    """An executor that holds a certificate, which may ask for tokens as the shipped role says, and nothing else."""
    for name in ("executor.crt", "executor.key"):
        shutil.copy(cluster.plane.layout.pki / name, tmp_path / name)
        (tmp_path / name).chmod(0o600)
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "countermand-executor"}
    binding = {"metadata": {"name": "by-certificate"}, "roleRef": role, "subjects": [USER]}
    cluster.admin.create(BINDINGS, binding)
    who = KubernetesIdentities(
        KubernetesIdentity(service_account=f"{HOME}/countermand-read"),
        KubernetesIdentity(service_account=f"{HOME}/countermand-write"),
    )
    files = {"client_cert_file": tmp_path / "executor.crt", "client_key_file": tmp_path / "executor.key"}
    yield KubernetesScope(cluster.server, cluster.ca, identities=who, **files)
    cluster.admin.delete(f"{BINDINGS}/by-certificate")


def said(cluster: Cluster, start: int) -> set[tuple[str, str]]:
    """Return who asked for what since a mark, of us."""
    found = cluster.requests(start)
    ours = [each for each in found if each.user == EXECUTOR or each.user.startswith(f"system:serviceaccount:{HOME}:")]
    return {(each.user, each.subresource or each.resource) for each in ours}


async def got(scope: KubernetesScope, command: str) -> Any:
    target = KubernetesTarget(scope, RealClock(), OUTPUT_BYTES)
    try:
        return await target.apply(step(command).step, {}, Heard())
    finally:
        await target.close()


async def test_a_certificate_asks_for_tokens_and_the_tokens_do_the_rest(
    cluster: Cluster, namespace: str, scope: KubernetesScope
) -> None:
    path = deployment(cluster, namespace)
    start = cluster.mark()
    async with kube_lab(scope, namespace) as lab:
        view = await lab.kubectl(f"kubectl -n {namespace} scale deployment/web --replicas=3")
        assert view.state == "VERIFYING"
        assert cluster.admin.get(path)["spec"]["replicas"] == 3
        view = await lab.harmed(view.id)
        assert view.state == "UNDONE"
    asked = said(cluster, start)
    assert {what for who, what in asked if who == EXECUTOR} == {"token"}
    assert (WRITER, "scale") in asked


async def test_the_certificate_itself_may_do_nothing_but_ask(
    cluster: Cluster, namespace: str, scope: KubernetesScope
) -> None:
    itself = KubernetesIdentities(KubernetesIdentity(), KubernetesIdentity())
    start = cluster.mark()
    done = await got(replace(scope, identities=itself), f"kubectl -n {namespace} get pods")
    assert (done.status, done.code) == ("not_applied", "TARGET_FORBIDDEN")
    assert (EXECUTOR, "pods") in said(cluster, start)


async def test_a_certificate_may_impersonate_where_it_was_given_the_right(
    cluster: Cluster, namespace: str, scope: KubernetesScope
) -> None:
    may = {"users": "alice@example.com", "groups": "system:masters"}
    rules = [
        {"apiGroups": [""], "resources": [kind], "verbs": ["impersonate"], "resourceNames": [name]}
        for kind, name in may.items()
    ]
    roles = CLUSTER_WIDE.replace("bindings", "s")
    name = f"by-certificate-{namespace}"
    cluster.admin.create(roles, {"metadata": {"name": name}, "rules": rules})
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    cluster.admin.create(CLUSTER_WIDE, {"metadata": {"name": name}, "roleRef": ref, "subjects": [USER]})
    as_alice = KubernetesIdentity(impersonate="alice@example.com", groups=("system:masters",))
    try:
        acting = replace(scope, identities=KubernetesIdentities(as_alice, as_alice))
        await _eventually_applied(acting, f"kubectl -n {namespace} get pods")
    finally:
        cluster.admin.delete(f"{CLUSTER_WIDE}/{name}")
        cluster.admin.delete(f"{roles}/{name}")


async def _eventually_applied(scope: KubernetesScope, command: str) -> None:
    for _ in range(50):
        done = await got(scope, command)
        if done.status == "applied":
            return
    pytest.fail(f"{done.code}: {done.detail}")


async def test_a_certificate_of_another_authority_is_refused(
    cluster: Cluster, namespace: str, scope: KubernetesScope, tmp_path: Path
) -> None:
    del cluster
    (tmp_path / "other").mkdir()
    key, certificate = self_signed(tmp_path / "other")
    for file in (key, certificate):
        file.chmod(0o600)
    other = replace(scope, client_cert_file=certificate, client_key_file=key)
    done = await got(other, f"kubectl -n {namespace} get pods")
    assert (done.status, done.code) == ("not_applied", "K8S_TOKEN_REFUSED")


async def test_a_certificate_that_was_replaced_is_shown_from_then_on(
    cluster: Cluster, namespace: str, scope: KubernetesScope, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    key, certificate = self_signed(tmp_path / "other")
    good = {name: (tmp_path / name).read_bytes() for name in ("executor.crt", "executor.key")}
    target = KubernetesTarget(scope, RealClock(), OUTPUT_BYTES)
    command = step(f"kubectl -n {namespace} get pods").step
    (tmp_path / "executor.crt").write_bytes(certificate.read_bytes())
    (tmp_path / "executor.key").write_bytes(key.read_bytes())
    assert (await target.apply(command, {}, Heard())).code == "K8S_TOKEN_REFUSED"
    for name, data in good.items():
        (tmp_path / name).write_bytes(data)
    start = cluster.mark()
    assert (await target.apply(command, {}, Heard())).status == "applied"
    assert (READER, "pods") in eventually(lambda: said(cluster, start), what="the audit log is written")
    await target.close()


async def test_a_key_that_others_can_read_is_not_used(namespace: str, scope: KubernetesScope, tmp_path: Path) -> None:
    (tmp_path / "executor.key").chmod(0o644)
    done = await got(scope, f"kubectl -n {namespace} get pods")
    assert (done.status, done.code) == ("not_applied", "K8S_CREDENTIAL_FILE")
