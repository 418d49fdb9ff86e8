"""Questions to the cluster itself: its version, kinds and health, and what the gateway's identities may do."""

from collections.abc import Mapping
from typing import Any

from gateway.core.canonical import Json
from gateway.core.discovery import ServedKind
from gateway.core.step import Step
from gateway.executor.output import Output
from gateway.executor.targets.kubernetes.answers import ReadError, get, refused
from gateway.executor.targets.kubernetes.bodies import PLAIN, Body
from gateway.executor.targets.kubernetes.calls import Answer
from gateway.executor.targets.kubernetes.credentials import IdentityClass
from gateway.executor.targets.kubernetes.operation import Reading
from gateway.executor.targets.kubernetes.printing import text_of

_LOOKS = frozenset({"get", "list", "watch"})
_AUTHORIZATION = "/apis/authorization.k8s.io/v1"
_CREATED = 201
_SERVICES = "/api/v1/namespaces/kube-system/services"


async def version(reading: Reading, step: Step, output: Output) -> None:
    """Write the server's version; the client is this gateway."""
    del step
    found = await get(reading.cluster, "/version")
    await output.add(f"Server Version: {found['gitVersion']}\n".encode())


async def info(reading: Reading, step: Step, output: Output) -> None:
    """Write where the API server and the cluster's services are."""
    del step
    services = await get(reading.cluster, _SERVICES, {"labelSelector": "kubernetes.io/cluster-service=true"})
    lines = [f"Kubernetes control plane is running at {reading.cluster.scope.server}"]
    for service in services.get("items") or ():
        name = service["metadata"]["name"]
        where = f"{reading.cluster.scope.server}{_SERVICES}/{name}/proxy"
        lines.append(f"{service['metadata'].get('labels', {}).get('kubernetes.io/name', name)} is running at {where}")
    await output.add(("\n".join(lines) + "\n").encode())


async def health(reading: Reading, step: Step, output: Output) -> None:
    """Write what a health address answers, good or bad."""
    path, _, query = str(step.params["path"]).partition("?")
    reply = await reading.cluster.fetch(path, query={query: ""} if query else None, accept="*/*")
    await output.add(reply.data)
    if reply.status != 200:
        raise refused(Answer(reply.status, {"message": f"{path} answers {reply.status}"}))


async def api_resources(reading: Reading, step: Step, output: Output) -> None:
    """Write the kinds that the cluster serves."""
    found = [kind for kind in await reading.kinds.all(fresh=True) if _wanted(kind, step.params)]
    rows = [
        [kind.plural, ",".join(kind.short), kind.api_version, str(kind.namespaced).lower(), kind.kind]
        for kind in sorted(found, key=lambda kind: (kind.group, kind.plural))
    ]
    await output.add(text_of([["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"], *rows]).encode())


async def api_versions(reading: Reading, step: Step, output: Output) -> None:
    """Write all group versions."""
    del step
    core, groups = await get(reading.cluster, "/api"), await get(reading.cluster, "/apis")
    versions = [each["groupVersion"] for group in groups["groups"] for each in group["versions"]]
    await output.add("".join(f"{each}\n" for each in sorted([*core["versions"], *versions])).encode())


async def can_i(reading: Reading, step: Step, output: Output) -> None:
    """Write what one of the gateway's identities may do, and which one that is."""
    params = step.params
    if params.get("list"):
        await _rules(reading, step, output)
        return
    verb, (resource, _, below) = str(params["verb"]), str(params["resource"]).partition("/")
    who: IdentityClass = "write" if verb not in _LOOKS and reading.cluster.scope.identities.write else "read"
    kind = await _kind_of(reading, resource)
    attributes = {
        "verb": verb,
        "group": kind.group if kind else ("*" if resource == "*" else ""),
        "resource": kind.plural if kind else resource,
        "subresource": str(params.get("subresource", below)),
        "name": str(params.get("name", "")),
        "namespace": "" if params.get("all_namespaces") or (kind and not kind.namespaced) else _namespace(step),
    }
    asked = {"resourceAttributes": {key: value for key, value in attributes.items() if value}}
    status = (await _review(reading, "selfsubjectaccessreviews", "SelfSubjectAccessReview", asked, who))["status"]
    reason = f" - {status['reason']}" if status.get("reason") and not status["allowed"] else ""
    await output.add(f"{'yes' if status['allowed'] else 'no'}{reason}\n{_asked_as(reading, who)}\n".encode())


async def whoami(reading: Reading, step: Step, output: Output) -> None:
    """Write whom reads are made as."""
    del step
    body = Body(PLAIN, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    answer = await reading.cluster.call("POST", path, body=body, identity="read")
    if answer.status != _CREATED:
        raise refused(answer)
    user = answer.body["status"]["userInfo"]
    rows = [["ATTRIBUTE", "VALUE"], ["Username", user["username"]]]
    rows += [["UID", user["uid"]]] if user.get("uid") else []
    rows += [["Groups", f"[{' '.join(user['groups'])}]"]] if user.get("groups") else []
    await output.add(text_of(rows).encode())


async def _rules(reading: Reading, step: Step, output: Output) -> None:
    """Write all that the reading identity may do in a namespace."""
    asked = {"namespace": _namespace(step)}
    found = await _review(reading, "selfsubjectrulesreviews", "SelfSubjectRulesReview", asked, "read")
    rows = [["Resources", "Non-Resource URLs", "Resource Names", "Verbs"]]
    for rule in found["status"].get("resourceRules") or ():
        names = " ".join(rule.get("resourceNames") or ())
        for group in rule.get("apiGroups") or [""]:
            rows += [
                [f"{resource}.{group}" if group else resource, "[]", f"[{names}]", f"[{' '.join(rule['verbs'])}]"]
                for resource in rule.get("resources") or ()
            ]
    for rule in found["status"].get("nonResourceRules") or ():
        rows += [["", f"[{url}]", "[]", f"[{' '.join(rule['verbs'])}]"] for url in rule.get("nonResourceURLs") or ()]
    await output.add((text_of(rows) + f"{_asked_as(reading, 'read')}\n").encode())


async def _review(
    reading: Reading, resource: str, kind: str, spec: Mapping[str, Json], who: IdentityClass
) -> Mapping[str, Any]:
    body = Body(PLAIN, {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": dict(spec)})
    answer = await reading.cluster.call("POST", f"{_AUTHORIZATION}/{resource}", body=body, identity=who)
    if answer.status != _CREATED:
        raise refused(answer)
    found: Mapping[str, Any] = answer.body
    return found


async def _kind_of(reading: Reading, word: str) -> ServedKind | None:
    """Return the kind of `pods`, `deploy` or `deployments.apps`; None for `*`."""
    if word == "*":
        return None
    for kind in await reading.kinds.all():
        if word.lower() in {kind.resource, kind.plural, kind.singular, kind.kind.lower(), *kind.short}:
            return kind
    raise ReadError("K8S_KIND_NOT_SERVED", f"the cluster does not serve {word}; see api-resources")


def _wanted(kind: ServedKind, params: Mapping[str, Json]) -> bool:
    return (
        params.get("api_group", kind.group) == kind.group
        and params.get("namespaced", kind.namespaced) == kind.namespaced
        and set(params.get("verbs", ())) <= set(kind.verbs)
    )


def _namespace(step: Step) -> str:
    return step.target.namespace or "default"


def _asked_as(reading: Reading, who: IdentityClass) -> str:
    """Return whom an answer is about: never the agent, who has no rights in a cluster."""
    identity = getattr(reading.cluster.scope.identities, who)
    name = identity.service_account or identity.impersonate or "the bootstrap credential"
    return f"asked for the gateway's identity that {who}s: {name}"
