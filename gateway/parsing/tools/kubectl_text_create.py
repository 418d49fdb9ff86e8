"""Objects that kubectl's text form makes: `create …`, `expose`, `autoscale`; they stand in the step's params."""

import re
from collections.abc import Sequence

from gateway.core.canonical import Json
from gateway.parsing.tables_kubectl import KubectlTable
from gateway.parsing.tools import kubectl_params as p
from gateway.parsing.tools.kubectl_flags import Call
from gateway.parsing.tools.kubectl_names import check_name, check_selector, find_kind, read_resources
from gateway.parsing.tools.kubectl_request import Request
from gateway.parsing.tools.kubectl_text_change import dry_run
from gateway.parsing.tools.refuse import refuse

_LITERAL = re.compile(r"(?P<key>[A-Za-z0-9._-]{1,253})=(?P<value>.*)", re.DOTALL)
_SCHEDULE = re.compile(r"[0-9*/,A-Za-z-]{1,32}(?: [0-9*/,A-Za-z-]{1,32}){4}|@[a-z]{4,9}")
_PORTS = re.compile(r"(?P<port>[1-9][0-9]{0,4})(?::(?P<target>[a-z0-9][a-z0-9-]{0,62}))?")
_ACCOUNT = re.compile(r"(?P<namespace>[a-z0-9-]{1,63}):(?P<name>[a-z0-9.-]{1,253})")
_PERCENT = re.compile(r"(?P<value>[1-9][0-9]{0,3})%?")
_RBAC = "rbac.authorization.k8s.io"
_DEFAULT_MIN = 1


def namespace(call: Call, table: KubectlTable) -> Request:
    """Read `create namespace`."""
    return _made(call, table, "namespaces", _only_name(call), {})


def service_account(call: Call, table: KubectlTable) -> Request:
    """Read `create serviceaccount`."""
    return _made(call, table, "serviceaccounts", _only_name(call), {})


def config_map(call: Call, table: KubectlTable) -> Request:
    """Read `create configmap --from-literal=KEY=VALUE`."""
    data: dict[str, Json] = {}
    for text in call.many("from-literal"):
        match = _LITERAL.fullmatch(text)
        if match is None or match["key"] in data:
            raise call.wrong("from-literal", "KEY=VALUE with every key once", "mode=fast")
        data[match["key"]] = match["value"]
    return _made(call, table, "configmaps", _only_name(call), {"data": data} if data else {})


def deployment(call: Call, table: KubectlTable) -> Request:
    """Read `create deployment`."""
    name = _only_name(call)
    labels = {"app": name}
    containers = [_container(call, image) for image in _images(call)]
    port = call.integer("port")
    if port is not None and port > 0:
        containers[0]["ports"] = [{"containerPort": port}]
    replicas = call.integer("replicas")
    spec = {
        "replicas": 1 if replicas is None else replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
    }
    return _made(call, table, "deployments", name, {"spec": spec}, labels=labels)


def job(call: Call, table: KubectlTable) -> Request:
    """Read `create job --image=…`; what `--from` would copy is not known before it is read."""
    if "from" in call.flags:
        raise refuse("K8S_JOB_FROM", call.flags["from"].word.span)
    name = _only_name(call)
    return _made(call, table, "jobs", name, {"spec": _job_spec(call, name, "Never")})


def cron_job(call: Call, table: KubectlTable) -> Request:
    """Read `create cronjob`."""
    name = _only_name(call)
    schedule = call.text("schedule") or ""
    if _SCHEDULE.fullmatch(schedule) is None:
        raise refuse("K8S_FLAG_MISSING", command=call.command, flag="--schedule", example="--schedule='*/5 * * * *'")
    restart = call.text("restart") or "OnFailure"
    if restart not in {"OnFailure", "Never"}:
        raise call.wrong("restart", "OnFailure or Never", "OnFailure")
    template = {"metadata": {"name": name}, "spec": _job_spec(call, name, restart)}
    return _made(call, table, "cronjobs", name, {"spec": {"schedule": schedule, "jobTemplate": template}})


def role(call: Call, table: KubectlTable) -> Request:
    """Read `create role` and `create clusterrole`."""
    verbs, resources = _split(call.many("verb")), _split(call.many("resource"))
    if not verbs or not resources:
        raise refuse(
            "K8S_FLAG_MISSING", command=call.command, flag="--verb and --resource", example="--verb=get --resource=pods"
        )
    groups: dict[str, list[str]] = {}
    for text in resources:
        plain, _, subresource = text.partition("/")
        kind = find_kind(table, plain)
        groups.setdefault(kind.group, []).append(kind.plural + (f"/{subresource}" if subresource else ""))
    named = _split(call.many("resource-name"))
    only: dict[str, Json] = {"resourceNames": named} if named else {}
    rules = [{"verbs": verbs, "apiGroups": [group], "resources": groups[group]} | only for group in sorted(groups)]
    return _made(call, table, call.command.partition(" ")[2] + "s", _only_name(call), {"rules": rules})


def role_binding(call: Call, table: KubectlTable) -> Request:
    """Read `create rolebinding` and `create clusterrolebinding`."""
    wide, narrow = call.text("clusterrole"), call.text("role")
    if (wide is None) == (narrow is None):
        raise refuse(
            "K8S_FLAG_MISSING", command=call.command, flag="--clusterrole or --role", example="--clusterrole=view"
        )
    name = check_name(wide or narrow or "")
    reference = {"apiGroup": _RBAC, "kind": "ClusterRole" if wide else "Role", "name": name}
    body: dict[str, Json] = {"roleRef": reference, "subjects": _subjects(call)}
    return _made(call, table, call.command.partition(" ")[2] + "s", _only_name(call), body)


def quota(call: Call, table: KubectlTable) -> Request:
    """Read `create quota`."""
    hard = dict(part.split("=", 1) for part in _split((call.text("hard") or "",)) if "=" in part)
    checked = p.quantities("hard", hard)
    return _made(call, table, "resourcequotas", _only_name(call), {"spec": {"hard": checked}})


def disruption_budget(call: Call, table: KubectlTable) -> Request:
    """Read `create poddisruptionbudget`."""
    selector = check_selector(call.text("selector") or "")
    pairs = [part.split("=", 1) for part in selector.split(",")]
    if any(len(pair) != 2 or "!" in pair[0] or " " in pair[0] for pair in pairs):
        raise refuse("K8S_SELECTOR")
    spec: dict[str, Json] = {"selector": {"matchLabels": dict(pairs)}}
    for flag, member in (("min-available", "minAvailable"), ("max-unavailable", "maxUnavailable")):
        text = call.text(flag)
        if text is not None:
            spec[member] = int(text) if text.isascii() and text.isdecimal() and text == str(int(text)) else text
    return _made(call, table, "poddisruptionbudgets", _only_name(call), {"spec": spec})


def priority_class(call: Call, table: KubectlTable) -> Request:
    """Read `create priorityclass`."""
    body: dict[str, Json] = {"value": call.integer("value") or 0}
    if call.switch("global-default"):
        body["globalDefault"] = True
    if (description := call.text("description")) is not None:
        body["description"] = description
    return _made(call, table, "priorityclasses", _only_name(call), body)


def service(call: Call, table: KubectlTable) -> Request:
    """Read `create service clusterip|nodeport|loadbalancer`."""
    name = _only_name(call)
    types = {"clusterip": "ClusterIP", "nodeport": "NodePort", "loadbalancer": "LoadBalancer"}
    ports = []
    for text in _split(call.many("tcp")):
        match = _PORTS.fullmatch(text)
        if match is None:
            raise call.wrong("tcp", "PORT or PORT:TARGET", "80:8080")
        port = int(match["port"])
        ports.append(
            {
                "name": text.replace(":", "-"),
                "port": port,
                "protocol": "TCP",
                "targetPort": _port(match["target"], port),
            }
        )
    spec = {"type": types[call.command.rpartition(" ")[2]], "selector": {"app": name}, "ports": ports}
    return _made(call, table, "services", name, {"spec": spec}, labels={"app": name})


def expose(call: Call, table: KubectlTable) -> Request:
    """Read `expose`; the selector comes from the exposed object, which the executor reads."""
    found = read_resources(call.arguments, table, "expose")
    params: dict[str, Json] = dry_run(call)
    port = call.integer("port")
    if port is None:
        raise refuse("K8S_FLAG_MISSING", command="expose", flag="--port", example="--port=80")
    params["port"] = port
    for flag in ("target-port", "protocol", "name", "type"):
        if (text := call.text(flag)) is not None:
            params[flag.replace("-", "_")] = text
    return Request("expose", found.kinds, found.names, call.text("namespace"), params=params, command="expose")


def autoscale(call: Call, table: KubectlTable) -> Request:
    """Read `autoscale`: it makes a HorizontalPodAutoscaler for one workload."""
    found = read_resources(call.arguments, table, "autoscale")
    highest = call.integer("max")
    if highest is None or len(found.names) != 1:
        raise refuse("K8S_FLAG_MISSING", command="autoscale", flag="TYPE NAME --max", example="deployment web --max=5")
    lowest = call.integer("min")
    lowest = None if lowest == -1 else lowest
    if not 1 <= (_DEFAULT_MIN if lowest is None else lowest) <= highest:
        raise call.wrong("max", "at least 1 and at least --min", "5")
    (kind,) = found.kinds
    metrics = [_metric(call, name) for name in ("cpu", "memory") if name in call.flags]
    spec: dict[str, Json] = {
        "scaleTargetRef": {
            "apiVersion": f"{kind.group}/{kind.version}".strip("/"), "kind": kind.kind, "name": found.names[0],
        },
        "maxReplicas": highest,
    }  # fmt: skip
    if lowest is not None:
        spec["minReplicas"] = lowest
    if metrics:
        spec["metrics"] = metrics
    name = check_name(call.text("name") or found.names[0])
    return _made(call, table, "horizontalpodautoscalers", name, {"spec": spec})


def _metric(call: Call, name: str) -> dict[str, Json]:
    text = call.text(name) or ""
    if text.endswith("%") and (match := _PERCENT.fullmatch(text)):
        target = {"type": "Utilization", "averageUtilization": int(match["value"])}
    elif p.QUANTITY.fullmatch(text):
        target = {"type": "AverageValue", "averageValue": text}
    else:
        raise call.wrong(name, "a percentage such as 80% or a quantity such as 500m", "80%")
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def _made(
    call: Call, table: KubectlTable, kind: str, name: str, body: dict[str, Json], labels: dict[str, str] | None = None
) -> Request:
    metadata: dict[str, Json] = {"name": name} | ({"labels": labels} if labels else {})
    params = {"object": {"metadata": metadata} | body} | dry_run(call)
    found = find_kind(table, kind)
    return Request("create", (found,), (name,), call.text("namespace"), params=params, command=call.command)


def _only_name(call: Call) -> str:
    if len(call.arguments) != 1:
        raise refuse("K8S_TARGET_MISSING", command=call.command)
    return check_name(call.arguments[0].text, call.arguments[0])


def _images(call: Call) -> Sequence[str]:
    images = _split(call.many("image")) or _split((call.text("image") or "",))
    if not images or any(p.IMAGE.fullmatch(image) is None for image in images):
        raise refuse(
            "K8S_FLAG_MISSING", command=call.command, flag="--image", example="--image=registry.example/web:1.2"
        )
    return images


def _container(call: Call, image: str) -> dict[str, Json]:
    name = re.sub(r"[^a-z0-9-]", "-", re.split(r"[@:]", image.rsplit("/", 1)[-1], maxsplit=1)[0].lower()).strip("-")
    return {"name": check_name(name or call.command.rpartition(" ")[2]), "image": image}


def _job_spec(call: Call, name: str, restart: str) -> Json:
    (image,) = _images(call)[:1]
    pod = {"containers": [{"name": name, "image": image}], "restartPolicy": restart}
    return {"template": {"spec": pod}}


def _subjects(call: Call) -> list[Json]:
    found: list[Json] = [{"apiGroup": _RBAC, "kind": "User", "name": name} for name in call.many("user")]
    found += [{"apiGroup": _RBAC, "kind": "Group", "name": name} for name in call.many("group")]
    for text in call.many("serviceaccount"):
        match = _ACCOUNT.fullmatch(text)
        if match is None:
            raise call.wrong("serviceaccount", "NAMESPACE:NAME", "default:reader")
        found.append({"kind": "ServiceAccount", "namespace": match["namespace"], "name": match["name"]})
    return found


def _port(text: str | None, otherwise: int) -> Json:
    if text is None:
        return otherwise
    return int(text) if text.isdecimal() else text


def _split(values: Sequence[str]) -> list[str]:
    return [part for value in values for part in value.split(",") if part]
