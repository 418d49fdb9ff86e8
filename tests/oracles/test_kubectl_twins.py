"""A hundred changes on twin namespaces: the real kubectl in one, ours in the other; the API server's audit log judges.

The same requests (verb, resource, subresource, name) must have reached the server, and the objects must be equal but
for what the server manages, the twins' own names and the time of a restart.
"""

import json
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.cli.demo.controlplane import identity
from gateway.executor.targets.kubernetes.difference import difference
from gateway.executor.targets.kubernetes.schema import SERVER_FIELDS
from gateway.executor.targets.kubernetes.target import KubernetesTarget
from tests.executor.kubernetes import rows
from tests.executor.kubernetes.lab import OUTPUT_BYTES, admin_scope
from tests.executor.kubernetes.test_draining import RealClock
from tests.executor.steps import Heard
from tests.fixtures_catalog import step
from tests.fixtures_k8s import Cluster, eventually

pytestmark = [pytest.mark.anyio, pytest.mark.cluster]
JSON_PATCH = """--type=json -p '[{"op":"replace","path":"/spec/minReadySeconds","value":7}]'"""
CHANGES = """
scale deployment/web --replicas=3
scale deployment web --replicas=1
scale deploy/web deploy/api --replicas=2
scale --replicas=2 deployment/web --current-replicas=2
scale statefulset/db --replicas=2
scale sts db --replicas=1
scale deployment -l app=api --replicas=3
set image deployment/web web=shop/web:2
set image deployment/web web=shop/web:3 side=shop/side:2
set image deploy web '*=shop/all:1'
set image statefulset/db db=shop/db:2
set image daemonset/agent agent=shop/agent:2
set image cronjob/nightly c=shop/job:2
set image pod/lone lone=shop/lone:2
set env deployment/web A=1
set env deployment/web A=2 B=3
set env deployment/web B-
set env deploy/web -c web C=1
set env statefulset/db DEBUG=yes
set env daemonset/agent LEVEL=info
set env cronjob/nightly X=1
set resources deployment/web --limits=cpu=500m,memory=256Mi
set resources deployment/web -c web --requests=cpu=100m
set resources statefulset/db --limits=memory=1Gi --requests=memory=512Mi
set serviceaccount deployment web robot
set serviceaccount statefulset/db robot
set selector service web app=api
set selector service web app=web,tier=front
set subject rolebinding viewers --user=ann
set subject rolebinding viewers --group=dev --serviceaccount=TWIN:robot
patch deployment web -p '{"spec":{"minReadySeconds":5}}'
patch deployment web --type=merge -p '{"spec":{"revisionHistoryLimit":3}}'
patch deployment web JSON_PATCH
patch deployment web -p '{"spec":{"template":{"spec":{"nodeSelector":{"disk":"ssd"}}}}}'
patch deployment web -p '{"spec":{"template":{"spec":{"nodeSelector":{"disk":null}}}}}'
patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"name":"web","workingDir":"/srv"}]}}}}'
patch deployment web --type=merge -p '{"spec":{"progressDeadlineSeconds":300}}'
patch configmap settings --type=merge -p '{"data":{"mode":"slow"}}'
patch configmap settings -p '{"data":{"new":"1"}}'
patch configmap settings --type=json -p '[{"op":"remove","path":"/data/new"}]'
patch service web -p '{"spec":{"ports":[{"port":80,"targetPort":9090}]}}'
patch service web --type=merge -p '{"spec":{"sessionAffinity":"ClientIP"}}'
patch hpa scaler --type=merge -p '{"spec":{"maxReplicas":7}}'
patch hpa scaler -p '{"spec":{"minReplicas":2}}'
patch quota q -p '{"spec":{"hard":{"pods":"60","services":"50"}}}'
patch cronjob nightly -p '{"spec":{"suspend":true}}'
patch cronjob nightly --type=merge -p '{"spec":{"schedule":"1 2 * * *"}}'
patch networkpolicy block --type=merge -p '{"spec":{"policyTypes":["Ingress"]}}'
patch pdb web --type=merge -p '{"spec":{"minAvailable":0}}'
patch deployment api --subresource=scale --type=merge -p '{"spec":{"replicas":2}}'
label deployment web team=shop
label deployment web team=pay --overwrite
label deployment web team-
label deployment web api wave=1
label deployment -l wave=1 wave-
label pod lone quarantine=true
label pods -l app=lone quarantine-
label service web tier=front
label configmap settings a=1 b=2
label configmap --all c=3
annotate deployment api note='a longer text'
annotate deployment api note=other --overwrite
annotate deployment api note-
annotate service web example.com/owner=shop
annotate pods -l app=lone seen=1
rollout pause deployment/web
rollout resume deployment/web
rollout restart deployment/web
rollout restart deploy web api
rollout restart statefulset/db
rollout restart daemonset/agent
rollout restart deployment -l app=api
rollout undo deployment/web
rollout undo deployment/api --to-revision=1
rollout undo statefulset/db
rollout undo daemonset/agent
autoscale deployment web --min=2 --max=5 --cpu=80%
autoscale deployment api --max=4
autoscale statefulset db --max=3 --name=db-scaler --memory=500Mi
expose deployment web --port=80 --target-port=8080 --name=web-2
expose deployment api --port=443
expose pod lone --port=80 --name=lone-svc
expose service web --port=8081 --name=web-3
create configmap made --from-literal=a=b --from-literal=c=d
create deployment fresh --image=shop/fresh:1 --replicas=2 --port=80
create job once --image=shop/once:1
create cronjob often --image=shop/often:1 --schedule='*/5 * * * *'
create service clusterip plain --tcp=80:8080
create service nodeport outside --tcp=81:8081
create serviceaccount extra
create role looker --verb=get,list --resource=pods,deployments,services
create rolebinding lookers --role=looker --user=ann
create quota small --hard=pods=90,services=50
create poddisruptionbudget budget --selector=app=api --min-available=1
delete configmap made
delete service plain outside
delete deployment fresh
delete job once
delete cronjob often
delete pdb budget
delete quota small
delete rolebinding lookers
delete role looker
delete configmap -l c=3
delete networkpolicy --all
delete serviceaccount extra --cascade=orphan
delete pod lone --grace-period=5
"""
NODES = """
cordon NODE
uncordon NODE
taint node NODE k=v:NoSchedule
taint node NODE k=w:NoSchedule --overwrite
taint node NODE k:NoSchedule-
label node NODE disk=ssd
label node NODE disk-
annotate node NODE seen=1
drain NODE --ignore-daemonsets --timeout=60s
uncordon NODE
"""
APPS, CORE, RBAC = "/apis/apps/v1/namespaces/{ns}/", "/api/v1/namespaces/{ns}/", "/apis/rbac.authorization.k8s.io/v1/"
KINDS = (
    *(APPS + each for each in ("deployments", "statefulsets", "daemonsets")),
    *(CORE + each for each in ("services", "configmaps", "serviceaccounts", "resourcequotas")),
    *(RBAC + "namespaces/{ns}/" + each for each in ("roles", "rolebindings")),
    *("/apis/batch/v1/namespaces/{ns}/" + each for each in ("cronjobs", "jobs")),
    "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers",
    "/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies",
    "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets",
)
# Written by a controller at its own time, or allotted anew for each object; the time of a restart is the clock's.
_ALLOTTED = re.compile(
    r"/(clusterIPs?|nodePort|controller-uid|batch.kubernetes.io.*uid|timeAdded|kubectl.*restartedAt)$"
)
NODE_FIELDS = ("/spec/podCIDR", "/spec/podCIDRs", "/metadata/annotations/node.alpha.kubernetes.io~1ttl")


@dataclass(frozen=True)
class Twins:
    """Two namespaces and two nodes that began alike: the first of each is kubectl's, the second ours."""

    cluster: Cluster
    namespaces: tuple[str, str]
    nodes: tuple[str, str]
    target: KubernetesTarget
    seen: list[dict[str, Any]] = field(default_factory=list)
    """The objects of both as the last command left them."""

    def kubectl(self, command: str) -> None:
        plane = self.cluster.plane
        script = f"{plane.kubectl} --kubeconfig={plane.kubeconfig} -n {self.namespaces[0]} {command}"
        if command.startswith("rollout restart"):  # its time has whole seconds: kubectl refuses two within one
            now = int(time.time())
            eventually(lambda: int(time.time()) > now, what="the next second")
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    async def ours(self, command: str) -> None:
        where = "" if self.nodes[1] in command else f"-n {self.namespaces[1]} "
        what = step(f"kubectl {where}{command}").step
        seen = await self.target.observe(what)
        assert seen.preflight["status"] == "ok", (seen.preflight, seen.facts)
        done = await self.target.apply(what, seen.snapshot, Heard())
        assert (done.status, done.code) == ("applied", ""), done

    def sent(self, start: int, twin: int) -> list[tuple[str, ...]]:
        """Return the changes that reached the server, without those of controllers and without dry runs."""
        names = {self.namespaces[twin], self.nodes[twin]}
        return [
            (each.verb, each.resource, each.subresource, self.neutral(each.name, twin))
            for each in self.cluster.requests(start, user=identity.ADMIN)
            if each.writes and not each.dry and each.status < 400 and names & {each.namespace, each.name}
        ]

    def neutral(self, text: str, twin: int) -> str:
        return text.replace(self.namespaces[twin], "TWIN").replace(self.nodes[twin], "NODE")

    def objects(self, twin: int) -> dict[str, Any]:
        """Return the objects of a twin by kind and name, the twin's own names taken out."""
        admin, found = self.cluster.admin, {}
        for path in KINDS:
            for each in admin.get(path.format(ns=self.namespaces[twin]))["items"]:
                found[f"{path.rpartition('/')[2]}/{each['metadata']['name']}"] = each
        found["node"] = admin.get(f"/api/v1/nodes/{self.nodes[twin]}")
        return {name: json.loads(self.neutral(json.dumps(each), twin)) for name, each in found.items()}


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return which fields have changed, and to what."""
    found = {}
    for name in before.keys() | after.keys():
        change = difference(before.get(name, {}), after.get(name, {}), (*SERVER_FIELDS, *NODE_FIELDS))
        fields = {path: value for path, value in change.after.items() if not _ALLOTTED.search(path)}
        if fields or (name in before) != (name in after):
            found[name] = {path: _without(value) for path, value in fields.items()}
    return found


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without(each) for name, each in value.items() if not _ALLOTTED.search(f"/{name}")}
    return [_without(each) for each in value] if isinstance(value, list) else value


def furnish(cluster: Cluster, ns: str) -> None:
    """Make what the commands are about."""
    rows.deployment(cluster, ns)
    rows.config_map(cluster, ns)
    rows.service(cluster, ns)
    rows.quota(cluster, ns)
    rows.cron_job(cluster, ns)
    labels = {"app": "api"}
    for kind, name in (("statefulset", "db"), ("daemonset", "agent"), ("deployment", "api")):
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": name, "image": f"shop/{name}:1"}]}}
        spec: Any = {"selector": {"matchLabels": labels}, "template": template}
        spec |= {"statefulset": {"serviceName": "db", "replicas": 1}, "deployment": {"replicas": 1}}.get(kind, {})
        metadata = {"name": name, "labels": labels}
        cluster.admin.create(f"/apis/apps/v1/namespaces/{ns}/{kind}s", {"metadata": metadata, "spec": spec})
    core = f"/api/v1/namespaces/{ns}"
    lone = {"containers": [{"name": "lone", "image": "shop/lone:1"}]}
    cluster.admin.create(f"{core}/pods", {"metadata": {"name": "lone", "labels": {"app": "lone"}}, "spec": lone})
    cluster.admin.create(f"{core}/serviceaccounts", {"metadata": {"name": "robot"}})
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nobody"}
    scaler = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5}
    cluster.admin.create(
        f"/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers",
        {"metadata": {"name": "scaler"}, "spec": scaler},
    )
    cluster.admin.create(
        f"/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies",
        {"metadata": {"name": "block"}, "spec": {"podSelector": {"matchLabels": {"app": "x"}}}},
    )
    cluster.admin.create(
        f"/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets",
        {"metadata": {"name": "web"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}},
    )
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    cluster.admin.create(
        f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings",
        {"metadata": {"name": "viewers"}, "roleRef": reference, "subjects": []},
    )


@pytest.fixture(scope="module")
def twins(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    mark = secrets.token_hex(3)
    namespaces = tuple(cluster.namespace(f"twin-{mark}-{each}") for each in "ab")
    nodes = tuple(rows.node(cluster, each).rpartition("/")[2] for each in namespaces)
    for each in namespaces:
        furnish(cluster, each)
    scope = admin_scope(cluster, tmp_path_factory.mktemp("twins"))
    made = Twins(
        cluster,
        (namespaces[0], namespaces[1]),
        (nodes[0], nodes[1]),
        KubernetesTarget(scope, RealClock(), OUTPUT_BYTES),
    )
    yield made
    for each in namespaces:
        cluster.empty(each)
    for each in nodes:
        cluster.admin.delete(f"/api/v1/nodes/{each}")


def lines(text: str) -> list[str]:
    return text.strip().replace("JSON_PATCH", JSON_PATCH).splitlines()


def test_there_are_a_hundred_lines() -> None:
    assert len(lines(CHANGES)) + len(lines(NODES)) >= 100


def test_only_one_line_is_sent_by_another_verb() -> None:
    """kubectl reads and puts the scale where --current-replicas is given; we patch it with a precondition."""
    assert len([each for each in lines(CHANGES) if "--current-replicas" in each]) == 1


@pytest.mark.parametrize("command", [*lines(CHANGES), *lines(NODES)])
async def test_what_reaches_the_server_and_what_comes_of_it_is_what_kubectl_does(command: str, twins: Twins) -> None:
    start = twins.cluster.mark()
    before = twins.seen or [twins.objects(0), twins.objects(1)]
    twins.kubectl(command.replace("NODE", twins.nodes[0]).replace("TWIN", twins.namespaces[0]))
    await twins.ours(command.replace("NODE", twins.nodes[1]).replace("TWIN", twins.namespaces[1]))
    eventually(lambda: twins.sent(start, 1), what="the audit log is written")
    theirs, ours = twins.sent(start, 0), twins.sent(start, 1)
    if "--current-replicas" in command:
        theirs = [("patch", *each[1:]) for each in theirs]
    assert sorted(ours) == sorted(theirs)
    after = [twins.objects(0), twins.objects(1)]
    twins.seen[:] = after
    assert changed(before[1], after[1]) == changed(before[0], after[0])
