"""Every Kubernetes row of the catalogue of remediation actions: it round-trips, or its undo class caps its tier."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.demo.controlplane.client import ApiError
from gateway.executor.targets.kubernetes.difference import difference
from tests.executor.kubernetes import rows
from tests.executor.kubernetes.lab import KubeLab, admin_scope, kube_lab
from tests.executor.kubernetes.rows import merged
from tests.fixtures_catalog import CORPORA
from tests.fixtures_k8s import Cluster, eventually

pytestmark = pytest.mark.anyio
ACTIONS = {row["id"]: row for row in map(json.loads, (CORPORA / "actions_kubernetes.jsonl").read_text().splitlines())}
BACK, NEUTRAL, PERSON = "round trip", "neutral: nothing to take back", "none: a person approves"
CORE = "/api/v1/namespaces/{ns}/"


@dataclass(frozen=True)
class Case:
    """How a row of the catalogue is tried; `{ns}` and `{name}` stand in the command."""

    ends: str
    make: rows.Set
    command: str = ""
    typed: tuple[str, Any] = ("", None)
    """Operation and params, where kubectl's text would need a file."""
    undo: str = "exact"
    global_: bool = False


def pod(cluster: Cluster, ns: str) -> str:
    rows.deployment(cluster, ns)
    (first, *_) = cluster.admin.get(f"/api/v1/namespaces/{ns}/pods")["items"]
    return f"/api/v1/namespaces/{ns}/pods/{first['metadata']['name']}"


def cordoned(cluster: Cluster, ns: str) -> str:
    path = rows.node(cluster, ns)
    cluster.admin.patch(path, {"spec": {"unschedulable": True}})
    return path


def at(path: str, body: Any) -> rows.Set:
    """Make an object by its path and what it says besides its name."""

    def make(cluster: Cluster, ns: str) -> str:
        whole = path.format(ns=ns)
        collection, _, name = whole.rpartition("/")
        cluster.admin.create(collection, body | {"metadata": {"name": name}})
        return whole

    return make


def nothing(path: str) -> rows.Set:
    return lambda cluster, ns: path.format(ns=ns)  # noqa: ARG005  # the signature of Set


def own_namespace(cluster: Cluster, ns: str) -> str:
    rows.config_map(cluster, ns)
    return f"/api/v1/namespaces/{ns}"


CRD = {
    "spec": {
        "group": "countermand.test", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [{"name": "v1", "served": True, "storage": True,
                      "schema": {"openAPIV3Schema": {"type": "object"}}}],
    }
}  # fmt: skip


def crd(cluster: Cluster, ns: str) -> str:
    del ns
    collection, name = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "widgets.countermand.test"
    if not cluster.admin.answers(f"{collection}/{name}"):
        cluster.admin.create(collection, CRD | {"metadata": {"name": name}})
    return f"{collection}/{name}"


def webhook(cluster: Cluster, ns: str) -> str:
    collection = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    hook = {
        "name": "a.countermand.test", "admissionReviewVersions": ["v1"], "sideEffects": "None",
        "failurePolicy": "Ignore", "clientConfig": {"url": "https://127.0.0.1:1/"},
        "namespaceSelector": {"matchLabels": {"nobody": "here"}}, "rules": [],
    }  # fmt: skip
    cluster.admin.create(collection, {"metadata": {"name": f"w-{ns}"}, "webhooks": [hook]})
    return f"{collection}/w-{ns}"


def claim(cluster: Cluster, ns: str) -> str:
    """Make a claim that is bound and may grow."""
    provisioner = {"provisioner": "countermand.test/none", "allowVolumeExpansion": True}
    classes, volumes = "/apis/storage.k8s.io/v1/storageclasses", "/api/v1/persistentvolumes"
    if not cluster.admin.answers(f"{classes}/grows"):
        cluster.admin.create(classes, {"metadata": {"name": "grows"}} | provisioner)
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": "grows"}
    reference = {"namespace": ns, "name": "data"}
    volume = {"capacity": {"storage": "1Gi"}, "hostPath": {"path": "/nowhere"}, "claimRef": reference} | common
    cluster.admin.create(volumes, {"metadata": {"name": f"v-{ns}"}, "spec": volume})
    spec = {"resources": {"requests": {"storage": "1Gi"}}, "volumeName": f"v-{ns}"} | common
    path = at(CORE + "persistentvolumeclaims/data", {"spec": spec})(cluster, ns)
    eventually(lambda: cluster.admin.get(path).get("status", {}).get("phase") == "Bound", what="the claim is bound")
    return path


def manifest(name: str, **more: Any) -> Any:
    return {"object": {"metadata": {"name": name}} | more}


POD_OF_JOB = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "shop/job:1"}]}
JOB = at("/apis/batch/v1/namespaces/{ns}/jobs/stuck", {"spec": {"template": {"spec": POD_OF_JOB}}})
POLICY = at("/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies/block", {"spec": {"podSelector": {}}})
MORE_STORAGE = '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}'
SERVICE = {"spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
SETTINGS = manifest("settings", data={"extra": "1"})
FINALIZED = at(CORE + "configmaps/kept", {"data": {"a": "b"}})
CASES = {
    "k8s-rollout-restart": Case(NEUTRAL, rows.deployment, "rollout restart deployment/web", undo="neutral"),
    "k8s-scale": Case(BACK, rows.deployment, "scale deployment/web --replicas=0"),
    "k8s-rollout-undo": Case(BACK, rows.two_revisions, "rollout undo deployment/web --to-revision=1",
                             undo="compensating"),
    "k8s-set-image": Case(BACK, rows.deployment, "set image deployment/web web=shop/web:2"),
    "k8s-set-env": Case(BACK, rows.deployment, "set env deployment/web K=V"),
    "k8s-set-resources": Case(BACK, rows.deployment, "set resources deployment/web -c web --limits=memory=512Mi"),
    "k8s-patch": Case(BACK, rows.deployment, merged("deployment web", '{"spec":{"minReadySeconds":9}}')),
    "k8s-apply": Case(BACK, nothing(CORE + "configmaps/fresh"),
                      typed=("configmaps.apply", manifest("fresh", data={"a": "b"})), undo="compensating"),
    "k8s-ssa": Case(BACK, rows.config_map, typed=("configmaps.apply", SETTINGS)),
    "k8s-delete-pod": Case(NEUTRAL, pod, "delete pod {name}", undo="neutral"),
    "k8s-evict": Case(NEUTRAL, pod, typed=("pods.evict", {}), undo="neutral"),
    "k8s-cordon": Case(BACK, rows.node, "cordon {name}", global_=True),
    "k8s-uncordon": Case(BACK, cordoned, "uncordon {name}", global_=True),
    "k8s-drain": Case(PERSON, rows.node, "drain {name} --ignore-daemonsets --timeout=30s", undo="none", global_=True),
    "k8s-taint": Case(BACK, rows.node, "taint node {name} k=v:NoSchedule", global_=True),
    "k8s-label": Case(BACK, pod, "label pod {name} quarantine=true --overwrite", undo="compensating"),
    "k8s-svc-selector": Case(BACK, rows.service, """patch service web -p '{{"spec":{{"selector":{{"app":"v2"}}}}}}'"""),
    "k8s-svc-restore": Case(BACK, nothing(CORE + "services/gone"), undo="compensating",
                            typed=("services.create", manifest("gone", **SERVICE))),
    "k8s-cm-edit": Case(BACK, rows.config_map, merged("configmap settings", '{"data":{"mode":"slow"}}')),
    "k8s-secret-rotate": Case(BACK, rows.secret, merged("secret s", '{"data":{"key":"bmV3"}}')),
    "k8s-hpa": Case(BACK, rows.autoscaler, merged("hpa web", '{"spec":{"maxReplicas":8}}')),
    "k8s-hpa-pause": Case(BACK, rows.autoscaler, merged("hpa web", '{"spec":{"minReplicas":5}}')),
    "k8s-job-suspend": Case(BACK, rows.cron_job, merged("cronjob nightly", '{"spec":{"suspend":true}}')),
    "k8s-job-delete": Case(PERSON, JOB, "delete job stuck", undo="none"),
    "k8s-netpol-delete": Case(BACK, POLICY, "delete networkpolicy block", undo="compensating"),
    "k8s-quota": Case(BACK, rows.quota, merged("resourcequota q", '{"spec":{"hard":{"pods":"60"}}}')),
    "k8s-pvc-expand": Case(PERSON, claim, merged("pvc data", MORE_STORAGE), undo="none"),
    "k8s-pvc-delete": Case(PERSON, claim, "delete pvc data", undo="none"),
    "k8s-ns-delete": Case(PERSON, own_namespace, "delete namespace {name}", undo="none", global_=True),
    "k8s-crd-delete": Case(PERSON, crd, "delete customresourcedefinition {name}", undo="none", global_=True),
    "k8s-finalizer": Case(PERSON, FINALIZED, merged("configmap kept", '{"metadata":{"finalizers":["a.test/b"]}}'),
                          undo="none"),
    "k8s-webhook": Case(BACK, webhook, "delete mutatingwebhookconfiguration {name}", undo="compensating", global_=True),
    "k8s-rbac": Case(BACK, nothing("/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings/b"),
                     "create rolebinding b --clusterrole=view --user=ann", undo="compensating"),
}  # fmt: skip


def test_every_row_of_the_catalogue_has_its_case() -> None:
    assert set(CASES) == set(ACTIONS)


async def begun(lab: KubeLab, case: Case, ns: str, path: str) -> Any:
    name = path.rpartition("/")[2]
    operation, params = case.typed
    if operation:
        return await lab.typed(operation, [name], params, ns)
    return await lab.kubectl(f"kubectl {'' if case.global_ else f'-n {ns} '}{case.command.format(name=name)}")


def found(cluster: Cluster, path: str) -> Any:
    try:
        return cluster.admin.get(path)
    except ApiError as gone:
        if gone.status != 404:
            raise
        return {}


ENDS: dict[str, Callable[[str], bool]] = {
    BACK: lambda state: state == "VERIFYING",
    NEUTRAL: lambda state: state == "VERIFYING",
    PERSON: lambda state: state == "AWAITING_APPROVAL",
}


@pytest.mark.parametrize("action", CASES)
async def test_an_action_of_the_catalogue_round_trips_or_is_capped(
    cluster: Cluster, namespace: str, tmp_path: Path, action: str
) -> None:
    case = CASES[action]
    with rows.kept(case.make, cluster, namespace) as path:
        before = found(cluster, path)
        async with kube_lab(admin_scope(cluster, tmp_path), namespace) as lab:
            view = await begun(lab, case, namespace, path)
            assert lab.decided_on()["undo"]["class"] == case.undo
            assert ENDS[case.ends](view.state), (view.state, view.reason)
            if case.ends == PERSON:
                codes = {each.code for each in view.decision.findings}
                assert "UNDO_NONE" in codes
            else:
                after = found(cluster, path)
                going = after.get("metadata", {}).get("deletionTimestamp")
                assert going or difference(before, after).before, "the change changed nothing"
                view = await lab.harmed(view.id)
                assert view.state == ("UNDONE" if case.ends == BACK else "NEEDS_HUMAN"), (view.state, view.reason)
        if case.ends != NEUTRAL:
            eventually(lambda: not difference(before, found(cluster, path)).before, what="the object is as it was")
