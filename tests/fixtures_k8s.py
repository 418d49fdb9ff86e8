"""A real Kubernetes control plane for tests: one a session, a namespace of its own for each test.

A test that asks for `cluster` (or for what is built on it) gets the marker `cluster` by itself: see tests/conftest.py.
COUNTERMAND_CLUSTER names the folder of one that runs already (`python -m tools.controlplane up --dir D`).
"""

import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from gateway.cli.demo.controlplane import audit, identity
from gateway.cli.demo.controlplane.client import Api
from gateway.cli.demo.controlplane.find import find
from gateway.cli.demo.controlplane.running import ControlPlane, attach, control_plane

T = TypeVar("T")
RBAC = Path(__file__).parents[1] / "deploy" / "kubernetes"
_AT_WORK = {"apps/v1": ("deployments", "statefulsets", "daemonsets"), "batch/v1": ("cronjobs", "jobs"),
            "autoscaling/v2": ("horizontalpodautoscalers",)}  # fmt: skip
HOME = "countermand"
"""The namespace of the executor's identities."""


def eventually(ask: Callable[[], T], seconds: float = 20, what: str = "") -> T:
    """Ask until the answer is truthy and return it: the control plane works in its own time, and asking costs it."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return answer


def required() -> None:
    """Skip the test where no control plane is built; where it must be there (CI), fail."""
    if find() is None:
        missing = "the Kubernetes control plane is not built: make cluster"
        if os.environ.get("COUNTERMAND_REQUIRE_CLUSTER"):
            pytest.fail(missing)
        pytest.skip(missing)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster with deploy/kubernetes/rbac.yaml applied, as seen by everybody who is not the gateway."""

    plane: ControlPlane
    admin: Api
    human: Api
    """Another administrator: plays the person who edits beside the gateway."""

    @property
    def server(self) -> str:
        """The API server's URL."""
        return self.plane.server

    @property
    def ca(self) -> Path:
        """The certificate to verify it by."""
        return self.plane.layout.ca

    def token(self, account: str = "countermand-executor", namespace: str = HOME, seconds: int = 3600) -> str:
        """Return a fresh token of a service account, asked for by the administrator."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        answer = self.admin.create(path, {"spec": {"expirationSeconds": seconds}})
        return str(answer["status"]["token"])

    def as_account(self, account: str, namespace: str = HOME) -> Api:
        """Return a client with a service account's own token."""
        return Api(self.server, self.ca, self.token(account, namespace))

    def kubectl(self, *words: str, stdin: str = "") -> str:
        """Run the real kubectl as the administrator and return its stdout."""
        argv = [str(self.plane.kubectl), f"--kubeconfig={self.plane.kubeconfig}", *words]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def namespace(self, name: str = "", *, writable: bool = True) -> str:
        """Create a namespace in which pods can run and, if writable, granted actions may change things."""
        name = name or f"t-{secrets.token_hex(4)}"
        self.admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
        if writable:
            self.admin.create(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{name}/rolebindings", _binding())
        account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        eventually(lambda: self.admin.answers(account), what=f"service account default in {name}")
        return name

    def empty(self, namespace: str) -> None:
        """Delete whatever makes pods in a namespace, and wait for nothing; the namespace stays.

        To delete it would have each of its thirty resources asked for twice: half the work of the API server.
        """
        for group, kinds in _AT_WORK.items():
            for kind in kinds:
                self.admin.delete(f"/apis/{group}/namespaces/{namespace}/{kind}", {"propagationPolicy": "Background"})

    def deployment(
        self,
        namespace: str,
        name: str,
        *,
        replicas: int = 2,
        image: str = "shop/web:1.0",
        pod: Mapping[str, Any] | None = None,
    ) -> Any:
        """Create a Deployment, wait until all its pods are ready, and return it; `pod` adds to the pods' spec."""
        labels = {"app": name}
        body = {
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": name, "image": image}], **(pod or {})},
                },
            },
        }
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        self.admin.create(path, body)
        ready = f"{name} in {namespace} has {replicas} ready replicas"
        status = f"{path}/{name}"
        eventually(lambda: self.admin.get(status).get("status", {}).get("readyReplicas", 0) == replicas, 60, what=ready)
        return self.admin.get(f"{path}/{name}")

    def mark(self) -> int:
        """Return where the audit log ends now; `requests(start=mark)` yields what came later."""
        return self.plane.audit_log.stat().st_size

    def requests(self, start: int = 0, *, namespace: str = "", user: str = "") -> list[audit.Request]:
        """Return what the API server answered since `start`; `user` is the beginning of a user's name."""
        found = audit.requests(self.plane.audit_log, start)
        return [
            each
            for each in found
            if (not namespace or namespace in (each.namespace, each.name)) and each.user.startswith(user)
        ]


@cache
def _binding() -> Any:
    return yaml.safe_load((RBAC / "rbac-namespace.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def control_plane_of_session() -> Iterator[ControlPlane]:
    """The plain control plane, without any of our manifests."""
    named = os.environ.get("COUNTERMAND_CLUSTER")
    if named:
        yield attach(Path(named))
        return
    required()
    with control_plane() as plane:
        yield plane


@pytest.fixture(scope="session")
def cluster(control_plane_of_session: ControlPlane) -> Cluster:
    """One cluster for all tests of a session, with the executor's identities in it."""
    plane = control_plane_of_session
    found = Cluster(plane, plane.api(), plane.api(identity.HUMAN))
    found.kubectl("apply", "-f", str(RBAC / "rbac.yaml"))
    for role in ("countermand-read", "countermand-write"):
        path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{role}"
        eventually(lambda path=path: found.admin.get(path)["rules"], what=f"{role} is aggregated")
    return found


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A writable namespace of this test; what runs in it is deleted afterwards, and nobody waits for that."""
    name = cluster.namespace()
    yield name
    cluster.empty(name)
