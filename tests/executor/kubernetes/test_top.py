"""Usage of pods and nodes, from a server that has the resource metrics API."""

import json
from typing import Any

import pytest

from gateway.executor.config_kubernetes import KubernetesIdentities, KubernetesIdentity, KubernetesScope
from gateway.executor.targets.kubernetes.target import KubernetesTarget
from gateway.executor.targets.kubernetes.top import quantity
from tests.executor.kubernetes.test_client import Answer, Server, scope, server
from tests.executor.kubernetes.test_draining import RealClock
from tests.executor.steps import Heard
from tests.fixtures_catalog import step

__all__ = ["scope", "server"]
pytestmark = pytest.mark.anyio


def pod(name: str, **containers: tuple[str, str]) -> dict[str, Any]:
    measured = [{"name": each, "usage": {"cpu": cpu, "memory": memory}} for each, (cpu, memory) in containers.items()]
    return {"metadata": {"name": name, "namespace": "shop"}, "containers": measured}


PODS = [pod("web", a=("12345678n", "20Mi"), b=("100m", "1Gi")), pod("db", c=("2", "512Ki"))]
NODES = [{"metadata": {"name": "node-a"}, "usage": {"cpu": "1500m", "memory": "2Gi"}}]
SERVED = {
    "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods": {"items": PODS},
    "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods/web": PODS[0],
    "/apis/metrics.k8s.io/v1beta1/nodes": {"items": NODES},
    "/api/v1/nodes": {
        "items": [{"metadata": {"name": "node-a"}, "status": {"allocatable": {"cpu": "3", "memory": "4Gi"}}}]
    },
}


def metrics(_: str, path: str, __: Any) -> Answer:
    found = SERVED.get(path.partition("?")[0])
    return (200, {}, json.dumps(found).encode()) if found else (404, {}, b"{}")


@pytest.mark.parametrize(
    ("command", "rows"),
    [
        ("top pods", ["NAME CPU(cores) MEMORY(bytes)", "db 2000m 0Mi", "web 113m 1044Mi"]),
        ("top pods --sort-by=memory", ["NAME CPU(cores) MEMORY(bytes)", "web 113m 1044Mi", "db 2000m 0Mi"]),
        ("top pod web", ["NAME CPU(cores) MEMORY(bytes)", "web 113m 1044Mi"]),
        ("top pod web --containers", ["POD NAME CPU(cores) MEMORY(bytes)", "web a 13m 20Mi", "web b 100m 1024Mi"]),
        ("top nodes", ["NAME CPU(cores) CPU(%) MEMORY(bytes) MEMORY(%)", "node-a 1500m 50% 2048Mi 50%"]),
    ],
)
async def test_usage_is_a_table(command: str, rows: list[str], server: Server, scope: KubernetesScope) -> None:
    server.answer = metrics
    itself = KubernetesIdentities(KubernetesIdentity())
    target = KubernetesTarget(
        KubernetesScope(scope.server, scope.ca_file, scope.token_file, identities=itself), RealClock(), 10_000
    )
    namespace = "" if "node" in command else " -n shop"
    done = await target.apply(step(f"kubectl {command}{namespace}").step, {}, Heard())
    assert done.status == "applied", done
    assert [" ".join(line.split()) for line in done.output.decode().splitlines()] == rows


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("250m", 0.25), ("1Ki", 1024), ("2Gi", 2**31), ("3M", 3_000_000), ("?", 0)]
)
def test_a_quantity_is_a_number(text: str, value: float) -> None:
    assert float(quantity(text)) == value
