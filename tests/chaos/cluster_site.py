"""A site whose target is a real Kubernetes cluster: Deployments to scale or to give another image, nodes to drain."""

import itertools
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli.demo.controlplane import nodes
from gateway.core.canonical import Json
from tests.chaos.site import AUDIENCE, TIMING, Ground, Intended, connected, end, write_executor, write_gateway
from tests.fixtures_k8s import Cluster, eventually

SCOPE = "cluster"
OLD: Mapping[str, int] = {"replicas": 2, "image": 20}
"""What every Deployment has before anybody touches it; the image's number is in its tag."""
PODS_TO_EVICT = 3
_NUMBERS = itertools.count(1)
_ONLY = "countermand.test/only"
_TIMING = {**TIMING, "attempt_ms": 8_000}  # a drain takes its time


@dataclass(kw_only=True)
class ClusterSite(Ground):
    """A site with one namespace of a cluster, and nodes of its own."""

    cluster: Cluster
    namespace: str
    mark: int
    """Where the audit log ended before this site."""

    def scale(self, lease_s: int = 0) -> Intended:
        """Propose one replica more for a fresh Deployment."""
        name, new = self.deployment("scaled"), OLD["replicas"] + 1
        text = f"kubectl -n {self.namespace} scale deployment/{name} --replicas={new}"
        return self.proposed("replicas", name, new, text, lease_s)

    def image(self, lease_s: int = 0, *, harmful: bool = False) -> Intended:
        """Propose another image for a fresh Deployment; a harmful one can never be pulled."""
        name, new = self.deployment("harmful" if harmful else "image"), 100 + next(_NUMBERS)
        tag = f"bad-{new}" if harmful else str(new)
        text = f"kubectl -n {self.namespace} set image deployment/{name} {name}=shop/web:{tag}"
        return self.proposed("image", name, new, text, lease_s)

    def drain(self) -> Intended:
        """Propose to drain a fresh node with pods that go one at a time, and let a person approve it."""
        node = self.loaded_node()
        made = self.proposed("drain", node, 1, f"kubectl drain {node} --ignore-daemonsets --timeout=60s")
        shown = eventually(lambda: [p for p in self.person.pending() if p.action.id == made.action], 60, "it is asked")
        self.person.approve(shown[0], "the node is to be replaced")
        return made

    def deployment(self, kind: str) -> str:
        """Create a Deployment, and return its name."""
        name = f"{kind}-{next(_NUMBERS)}"
        self.cluster.deployment(self.namespace, name, replicas=OLD["replicas"], image=f"shop/web:{OLD['image']}")
        return name

    def loaded_node(self) -> str:
        """Return a node with pods of a Deployment that may lose one at a time; another node can take them.

        Node and Deployment have the same name: so the check of every change asks for the pods of this Deployment.
        """
        group = f"{self.namespace}-{next(_NUMBERS)}"
        self._node(group, group)
        self._guarded_deployment(group)
        self._node(f"{group}-spare", group)
        return group

    def pods_on(self, node: str) -> list[Any]:
        """Return the pods on a node."""
        found = self.cluster.admin.get("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")
        return list(found["items"])

    def value(self, of: Intended) -> int:
        """Return what a target has now."""
        if of.tool == "drain":
            return int(self.cluster.admin.get(f"/api/v1/nodes/{of.target}")["spec"].get("unschedulable", False))
        spec = self._found(of)["spec"]
        if of.tool == "replicas":
            return int(spec["replicas"])
        return tag_number(spec["template"]["spec"]["containers"][0]["image"])

    def generation(self, of: Intended) -> int:
        """Return how often the spec of a Deployment was written: 1 when it was created."""
        return int(self._found(of)["metadata"]["generation"])

    def _found(self, of: Intended) -> Any:
        return self.cluster.admin.get(f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{of.target}")

    def _node(self, name: str, group: str) -> None:
        made = nodes.node(name)
        made["metadata"]["labels"][_ONLY] = group
        made["spec"] = {"taints": [{"key": _ONLY, "value": group, "effect": "NoSchedule"}]}
        self.cluster.admin.create("/api/v1/nodes", made)

    def _guarded_deployment(self, group: str) -> None:
        tolerated = [{"key": _ONLY, "operator": "Equal", "value": group, "effect": "NoSchedule"}]
        more = {"nodeSelector": {_ONLY: group}, "tolerations": tolerated, "terminationGracePeriodSeconds": 1}
        self.cluster.deployment(self.namespace, group, replicas=PODS_TO_EVICT, pod=more)
        budget = {"minAvailable": PODS_TO_EVICT - 1, "selector": {"matchLabels": {"app": group}}}
        budgets = f"/apis/policy/v1/namespaces/{self.namespace}/poddisruptionbudgets"
        self.cluster.admin.create(budgets, {"metadata": {"name": group}, "spec": budget})
        path = f"{budgets}/{group}"
        eventually(lambda: self.cluster.admin.get(path).get("status", {}).get("disruptionsAllowed"), what=path)


def tag_number(image: str) -> int:
    """Return the number at the end of an image's tag."""
    return int(image.rpartition(":")[2].removeprefix("bad-"))


@contextmanager
def cluster_site(cluster: Cluster) -> Iterator[ClusterSite]:
    """Build a site with nothing running yet but its cluster."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cm-chaos-")))
        namespace = cluster.namespace(f"chaos-{secrets.token_hex(3)}")
        stack.callback(_clean, cluster, namespace)
        _configure(folder, cluster, namespace, _TIMING)
        mark = cluster.mark()
        made = ClusterSite(cluster=cluster, namespace=namespace, mark=mark, folder=folder, **connected(stack, folder))
        stack.callback(end, made)
        yield made


def _clean(cluster: Cluster, namespace: str) -> None:
    for node in cluster.admin.get("/api/v1/nodes")["items"]:
        if node["metadata"]["name"].startswith(namespace):
            cluster.admin.delete(f"/api/v1/nodes/{node['metadata']['name']}")
    cluster.empty(namespace)


def _configure(folder: Path, cluster: Cluster, namespace: str, timing: Mapping[str, int]) -> None:
    about = {"scope": SCOPE, "namespace": namespace, "group": "apps", "version": "v1", "resource": "deployments",
             "name": "{name}"}  # fmt: skip
    check: Json = {"name": "pods", "kind": "not_worse", "limit": 0, "breaches": 1, "min_samples": 1,
                   "provider": "cluster", "query": {"measure": "broken_pods", "object": about}}  # fmt: skip
    write_gateway(folder, check, timing, scopes={
        SCOPE: {"tool": "kubernetes", "audience": AUDIENCE, "environments": {"*": "prod"}},
    })  # fmt: skip
    token = folder / "executor.token"
    token.touch(0o600)
    token.write_text(cluster.token())
    accounts = {name: {"service_account": f"countermand/countermand-{name}"} for name in ("read", "write")}
    scope: Json = {"tool": "kubernetes", "server": cluster.server, "ca_file": str(cluster.ca),
                   "token_file": str(token), "identities": accounts}  # fmt: skip
    write_executor(folder, {SCOPE: scope}, {"cluster": {"kind": "kubernetes", "scopes": [SCOPE]}})
