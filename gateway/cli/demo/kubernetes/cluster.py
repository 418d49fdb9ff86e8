"""The cluster of the demo: what runs in it, whom the executor may be there, and what it looks like afterwards."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli.demo.controlplane import audit, identity
from gateway.cli.demo.controlplane.running import ControlPlane
from gateway.cli.demo.kubernetes.case import Case
from gateway.cli.demo.process import DemoFault

_EXECUTOR = "/api/v1/namespaces/countermand/serviceaccounts/countermand-executor/token"
_SETTLES_S = 30.0
_TOKEN_S = 3_600


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running control plane with the case in it."""

    plane: ControlPlane
    case: Case

    @property
    def _deployment(self) -> str:
        return f"/apis/apps/v1/namespaces/{self.case.namespace}/deployments/{self.case.name}"

    def furnish(self) -> None:
        """Apply the roles that a real site applies, and start the two Deployments."""
        self._apply("rbac.yaml")
        api, case = self.plane.api(), self.case
        api.create("/api/v1/namespaces", {"metadata": {"name": case.namespace}})
        self._apply("rbac-namespace.yaml", "--namespace", case.namespace)
        account = f"/api/v1/namespaces/{case.namespace}/serviceaccounts/default"
        _wait("the namespace has its service account", lambda: api.answers(account))
        collection = f"/apis/apps/v1/namespaces/{case.namespace}/deployments"
        for name in (case.name, case.neighbour):
            image = case.image(case.running) if name == case.name else f"registry.local/{case.namespace}/{name}:1.0.0"
            api.create(collection, _deployment(name, image, case.replicas))
            self._await_ready(f"{collection}/{name}")

    def executor_token(self) -> str:
        """Return the credential that the executor starts with: it may ask for tokens of two accounts, no more."""
        answer = self.plane.api().create(_EXECUTOR, {"spec": {"expirationSeconds": _TOKEN_S}})
        return str(answer["status"]["token"])

    def image(self) -> str:
        """Return the image that the Deployment asks for now."""
        return str(self.plane.api().get(self._deployment)["spec"]["template"]["spec"]["containers"][0]["image"])

    def replicas(self) -> int:
        """Return how many replicas the Deployment asks for now."""
        return int(self.plane.api().get(self._deployment)["spec"]["replicas"])

    def is_well(self) -> bool:
        """Tell whether every replica that is asked for is up to date and ready."""
        found = self.plane.api().get(self._deployment)
        status = found.get("status", {})
        wanted = found["spec"]["replicas"]
        seen = status.get("observedGeneration") == found["metadata"]["generation"]
        counts = {_ready(found), wanted, status.get("updatedReplicas", 0), status.get("replicas", 0)}
        return bool(seen) and len(counts) == 1

    def settle(self) -> bool:
        """Wait until the Deployment is well; false when it does not get there."""
        try:
            _wait("the Deployment is well", self.is_well)
        except DemoFault:
            return False
        return True

    def scale_by_hand(self, replicas: int) -> None:
        """Change the number of replicas beside the gateway, as a colleague with kubectl does."""
        self.plane.api(identity.HUMAN).patch(self._deployment, {"spec": {"replicas": replicas}})

    def images_sent(self) -> list[str]:
        """Return the images that the gateway's identity really wrote, in order, by the API server's audit log."""
        return [
            image
            for seen in audit.requests(self.plane.audit_log)
            if seen.user.endswith(":countermand-write") and seen.name == self.case.name and seen.writes
            if not seen.dry and 200 <= seen.status < 300
            for image in _images(seen.body)
        ]

    def _await_ready(self, path: str) -> None:
        api = self.plane.api()
        _wait(f"{path} is ready", lambda: _ready(api.get(path)) == self.case.replicas)

    def _apply(self, file: str, *words: str) -> None:
        argv = [str(self.plane.kubectl), f"--kubeconfig={self.plane.kubeconfig}", *words]
        done = subprocess.run(  # noqa: S603  # our own argv, no shell
            [*argv, "apply", "-f", str(_manifests() / file)], capture_output=True, text=True, check=False, timeout=30
        )
        if done.returncode != 0:
            raise DemoFault(f"{file} could not be applied: {done.stderr.strip()}")


def _manifests() -> Path:
    """Return the folder of the roles: inside this package in a wheel, at the top of a clone."""
    package = Path(__file__).resolve().parents[3]
    for folder in (package / "deploy" / "kubernetes", package.parent / "deploy" / "kubernetes"):
        if (folder / "rbac.yaml").is_file():
            return folder
    raise DemoFault("the cluster roles are not installed: run the demo from a clone, or install the wheel")


def _deployment(name: str, image: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    containers = [{"name": name, "image": image}]
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
    }


def _ready(deployment: Any) -> int:
    return int(deployment.get("status", {}).get("readyReplicas", 0))


def _images(body: Any) -> list[str]:
    """Return every image that a request's body sets, whatever kind of patch it is."""
    if isinstance(body, list):
        return [str(op["value"]) for op in body if op.get("op") != "test" and str(op.get("path")).endswith("/image")]
    found = body.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []) if body else []
    return [str(container["image"]) for container in found if "image" in container]


def _wait(what: str, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + _SETTLES_S
    while not holds():
        if time.monotonic() > end:
            raise DemoFault(f"not within {_SETTLES_S:.0f} s: {what}")
        time.sleep(0.1)
