"""What a Kubernetes step may say: verbs, the kinds they go with, their params, and how they are undone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.core.canonical import Json
from gateway.core.effect import Undo
from gateway.core.step import Fanout
from gateway.parsing.tools import kubectl_params as p
from gateway.parsing.tools.kubectl_names import LABEL_KEY, LABEL_VALUE
from gateway.parsing.tools.refuse import refuse, show, words_of

MAX_WAIT_S = 600
DEFAULT_ROLLOUT_S = 60
DEFAULT_WAIT_S = 30
WORKLOADS = words_of("deployments statefulsets daemonsets replicasets replicationcontrollers")
ROLLOUTS = words_of("deployments statefulsets daemonsets")
SCALABLE = words_of("deployments statefulsets replicasets replicationcontrollers rollouts")
TEMPLATED = WORKLOADS | words_of("jobs cronjobs pods")
LOGGED = WORKLOADS | words_of("pods jobs services")
_EXPOSED = words_of("deployments replicasets replicationcontrollers pods services")
_EVERY: tuple[Fanout, ...] = ("one", "listed", "selector", "all")
_NAMED: tuple[Fanout, ...] = ("one", "listed")
_WIDE: tuple[Fanout, ...] = ("selector", "all")
_ONE: tuple[Fanout, ...] = ("one",)

_TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_PATH = re.compile(r"/(?:healthz|livez|readyz)(?:/[a-z0-9][a-z0-9-]{0,63}){0,2}(?:\?verbose)?|/version")
_RESOURCE = re.compile(r"[a-z][a-z0-9.-]{0,127}(?:/[a-z]{1,32})?|\*")


def _taint(name: str, value: Json) -> Json:
    if not isinstance(value, Mapping) or not {"key"} <= set(value) <= {"key", "value", "effect"}:
        raise p.wrong(name, "objects of key, value and effect")
    checks = {
        "key": p.matching(LABEL_KEY, "a taint key"),
        "value": p.matching(LABEL_VALUE, "a taint value"),
        "effect": p.choice(*_TAINT_EFFECTS),
    }
    return {each: checks[each](f"{name}.{each}", found) for each, found in value.items()}


def _document(name: str, value: Json) -> Json:
    if not isinstance(value, Mapping | list | tuple):
        raise p.wrong(name, "an object or a list of JSON patch operations")
    return value


def _object(name: str, value: Json) -> Json:
    if not isinstance(value, Mapping) or not isinstance(value.get("metadata"), Mapping):
        raise p.wrong(name, "an object with metadata")
    return value


_OUTPUT: dict[str, p.Check] = {
    "output": p.choice("wide", "name", "json", "yaml", "jsonpath", "custom-columns"),
    "template": p.template,
    "sort_by": p.matching(p.PATH, "a path such as .metadata.name"),
    "label_columns": p.listed(p.matching(LABEL_KEY, "a label key")),
    "show_labels": p.boolean,
    "show_managed_fields": p.boolean,
    "ignore_not_found": p.boolean,
}
_EVERYWHERE: dict[str, p.Check] = {"all_namespaces": p.boolean}
_FIELDS: dict[str, p.Check] = {"field_selector": p.field_selector}
_DRY: dict[str, p.Check] = {"dry_run": p.boolean}
_WAIT: dict[str, p.Check] = {"timeout_seconds": p.integer(0, MAX_WAIT_S)}
_VERSION: dict[str, p.Check] = {"resource_version": p.matching(re.compile(r"[0-9]{1,20}"), "a resource version")}
_CONTAINERS: dict[str, p.Check] = {"containers": p.listed(p.name_of)}


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: what it needs and what the API is asked."""

    method: str
    fanouts: tuple[Fanout, ...]
    params: Mapping[str, p.Check]
    kinds: frozenset[str] | None = None
    """Plurals; None is every kind that can be read or changed."""
    required: tuple[str, ...] = ()
    subresource: str | None = None
    undo: Undo = Undo.NONE
    reads: bool = False
    many_kinds: bool = False


def _read(
    fanouts: tuple[Fanout, ...], params: Mapping[str, p.Check], kinds: frozenset[str] | None = None,
    subresource: str | None = None, required: tuple[str, ...] = (), *, many: bool = False,
) -> Verb:  # fmt: skip
    return Verb(
        "GET", fanouts, params, kinds, required, subresource, Undo.NOT_NEEDED, reads=True, many_kinds=many,
    )  # fmt: skip


def _change(
    fanouts: tuple[Fanout, ...], params: Mapping[str, p.Check], kinds: frozenset[str] | None = None,
    required: tuple[str, ...] = (), undo: Undo = Undo.EXACT, subresource: str | None = None, method: str = "PATCH",
) -> Verb:  # fmt: skip
    return Verb(method, fanouts, dict(params) | _DRY, kinds, required, subresource, undo)


MAX_FOLLOW_S = 600
"""Longer than this no log is followed; the executor has a limit of its own below it."""
_LOG: dict[str, p.Check] = {
    "container": p.name_of, "all_containers": p.boolean, "previous": p.boolean, "timestamps": p.boolean,
    "prefix": p.boolean, "tail_lines": p.integer(0, 100_000), "since_seconds": p.integer(1, 31_536_000),
    "since_time": p.timestamp, "limit_bytes": p.integer(1, 100_000_000), "follow_seconds": p.integer(1, MAX_FOLLOW_S),
}  # fmt: skip
_DRAIN: dict[str, p.Check] = {
    "ignore_daemonsets": p.boolean, "delete_emptydir_data": p.boolean, "force": p.boolean,
    "disable_eviction": p.boolean, "grace_period_seconds": p.integer(0, 3600), "pod_selector": p.label_selector,
} | _WAIT  # fmt: skip
_DELETE: dict[str, p.Check] = {
    "propagation": p.choice("Background", "Foreground", "Orphan"), "grace_period_seconds": p.integer(0, 3600),
    "force": p.boolean, "ignore_not_found": p.boolean,
} | _FIELDS | _EVERYWHERE  # fmt: skip
_SUBJECTS: dict[str, p.Check] = {
    "users": p.listed(p.text), "groups": p.listed(p.text), "service_accounts": p.listed(p.text),
}  # fmt: skip
_EXPOSE: dict[str, p.Check] = {
    "port": p.integer(1, 65535), "target_port": p.text, "protocol": p.choice("TCP", "UDP", "SCTP"),
    "name": p.name_of, "type": p.choice("ClusterIP", "NodePort", "LoadBalancer"),
}  # fmt: skip
_PATCH: dict[str, p.Check] = {
    "patch_type": p.choice("strategic", "merge", "json"), "patch": _document,
    "subresource": p.choice("status", "scale", "resize"),
}  # fmt: skip
_ENV: dict[str, p.Check] = {"env": p.mapped(p.ENV_NAME, p.nullable(p.text), "an object of variables (null removes)")}
_IMAGES: dict[str, p.Check] = {
    "images": p.mapped(re.compile(r"[a-z0-9][a-z0-9-]{0,62}|\*"), p.matching(p.IMAGE, "an image"), "container: image"),
}
_NODES = frozenset({"nodes"})
# A switch at its default says nothing; every other switch is off by default.
_DEFAULTS: Mapping[str, bool | None] = MappingProxyType({"show_events": True, "namespaced": None})

VERBS: Mapping[str, Verb] = MappingProxyType({
    "get": _read(_NAMED, _OUTPUT | {"subresource": p.choice("status", "scale")}, many=True),
    "list": _read(_WIDE, _OUTPUT | _FIELDS | _EVERYWHERE, many=True),
    "describe": _read(_EVERY, {"show_events": p.boolean} | _EVERYWHERE, many=True),
    "events": _read(_WIDE, {"for": p.matching(re.compile(r"[a-z.]{1,128}/[A-Za-z0-9._:-]{1,253}"), "KIND/NAME"),
                            "types": p.listed(p.choice("Normal", "Warning")),
                            "output": p.choice("wide", "json", "yaml")} | _EVERYWHERE, frozenset({"events"})),
    "top": _read(_EVERY, {"sort_by": p.choice("cpu", "memory"), "containers": p.boolean, "show_capacity": p.boolean}
                 | _FIELDS | _EVERYWHERE, frozenset({"pods", "nodes"})),
    "log": _read(("one", "selector"), _LOG, LOGGED, "log"),
    "rollout_status": _read(_EVERY, _WAIT | {"revision": p.integer(1)}, ROLLOUTS),
    "rollout_history": _read(_EVERY, {"revision": p.integer(1), "output": p.choice("json", "yaml", "name")}, ROLLOUTS),
    "wait": _read(_EVERY, {"for": p.wait_for} | _WAIT | _FIELDS | _EVERYWHERE, required=("for",)),
    "scale": _change(_EVERY, {"replicas": p.integer(0, 100_000), "current_replicas": p.integer(0, 100_000)} | _VERSION,
                     SCALABLE, ("replicas",), subresource="scale"),
    "restart": _change(_EVERY, {}, ROLLOUTS, undo=Undo.NEUTRAL),
    "pause": _change(_EVERY, {}, frozenset({"deployments"})),
    "resume": _change(_EVERY, {}, frozenset({"deployments"})),
    "undo": _change(_NAMED, {"revision": p.integer(0)}, ROLLOUTS, undo=Undo.COMPENSATING),
    "set_image": _change(_EVERY, _IMAGES, TEMPLATED, ("images",)),
    "set_resources": _change(_EVERY, {"limits": p.quantities, "requests": p.quantities} | _CONTAINERS, TEMPLATED),
    "set_env": _change(_EVERY, _ENV | _CONTAINERS, TEMPLATED, ("env",)),
    "set_selector": _change(_NAMED, {"selector": p.labels} | _VERSION, frozenset({"services"}), ("selector",)),
    "set_serviceaccount": _change(_EVERY, {"service_account": p.name_of}, WORKLOADS | {"cronjobs"},
                                  ("service_account",)),
    "set_subject": _change(_NAMED, _SUBJECTS, words_of("rolebindings clusterrolebindings"), undo=Undo.EXACT),
    "label": _change(_EVERY, {"labels": p.labels, "overwrite": p.boolean} | _VERSION | _FIELDS, required=("labels",)),
    "annotate": _change(_EVERY, {"annotations": p.annotations, "overwrite": p.boolean} | _VERSION | _FIELDS,
                        required=("annotations",)),
    "patch": _change(_ONE, _PATCH, required=("patch",)),
    "cordon": _change(_EVERY, {}, _NODES),
    "uncordon": _change(_EVERY, {}, _NODES),
    "drain": _change(_EVERY, _DRAIN, _NODES, undo=Undo.NONE),
    "taint": _change(_EVERY, {"add": p.listed(_taint), "remove": p.listed(_taint), "overwrite": p.boolean}, _NODES),
    "delete": _change(_EVERY, _DELETE, undo=Undo.NONE, method="DELETE"),
    "evict": _change(_NAMED, {"grace_period_seconds": p.integer(0, 3600)}, frozenset({"pods"}), undo=Undo.NEUTRAL,
                     subresource="eviction", method="POST"),
    "create": _change(_ONE, {"object": _object}, required=("object",), undo=Undo.COMPENSATING, method="POST"),
    "apply": _change(_ONE, {"object": _object, "force_conflicts": p.boolean}, required=("object",)),
    "expose": _change(_ONE, _EXPOSE, _EXPOSED, ("port",), undo=Undo.COMPENSATING, method="POST"),
    "approve": _change(_NAMED, {}, frozenset({"certificatesigningrequests"}), undo=Undo.NONE, subresource="approval"),
    "deny": _change(_NAMED, {}, frozenset({"certificatesigningrequests"}), undo=Undo.NONE, subresource="approval"),
})  # fmt: skip

# Questions to the cluster itself, about no resource.
CLUSTER: Mapping[str, Mapping[str, p.Check]] = MappingProxyType({
    "version": {},
    "info": {},
    "health": {"path": p.matching(_PATH, "/readyz, /livez, /healthz or /version")},
    "api_resources": {"api_group": p.matching(p.GROUP, "an API group"),
                      "namespaced": p.boolean, "verbs": p.listed(p.matching(_RESOURCE, "a verb"))},
    "api_versions": {},
    "explain": {"path": p.matching(re.compile(r"[A-Za-z][A-Za-z0-9.]{0,253}"), "a path such as pods.spec"),
                "recursive": p.boolean, "api_version": p.matching(p.GROUP_VERSION, "a version such as apps/v1")},
    "can_i": {"verb": p.matching(_RESOURCE, "a verb"), "resource": p.matching(_RESOURCE, "a resource"),
              "name": p.name_of, "subresource": p.matching(re.compile(r"[a-z]{1,32}"), "a subresource"),
              "list": p.boolean} | _EVERYWHERE,
    "whoami": {},
})  # fmt: skip


def check_params(
    verb: str, checks: Mapping[str, p.Check], required: tuple[str, ...], given: Mapping[str, Json]
) -> dict[str, Json]:
    """Return the canonical params of a verb, or raise a refusal; false switches are left out."""
    for name in given:
        if name not in checks:
            known = ", ".join(sorted(checks)) or "none"
            raise refuse("K8S_PARAM_UNKNOWN", verb=verb, name=show(str(name)), known=known)
    for name in required:
        if name not in given:
            raise refuse("K8S_PARAM_MISSING", verb=verb, name=name)
    found = {name: checks[name](name, value) for name, value in given.items()}
    return {name: value for name, value in found.items() if value is not _DEFAULTS.get(name, False)}
