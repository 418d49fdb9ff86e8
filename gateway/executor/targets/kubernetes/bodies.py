"""The request body of a change to one object: the step's own, or what kubectl computes from the object as it is.

What kubectl would refuse is declined here, before anything is sent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from gateway.core.canonical import Json, thaw
from gateway.core.step import Step

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
PLAIN = "application/json"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_ORDER = "$setElementOrder/"
_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent."""

    content_type: str
    body: Json


@dataclass(frozen=True, slots=True)
class Declined:
    """Why nothing is sent: a code and a sentence that ends in a remedy."""

    code: str
    detail: str


def verb_of(step: Step) -> str:
    """Return the verb of an operation such as `deployments.scale`."""
    return step.operation.rpartition(".")[2]


def body_of(step: Step, live: Mapping[str, Json], now_ms: int) -> Body | Declined:
    """Return the body of a step for one live object."""
    declined = next(_objections(step, live), None)
    if declined is not None:
        return declined
    if "body" in step.api:
        body, content_type = thaw(step.api["body"]), str(step.api["content_type"])
        as_it_is = verb_of(step) == "patch" or content_type != STRATEGIC
        return Body(content_type, body if as_it_is else in_live_order(body, live))
    build = _BUILT.get(verb_of(step))
    if build is None:
        return Declined("K8S_NOT_EXECUTED", f"{step.operation} is not run by this gateway; ask a person to do it")
    return build(step.params, live, now_ms)


def in_live_order(body: Json, live: Json) -> Json:
    """Return a strategic patch whose named elements stand as in the live object, new ones last.

    The API server puts the elements of a list into the order of the patch: a patch in order of names would swap
    containers and variables. It puts new elements first where the patch leaves others out; then the order is sent too.
    """
    if isinstance(body, dict):
        below = live if isinstance(live, Mapping) else {}
        members = {name: in_live_order(value, below.get(name)) for name, value in body.items()}
        orders = {f"{_ORDER}{name}": _whole_order(value, below.get(name)) for name, value in members.items()}
        return members | {name: order for name, order in orders.items() if order}
    if not _is_named(body):
        return body
    there = {each.get("name"): (i, each) for i, each in enumerate(live or ()) if isinstance(each, Mapping)}
    ordered = sorted(body, key=lambda each: there.get(each["name"], (len(there), None))[0])
    return [in_live_order(each, there.get(each["name"], (0, None))[1]) for each in ordered]


def _whole_order(patch: Json, live: Json) -> list[dict[str, str]]:
    """Return the elements of a list once it is patched, in order; empty where the patch alone tells that."""
    if not _is_named(patch):
        return []
    gone = {each["name"] for each in patch if each.get("$patch") == "delete"}
    there = [each["name"] for each in live or () if isinstance(each, Mapping) and "name" in each]
    new = [each["name"] for each in patch if each["name"] not in {*there, *gone}]
    left_out = set(there) - {each["name"] for each in patch}
    order = [name for name in there if name not in gone] + new
    return [{"name": str(name)} for name in order] if new and left_out else []


def _is_named(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) and "name" in each for each in value)


def template_path(kind: str) -> tuple[str, ...]:
    """Return where the pod spec of a kind stands."""
    if kind == "Pod":
        return ("spec",)
    return ("spec", "jobTemplate", "spec", "template", "spec") if kind == "CronJob" else ("spec", "template", "spec")


def containers_of(live: Mapping[str, Json], member: str = "containers") -> list[str]:
    """Return the names of an object's containers."""
    found: Json = live
    for name in template_path(str(live.get("kind", ""))):
        found = (found or {}).get(name)
    return [str(each["name"]) for each in (found or {}).get(member) or ()]


def _objections(step: Step, live: Mapping[str, Json]) -> Iterator[Declined]:
    params, metadata = step.params, live.get("metadata") or {}
    version = params.get("resource_version")
    if version is not None and version != metadata.get("resourceVersion"):
        yield Declined("RESOURCE_VERSION_DIFFERS", f"the resource version is {metadata.get('resourceVersion')} now")
    wanted, replicas = params.get("current_replicas"), (live.get("spec") or {}).get("replicas", 0)  # a scale omits 0
    if wanted is not None and wanted != replicas:
        yield Declined("REPLICAS_DIFFER", f"there are {replicas} replicas now, not {wanted}")
    for member in ("labels", "annotations"):
        if not params.get("overwrite") and verb_of(step) in {"label", "annotate"}:
            yield from _overwritten(params.get(member) or {}, metadata.get(member) or {})
    unknown = _named_containers(params) - {"*", *containers_of(live)}
    if inits := unknown & {*containers_of(live, "initContainers")}:
        yield Declined("INIT_CONTAINER", f"{', '.join(sorted(inits))} is an init container; change it by kubectl patch")
    if unknown:
        yield Declined("CONTAINER_UNKNOWN", f"there is no container {', '.join(sorted(unknown))}; name an existing one")
    if verb_of(step) in {"restart", "undo"} and (live.get("spec") or {}).get("paused"):
        yield Declined("ROLLOUT_PAUSED", "the rollout is paused; resume it first")


def _overwritten(wanted: Mapping[str, Json], there: Mapping[str, Json]) -> Iterator[Declined]:
    for key, value in wanted.items():
        if value is not None and there.get(key, value) != value:
            yield Declined("KEY_EXISTS", f"{key} has another value already; add --overwrite to change it")


def _named_containers(params: Mapping[str, Json]) -> set[str]:
    return {str(each) for each in (*(params.get("images") or ()), *(params.get("containers") or ()))}


def _in_template(live: Mapping[str, Json], spec: Json) -> Json:
    for name in reversed(template_path(str(live.get("kind", "")))):
        spec = {name: spec}
    return spec


def _restart(params: Mapping[str, Json], live: Mapping[str, Json], now_ms: int) -> Body:  # noqa: ARG001
    now = datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Body(STRATEGIC, {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: now}}}}})


def _every_image(params: Mapping[str, Json], live: Mapping[str, Json], now_ms: int) -> Body:  # noqa: ARG001
    images, every = dict(params["images"]), params["images"]["*"]
    containers = [{"name": name, "image": images.get(name, every)} for name in containers_of(live)]
    inits = [{"name": name, "image": every} for name in containers_of(live, "initContainers")]
    return Body(
        STRATEGIC, _in_template(live, {"containers": containers} | ({"initContainers": inits} if inits else {}))
    )


def _every_resources(params: Mapping[str, Json], live: Mapping[str, Json], now_ms: int) -> Body:  # noqa: ARG001
    resources = {each: thaw(params[each]) for each in ("limits", "requests") if each in params}
    return Body(STRATEGIC, _each(live, {"resources": resources}))


def _every_env(params: Mapping[str, Json], live: Mapping[str, Json], now_ms: int) -> Body:  # noqa: ARG001
    env = [
        {"name": name, "$patch": "delete"} if value is None else {"name": name, "value": value}
        for name, value in sorted(params["env"].items())
    ]
    return Body(STRATEGIC, in_live_order(_each(live, {"env": env}), live))


def _each(live: Mapping[str, Json], fields: Mapping[str, Json]) -> Json:
    groups = {
        member: [{"name": name, **fields} for name in containers_of(live, member)]
        for member in ("containers", "initContainers")
    }
    return _in_template(live, {member: named for member, named in groups.items() if named})


def _taint(params: Mapping[str, Json], live: Mapping[str, Json], now_ms: int) -> Body | Declined:  # noqa: ARG001
    taints = [dict(each) for each in (live.get("spec") or {}).get("taints") or ()]
    for gone in params.get("remove", ()):
        left = [each for each in taints if not _is(each, gone)]
        if len(left) == len(taints):
            return Declined("TAINT_UNKNOWN", f"there is no taint {gone['key']}; name an existing one")
        taints = left
    for new in params.get("add", ()):
        old = next((each for each in taints if (each["key"], each["effect"]) == (new["key"], new["effect"])), None)
        if old is None:
            taints.append(dict(new))
        elif old.get("value", "") != new.get("value", ""):
            if not params.get("overwrite"):
                return Declined("KEY_EXISTS", f"taint {new['key']} has another value already; add --overwrite")
            taints[taints.index(old)] = dict(new)
    return Body(MERGE, {"spec": {"taints": taints or None}})


def _is(taint: Mapping[str, Json], named: Mapping[str, Json]) -> bool:
    return bool(taint["key"] == named["key"] and named.get("effect", taint["effect"]) == taint["effect"])


def _subjects(params: Mapping[str, Json], live: Mapping[str, Json], now_ms: int) -> Body | Declined:  # noqa: ARG001
    subjects = [dict(each) for each in live.get("subjects") or ()]
    for member, kind in (("users", "User"), ("groups", "Group")):
        _add(subjects, [{"apiGroup": _RBAC, "kind": kind, "name": name} for name in params.get(member, ())])
    for text in params.get("service_accounts", ()):
        namespace, colon, name = text.partition(":")
        if not colon or not name:
            return Declined("SUBJECT_MALFORMED", f"{text} is no service account; write NAMESPACE:NAME")
        _add(subjects, [{"kind": "ServiceAccount", "name": name, "namespace": namespace}])
    return Body(MERGE, {"subjects": subjects})


def _add(subjects: list[dict[str, Json]], new: Sequence[dict[str, Json]]) -> None:
    subjects += [each for each in new if each not in subjects]


_BUILT: Mapping[str, Callable[[Mapping[str, Json], Mapping[str, Json], int], Body | Declined]] = MappingProxyType({
    "restart": _restart, "set_image": _every_image, "set_resources": _every_resources, "set_env": _every_env,
    "taint": _taint, "set_subject": _subjects,
})  # fmt: skip
