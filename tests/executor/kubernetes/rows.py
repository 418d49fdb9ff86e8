"""The battery's rows: a change, the object it is about, and what a person does to it meanwhile."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.fixtures_k8s import Cluster, eventually

DEPLOYMENTS = "/apis/apps/v1/namespaces/{ns}/deployments"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
Set = Callable[[Cluster, str], str]
"""Make what a row needs in a namespace and return the path of the object."""


@dataclass(frozen=True)
class Edit:
    """What a person changes beside the gateway; `path` is where it must be found afterwards."""

    body: Any
    path: str
    value: Any
    content_type: str = MERGE


@dataclass(frozen=True)
class Row:
    """One row."""

    name: str
    command: str
    """`{ns}`, and `{name}` for the name of the object."""
    make: Set
    same: Edit
    other: Edit
    undo: str = "exact"
    same_ends: str = "NEEDS_HUMAN"
    """UNDONE where a field has two values only: who edits ours has set it back himself."""


@contextmanager
def kept(make: Set, cluster: Cluster, ns: str) -> Iterator[str]:
    """Make what a test needs; what has no namespace is deleted afterwards."""
    path = make(cluster, ns)
    try:
        yield path
    finally:
        if "/namespaces/" not in path and cluster.admin.answers(path):
            cluster.admin.delete(path)


def deployment(cluster: Cluster, ns: str) -> str:
    labels = {"app": "web"}
    container = {"name": "web", "image": "shop/web:1.0", "env": [{"name": "A", "value": "1"}]}
    side = {"name": "side", "image": "shop/side:1.0"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container, side]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    at = DEPLOYMENTS.format(ns=ns)
    cluster.admin.create(at, {"metadata": {"name": "web", "labels": labels}, "spec": spec})
    path = f"{at}/web"
    eventually(lambda: cluster.admin.get(path).get("status", {}).get("readyReplicas") == 2, what="web is ready")
    return path


def two_revisions(cluster: Cluster, ns: str) -> str:
    path = deployment(cluster, ns)
    image = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "shop/web:1.1"}]}}}}
    cluster.admin.patch(path, image, STRATEGIC)
    eventually(
        lambda: cluster.admin.get(path)["metadata"]["annotations"].get("deployment.kubernetes.io/revision") == "2",
        what="a second revision",
    )
    return path


def node(cluster: Cluster, ns: str) -> str:
    name = f"n-{secrets.token_hex(3)}"
    taint = {"key": "countermand.test/own", "value": ns, "effect": "NoSchedule"}
    metadata = {"name": name, "labels": {"own": ns, "countermand.test/battery": "node"}}
    cluster.admin.create("/api/v1/nodes", {"metadata": metadata, "spec": {"taints": [taint]}})
    path = f"/api/v1/nodes/{name}"
    resources = {"cpu": "4", "memory": "8Gi", "pods": "20"}
    cluster.admin.patch(f"{path}/status", {"status": {"allocatable": resources, "capacity": resources}})
    eventually(lambda: _settled(cluster.admin.get(path), [taint]), what=f"{name} is ready")
    return path


def _settled(found: Any, taints: Any) -> bool:
    """Tell whether the controllers of nodes have done with a new one."""
    conditions = found.get("status", {}).get("conditions", ())
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    marked = "node.alpha.kubernetes.io/ttl" in found["metadata"].get("annotations", {})
    return ready and marked and found["spec"].get("taints") == taints


def config_map(cluster: Cluster, ns: str) -> str:
    at = f"/api/v1/namespaces/{ns}/configmaps"
    cluster.admin.create(at, {"metadata": {"name": "settings"}, "data": {"mode": "fast", "x": "y"}})
    return f"{at}/settings"


def service(cluster: Cluster, ns: str) -> str:
    at = f"/api/v1/namespaces/{ns}/services"
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    cluster.admin.create(at, {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports}})
    return f"{at}/web"


def quota(cluster: Cluster, ns: str) -> str:
    at = f"/api/v1/namespaces/{ns}/resourcequotas"
    cluster.admin.create(at, {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "50", "services": "5"}}})
    return f"{at}/q"


def cron_job(cluster: Cluster, ns: str) -> str:
    at = f"/apis/batch/v1/namespaces/{ns}/cronjobs"
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "shop/job:1"}]}
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}
    cluster.admin.create(at, {"metadata": {"name": "nightly"}, "spec": spec})
    return f"{at}/nightly"


def autoscaler(cluster: Cluster, ns: str) -> str:
    at = f"/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers"
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nobody"}
    cluster.admin.create(at, {"metadata": {"name": "web"}, "spec": {"scaleTargetRef": target, "maxReplicas": 5}})
    return f"{at}/web"


def secret(cluster: Cluster, ns: str) -> str:
    at = f"/api/v1/namespaces/{ns}/secrets"
    cluster.admin.create(at, {"metadata": {"name": "s"}, "data": {"key": "b2xk"}})
    return f"{at}/s"


def image(name: str, tag: str) -> Edit:
    body = {"spec": {"template": {"spec": {"containers": [{"name": name, "image": f"shop/{name}:{tag}"}]}}}}
    at = f"/spec/template/spec/containers[name={name}]/image"
    return Edit(body, at, f"shop/{name}:{tag}", STRATEGIC)


def env(name: str, value: str) -> Edit:
    body = {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": name, "value": value}]}]}}}}
    return Edit(body, f"/spec/template/spec/containers[name=web]/env[name={name}]/value", value, STRATEGIC)


def label(name: str, value: str) -> Edit:
    return Edit({"metadata": {"labels": {name: value}}}, f"/metadata/labels/{name}", value)


def annotation(name: str, value: str) -> Edit:
    return Edit({"metadata": {"annotations": {name: value}}}, f"/metadata/annotations/{name}", value)


def spec(name: str, value: Any) -> Edit:
    return Edit({"spec": {name: value}}, f"/spec/{name}", value)


TAINT = {"key": "k", "value": "w", "effect": "NoSchedule"}
NODE_SELECTOR = '{{"spec":{{"template":{{"spec":{{"nodeSelector":{{"a":"b"}}}}}}}}}}'
IMAGE = '[{{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"shop/web:4"}}]'
LIMITS = {"name": "web", "resources": {"limits": {"memory": "1Gi"}}}
IN_WEB = "/spec/template/spec/containers[name=web]"


def template(value: Any, path: str, found: Any) -> Edit:
    return Edit({"spec": {"template": {"spec": value}}}, path, found, STRATEGIC)


def selector(**labels: str) -> Edit:
    ((name, value),) = labels.items()
    return template({"nodeSelector": labels}, f"/spec/template/spec/nodeSelector/{name}", value)


def inside(part: str, **members: str) -> Edit:
    ((name, value),) = members.items()
    *above, last = part.split(".")
    body: Any = {last: members}
    for each in reversed(above):
        body = {each: body}
    return Edit(body, f"/{part.replace('.', '/')}/{name}", value)


def merged(resource: str, document: str) -> str:
    """Return a merge patch as a command; braces are doubled for `format`."""
    braces = document.replace("{", "{{").replace("}", "}}")
    return f"patch {resource} --type=merge -p '{braces}'"


THEIRS = label("theirs", "z")
TAINTED = Edit({"spec": {"taints": [TAINT]}}, "/spec/taints[key=k,effect=NoSchedule]/value", "w")
MORE_MEMORY = template({"containers": [LIMITS]}, f"{IN_WEB}/resources/limits/memory", "1Gi")
ROWS = (
    Row("scale", "scale deployment/web --replicas=5", deployment, spec("replicas", 9), spec("minReadySeconds", 3)),
    Row("set image", "set image deployment/web web=shop/web:2", deployment, image("web", "3"), image("side", "3")),
    Row("set env", "set env deployment/web B=2 A-", deployment, env("B", "9"), env("C", "3")),
    Row("set resources", "set resources deployment/web -c web --limits=memory=512Mi", deployment, MORE_MEMORY,
        image("web", "3")),
    Row("patch strategic", f"patch deployment web -p '{NODE_SELECTOR}'", deployment, selector(a="c"), selector(d="e")),
    Row("patch merge", merged("configmap settings", '{"data":{"mode":"slow","x":null}}'), config_map,
        inside("data", mode="theirs"), inside("data", new="1")),
    Row("patch JSON", f"patch deployment web --type=json -p '{IMAGE}'", deployment, image("web", "9"),
        image("side", "9")),
    Row("label", "label deployment web team=x app-", deployment, label("team", "y"), THEIRS),
    Row("annotate", "annotate deployment web note=x", deployment, annotation("note", "y"), annotation("theirs", "z")),
    Row("cordon", "cordon {name}", node, spec("unschedulable", None), THEIRS, same_ends="UNDONE"),
    Row("taint", "taint node {name} k=v:NoSchedule", node, TAINTED, THEIRS),
    Row("rollout pause", "rollout pause deployment/web", deployment, spec("paused", None), spec("replicas", 3),
        same_ends="UNDONE"),
    Row("rollout undo", "rollout undo deployment/web", two_revisions, image("web", "9"), image("side", "9"),
        "compensating"),
    Row("HPA bounds", merged("hpa web", '{"spec":{"maxReplicas":8}}'), autoscaler, spec("maxReplicas", 7),
        spec("minReplicas", 2)),
    Row("service selector", merged("service web", '{"spec":{"selector":{"app":"v2"}}}'), service,
        inside("spec.selector", app="v3"), THEIRS),
    Row("service type", merged("service web", '{"spec":{"type":"NodePort"}}'), service, spec("type", "LoadBalancer"),
        THEIRS),
    Row("quota", merged("resourcequota q", '{"spec":{"hard":{"pods":"60"}}}'), quota, inside("spec.hard", pods="70"),
        inside("spec.hard", services="9")),
    Row("suspend CronJob", merged("cronjob nightly", '{"spec":{"suspend":true}}'), cron_job,
        Edit({"spec": {"suspend": False}}, "/spec/suspend", value=False), spec("schedule", "0 0 2 2 *"),
        same_ends="UNDONE"),
    Row("secret value", merged("secret s", '{"data":{"key":"bmV3"}}'), secret, inside("data", key="bWluZQ=="),
        inside("data", b="Yg==")),
)  # fmt: skip
