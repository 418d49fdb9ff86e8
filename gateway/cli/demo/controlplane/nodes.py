"""The two nodes on paper, and what else must be there before the first test."""

from typing import Any

from gateway.cli.demo.controlplane.client import Api

NAMES = ("node-a", "node-b")


def node(name: str) -> dict[str, Any]:
    """Return a node that kwok will call Ready."""
    room = {"cpu": "32", "memory": "256Gi", "pods": "512"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/zone": f"zone-{name[-1]}",
            },
        },
        "status": {"allocatable": room, "capacity": room},
    }


def settled(api: Api) -> bool:
    """Tell whether all nodes are Ready and the first service account exists (no pod is admitted before)."""
    ready = [name for name in NAMES if _ready(api.get(f"/api/v1/nodes/{name}"))]
    return len(ready) == len(NAMES) and api.answers("/api/v1/namespaces/default/serviceaccounts/default")


def _ready(found: dict[str, Any]) -> bool:
    conditions = found.get("status", {}).get("conditions", [])
    taints = found.get("spec", {}).get("taints", [])
    return not taints and any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
