"""The real kubectl is the judge: for what we accept, it sends the request that our step says."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.demo.controlplane.find import cache
from gateway.parsing.result import ParsedStep
from tests.fixtures_catalog import catalog, step
from tests.oracles.fake_kube_api import FakeKubeApi

SILENT = {"dryRun", "status", "creationTimestamp", "strategy", "resourceVersion", "loadBalancer", "preemptionPolicy"}
READS = """
kubectl get pods -n prod
kubectl get po -A
kubectl get pods web-0 web-1 -n prod
kubectl get deploy/web -n prod -o json
kubectl get deployments.v1.apps web -o yaml
kubectl get pods,svc -n prod
kubectl get pods -l 'app in (web),tier!=db' -n prod -o name
kubectl get pods --field-selector=status.phase=Running -n prod
kubectl get nodes -n ignored
kubectl get secrets.v1. -n prod
kubectl get hpa
kubectl -nprod get -oname cm
"""
CHANGES = """
kubectl -n prod scale deploy/web --replicas=3
kubectl scale sts web --replicas 0 --dry-run=server
kubectl label pod web-0 quarantine=true -n prod
kubectl label pod web-0 old-
kubectl annotate deployment web note=x
kubectl cordon worker-1
kubectl patch deploy web -p '{"spec":{"replicas":4}}'
kubectl patch deploy web --type=merge -p '{"spec":{"paused":true}}'
kubectl patch deploy web --type json -p '[{"op":"replace","path":"/spec/replicas","value":4}]' -n prod
kubectl patch deploy web --subresource=status --type=merge -p '{"status":{"replicas":4}}'
kubectl delete pod web-0 -n prod --wait=false
kubectl delete pod web-0 web-1 --wait=false
kubectl delete deploy web --cascade=orphan --wait=false
kubectl delete deploy web --cascade=foreground --wait=false --dry-run=server
kubectl delete pod web-0 --grace-period=5 --wait=false
kubectl delete pod web-0 --now --wait=false
kubectl delete ns prod --wait=false
kubectl rollout pause deployment/web
"""
CREATES = """
kubectl create namespace sandbox
kubectl create serviceaccount eve -n prod
kubectl create configmap settings --from-literal=a=b
kubectl create role reader --verb=get,list --resource=pods,deployments.apps
kubectl create clusterrolebinding fix --clusterrole=view --serviceaccount=prod:default --user=eve
kubectl create quota q --hard=pods=10,cpu=2
kubectl create priorityclass high --value=1000
kubectl create deployment web --image=registry.example/web:1.2 --replicas=3 --port=8080
kubectl create job migrate --image=registry.example/web:1.2
kubectl create cronjob clean --image=registry.example/web:1.2 --schedule='*/5 * * * *'
kubectl create service clusterip web --tcp=80:8080
kubectl create poddisruptionbudget web --selector=app=web --min-available=1
kubectl create rolebinding x --clusterrole=view --group=dev -n prod
kubectl autoscale deploy web --min=2 --max=5 --cpu=80%
kubectl autoscale sts web --max=5 --name=scaler --memory=500Mi
"""


@pytest.fixture(scope="module")
def api() -> Iterator[FakeKubeApi]:
    with FakeKubeApi(catalog().kubectl) as running:
        yield running


@pytest.fixture(scope="module")
def kubectl() -> str:
    built = sorted(cache().glob("k*-1.35.*/kubectl"))  # alone, or built with the control plane
    found = os.environ.get("COUNTERMAND_KUBECTL") or (str(built[-1]) if built else shutil.which("kubectl"))
    if found is None:
        pytest.skip("kubectl is not there: set COUNTERMAND_KUBECTL, or make cluster")
    return found


@pytest.mark.parametrize("command", READS.strip().splitlines())
def test_kubectl_reads_what_the_step_says(command: str, api: FakeKubeApi, kubectl: str, tmp_path: Path) -> None:
    sent = [(row["path"], _selectors(row["query"])) for row in _run(command, api, kubectl, tmp_path)]
    assert set(sent) == {(path, _asked(step(command))) for path in _paths(step(command))}


@pytest.mark.parametrize("command", CHANGES.strip().splitlines())
def test_kubectl_changes_what_the_step_says(command: str, api: FakeKubeApi, kubectl: str, tmp_path: Path) -> None:
    parsed = step(command)
    sent = [row for row in _run(command, api, kubectl, tmp_path) if row["method"] != "GET"]
    assert [row["path"] for row in sent] == _paths(parsed)
    for row in sent:
        assert row["method"] == parsed.step.api["method"]
        assert (row["query"].get("dryRun") == "All" or _dry(row["body"])) == bool(parsed.step.params.get("dry_run"))
        assert _meaning(row["body"]) == _meaning(parsed.step.to_json()["api"]["body"])


@pytest.mark.parametrize("command", CREATES.strip().splitlines())
def test_kubectl_makes_the_object_that_the_step_holds(
    command: str, api: FakeKubeApi, kubectl: str, tmp_path: Path
) -> None:
    printed = _kubectl(f"{command} --dry-run=client -o json", api, kubectl, tmp_path)
    theirs = json.loads(printed.stdout)
    ours = step(command).step.to_json()["params"]["object"]
    theirs["metadata"].setdefault("namespace", ours["metadata"].get("namespace", ""))
    assert _meaning(theirs) == _meaning(ours)


def _run(command: str, api: FakeKubeApi, kubectl: str, home: Path) -> list[dict[str, Any]]:
    api.requests.clear()
    done = _kubectl(command, api, kubectl, home)
    assert api.requests, done.stderr
    return list(api.requests)


def _kubectl(command: str, api: FakeKubeApi, kubectl: str, home: Path) -> subprocess.CompletedProcess[str]:
    script = f"{kubectl} --server={api.url} " + command.removeprefix("kubectl ")
    environment = {"HOME": str(home), "KUBECONFIG": os.devnull, "PATH": "/usr/bin:/bin"}
    return subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)


def _paths(parsed: ParsedStep) -> list[str]:
    """Return the addresses that a step names, one for each kind and name."""
    target, table = parsed.step.target, catalog().kubectl
    words = parsed.step.params.get("resources") or [parsed.step.api["resource"] + _group(parsed)]
    paths = []
    for word in words:
        kind = table.kind(word)
        assert kind is not None
        base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        place = f"/namespaces/{target.namespace}" if kind.namespaced and target.namespace else ""
        below = f"/{parsed.step.api['subresource']}" if parsed.step.api["subresource"] else ""
        names = (
            [""] if not target.names or parsed.step.api["method"] == "POST" else [f"/{name}" for name in target.names]
        )
        paths += [f"{base}{place}/{kind.plural}{name}{below}" for name in names]
    return paths


def _group(parsed: ParsedStep) -> str:
    return f".{parsed.step.api['group']}" if parsed.step.api["group"] else ""


def _selectors(query: dict[str, str]) -> tuple[str, str]:
    return query.get("labelSelector", ""), query.get("fieldSelector", "")


def _asked(parsed: ParsedStep) -> tuple[str, str]:
    return parsed.step.target.selector or "", parsed.step.params.get("field_selector", "")


def _dry(body: Any) -> bool:
    return isinstance(body, dict) and body.get("dryRun") == ["All"]


def _meaning(body: Any) -> Any:
    """Return a body without what says nothing: empty members, defaults that kubectl spells out, compared options."""
    if isinstance(body, list):
        return [_meaning(each) for each in body]
    if not isinstance(body, dict):
        return body
    silent = SILENT | ({"kind", "apiVersion"} if body.get("kind") == "DeleteOptions" else set())
    found = {name: _meaning(value) for name, value in body.items() if name not in silent}
    return {name: value for name, value in found.items() if value not in ({}, [], "", None) or value is None}
