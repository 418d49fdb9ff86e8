"""Reads by the real kubectl and by ours, one after the other: the same requests in the audit log, the same text.

Ages tick, so a line whose two texts differ is asked again, a few times. Where ours differs by design the list says so.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from gateway.cli.demo.controlplane import identity
from gateway.executor.targets.kubernetes.client import AGENT
from gateway.executor.targets.kubernetes.target import KubernetesTarget
from tests.executor.kubernetes.lab import OUTPUT_BYTES, admin_scope
from tests.executor.kubernetes.test_draining import RealClock
from tests.executor.steps import Heard
from tests.fixtures_catalog import step
from tests.fixtures_k8s import Cluster, eventually

pytestmark = [pytest.mark.anyio, pytest.mark.cluster]
TRIES = 8
# The same requests and the same text.
SAME = """
get pods
get pods -o wide
get pods -o name
get pods -o yaml
get pods -o json
get pods --show-labels
get pods -L app
get pods -L app,tier --show-labels
get pods -l app=web
get pods -l 'app in (web,db)'
get pods -l app!=web
get pods -l app=nothing
get pods --field-selector=status.phase=Running
get pods --field-selector=status.phase!=Running
get pods --sort-by=.metadata.name
get pods --sort-by=.spec.nodeName -o name
get pods -o 'jsonpath={.items[*].metadata.name}'
get pods -o 'jsonpath={range .items[*]}{.metadata.name}{"\\t"}{.status.phase}{"\\n"}{end}'
get pods -o 'jsonpath={.items[?(@.metadata.labels.app=="web")].spec.containers[0].image}'
get pods -o 'jsonpath={.items[0].metadata.labels}'
get pods -o 'jsonpath={..image}'
get pods -o 'go-template={{range .items}}{{.metadata.name}} {{.status.phase}}{{"\\n"}}{{end}}'
get pods -o 'go-template={{range .items}}{{if ne .metadata.name "web"}}{{.metadata.name}}{{"\\n"}}{{end}}{{end}}'
get pods --template '{{range $i, $p := .items}}{{range $p.spec.containers}}{{.name}}={{.image}} {{end}}{{end}}'
get deploy web -o template --template '{{index .metadata.labels "app"}} {{.metadata.generation}} {{.spec.replicas -}} x'
get pods -o 'jsonpath={.items[0:1].metadata.name}'
get pods -o 'custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[0].image,NONE:.spec.nothing'
get pods -o 'custom-columns=L:.metadata.labels,C:.spec.containers[*].name'
get deployments
get deployment web
get deploy/web
get deploy web -o wide
get deploy web -o yaml
get deploy web -o json
get deploy web -o name
get deploy web -o 'jsonpath={.spec.replicas}'
get deploy web -o 'jsonpath={.spec.template.spec.containers[0].image}'
get deploy web -o 'jsonpath={.metadata.annotations.deployment\\.kubernetes\\.io/revision}'
get deploy web -o 'jsonpath={.status.conditions[?(@.type=="Available")].status}'
get deploy web -o 'custom-columns=NAME:.metadata.name,READY:.status.readyReplicas'
get deploy api web
get deploy api web -o name
get deploy api web -o json
get deploy web --subresource=scale
get deploy web --subresource=status -o 'jsonpath={.status.replicas}'
get deploy -A --field-selector=metadata.namespace=NS
get deploy -A -l app=web
get pods -A --field-selector=metadata.namespace=NS
get replicasets -l app=web
get rs -o wide
get statefulsets
get daemonsets
get services
get svc web -o wide
get svc web -o 'jsonpath={.spec.ports[0].port}'
get endpoints web
get endpointslices
get configmaps
get cm settings -o yaml
get cm settings -o 'jsonpath={.data}'
get secrets
get serviceaccounts
get hpa
get hpa scaler -o yaml
get pdb
get networkpolicies
get cronjobs
get jobs
get quota
get roles
get rolebindings -o wide
get ingress
get pvc
get events
get namespaces NS
get ns NS -o yaml
get nodes node-a
get nodes node-a -o wide
get node node-a -o 'jsonpath={.status.capacity.cpu}'
get nodes -l kubernetes.io/hostname=node-a -o name
get storageclasses
get pv
get priorityclasses
get crd
get clusterroles -l kubernetes.io/bootstrapping=rbac-defaults -o name
get validatingwebhookconfigurations -o name
get apiservices -o name
logs lone
logs lone --tail=3
logs lone -c lone
logs pod/lone --limit-bytes=10
logs lone --since=1h --tail=1
logs -l app=lone
logs -l app=lone --tail=2 --prefix
logs deploy/web --tail=1
logs statefulset/db --tail=2
"""
# The same text; the requests differ (kubectl watches, asks for each kind once more, or the question is no resource).
TEXT = """
get deploy nothing --ignore-not-found
rollout status deploy/web --timeout=10s
rollout status statefulset/db --timeout=10s
rollout status daemonset/agent --timeout=10s
rollout status deploy/web --watch=false
rollout history deploy/web
rollout history statefulset/db
wait --for=condition=Available deploy/web --timeout=5s
wait '--for=jsonpath={.spec.replicas}=2' deploy/web --timeout=5s
events
events --for=pod/lone
events --types=Warning
api-versions
api-resources
api-resources --namespaced=false
api-resources --api-group=apps
api-resources --verbs=list,get --namespaced
auth whoami
get --raw /readyz
get --raw /version
explain deployments
explain deployments.spec.replicas
explain pods.spec.containers
explain pods.spec --recursive
explain hpa.spec.metrics
explain cronjobs --api-version=batch/v1
"""
# kubectl refuses, and so do we.
REFUSED = """
get deploy nothing
get pods lone nothing
logs nothing
logs lone -c nothing
logs lone --previous
top pods
get pods -o 'jsonpath={.items[99].metadata.name}'
rollout history deploy/web --revision=99
wait --for=condition=Nothing deploy/web --timeout=1s
"""


@dataclass(frozen=True)
class Readers:
    """One namespace, read by both."""

    cluster: Cluster
    namespace: str
    target: KubernetesTarget

    def kubectl(self, command: str) -> tuple[bool, str]:
        plane = self.cluster.plane
        script = f"{plane.kubectl} --kubeconfig={plane.kubeconfig} {self.where(command)}{command}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stdout or done.stderr

    async def ours(self, command: str) -> tuple[bool, str, str]:
        what = step(f"kubectl {self.where(command)}{command}").step
        done = await self.target.apply(what, {}, Heard())
        return done.status == "applied", done.output.decode(), done.code

    def where(self, command: str) -> str:
        anywhere = any(word in command.split() for word in ("-A", "-n", "--raw", "nodes", "node", "namespaces", "ns"))
        wide = command.startswith(("api-", "explain", "auth whoami"))
        cluster = ("storageclasses", "pv", "priorityclasses", "crd", "clusterroles", "validating", "apiservices")
        return "" if anywhere or wide or command.startswith(tuple(f"get {each}" for each in cluster)) else (
            f"-n {self.namespace} "
        )  # fmt: skip

    def asked(self, start: int, agent: str) -> list[tuple[str, ...]]:
        """Return the requests for resources of one of both."""
        return sorted(
            (each.verb, each.resource, each.subresource, each.namespace, each.name)
            for each in self.cluster.requests(start, user=identity.ADMIN)
            if each.user_agent.startswith(agent) and each.resource
        )


@pytest.fixture(scope="module")
def readers(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readers]:
    from tests.oracles.test_kubectl_twins import furnish

    namespace = cluster.namespace()
    furnish(cluster, namespace)
    path = f"/apis/apps/v1/namespaces/{namespace}/"
    ready = [("deployments/web", 2), ("deployments/api", 1), ("statefulsets/db", 1)]
    for name, count in ready:
        rows_ready = lambda name=name, count=count: (  # noqa: E731  # the two belong together
            cluster.admin.get(path + name).get("status", {}).get("readyReplicas", 0) >= count
        )
        eventually(rows_ready, what=f"{name} is ready")
    eventually(lambda: cluster.admin.get(f"{path}daemonsets/agent")["status"].get("numberAvailable", 0), what="agent")
    pod = f"/api/v1/namespaces/{namespace}/pods/lone"
    eventually(lambda: cluster.admin.get(pod)["status"].get("phase") == "Running", what="lone runs")
    yield Readers(cluster, namespace, KubernetesTarget(admin_scope(cluster, tmp_path_factory.mktemp("reads")),
                                                       RealClock(), OUTPUT_BYTES))  # fmt: skip
    cluster.empty(namespace)


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def told(command: str, text: str) -> Any:
    """Return what a text says, in a form that is compared: JSON and YAML as documents, all else as it is."""
    if text.startswith(("No resources found", "No events found")):
        return "nothing"
    if command.startswith("events"):  # those of one second come in any order
        return sorted(text.splitlines())
    if "-o json" in command and "jsonpath" not in command:
        return json.loads(text)
    if "-o yaml" in command:
        return yaml.safe_load(text)
    return text.rstrip("\n")


def test_there_are_a_hundred_lines() -> None:
    assert len(lines(SAME)) + len(lines(TEXT)) >= 100


@pytest.mark.parametrize("command", lines(SAME))
async def test_a_read_asks_what_kubectl_asks_and_shows_what_kubectl_shows(command: str, readers: Readers) -> None:
    command = command.replace("NS", readers.namespace)
    start = readers.cluster.mark()
    await same_text(command, readers)
    eventually(lambda: readers.asked(start, AGENT), what="the audit log is written")
    eventually(lambda: len(readers.asked(start, "kubectl")) == len(readers.asked(start, AGENT)), 3, "as many requests")
    assert readers.asked(start, AGENT) == readers.asked(start, "kubectl")


@pytest.mark.parametrize("command", lines(TEXT))
async def test_a_read_shows_what_kubectl_shows(command: str, readers: Readers) -> None:
    await same_text(command, readers)


async def same_text(command: str, readers: Readers) -> None:
    for _ in range(TRIES):
        fine, theirs = readers.kubectl(command)
        done, ours, code = await readers.ours(command)
        assert (fine, done) == (True, True), (theirs, code, ours)
        if told(command, ours) == told(command, theirs):
            return
    assert told(command, ours) == told(command, theirs)


@pytest.mark.parametrize("command", lines(REFUSED))
async def test_what_kubectl_cannot_answer_is_an_error_with_a_code(command: str, readers: Readers) -> None:
    fine, _ = readers.kubectl(command)
    done, _, code = await readers.ours(command)
    assert (fine, done) == (False, False)
    assert code.startswith(("K8S_", "TARGET_"))
