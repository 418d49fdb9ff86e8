"""kubectl's text form to requests: which flags each command accepts and what they mean. Every other flag is refused."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.parsing.tables_kubectl import KubectlTable
from gateway.parsing.tools import kubectl_text_change as change
from gateway.parsing.tools import kubectl_text_create as create
from gateway.parsing.tools import kubectl_text_read as read
from gateway.parsing.tools.kubectl_flags import Call, read_call
from gateway.parsing.tools.kubectl_request import Request
from gateway.parsing.tools.refuse import refuse, some, words_of
from gateway.parsing.words import Word

Handler = Callable[[Call, KubectlTable], Request]
_GET = "output selector field-selector all-namespaces sort-by label-columns show-labels show-managed-fields subresource"
_GET_MORE = (
    "ignore-not-found no-headers show-kind server-print chunk-size allow-missing-template-keys template watch "
    "watch-only raw"
)
_TOP = "selector sort-by no-headers use-protocol-buffers"
_LOGS = (
    "container all-containers previous timestamps tail since since-time limit-bytes prefix selector follow "
    "ignore-errors max-log-requests"
)
_DRAIN = (
    "dry-run selector ignore-daemonsets delete-emptydir-data force disable-eviction grace-period pod-selector timeout"
)
_DELETE = (
    "field-selector all-namespaces cascade grace-period force now ignore-not-found output wait timeout interactive"
)
_BUDGET = "min-available max-unavailable"
_ROLLOUT = "selector"
_CHANGE = "dry-run selector all"
_LOOKS = "field-manager output show-managed-fields"

_HANDLERS: Mapping[str, tuple[Handler, str]] = MappingProxyType({
    "get": (read.get, f"{_GET} {_GET_MORE}"),
    "describe": (read.describe, "selector all-namespaces show-events chunk-size"),
    "events": (read.events, "all-namespaces for types output no-headers chunk-size watch"),
    "top node": (read.top, f"{_TOP} show-capacity"),
    "top pod": (read.top, f"{_TOP} field-selector all-namespaces containers sum"),
    "logs": (read.logs, _LOGS),
    "rollout status": (read.rollout_status, "timeout watch revision selector"),
    "rollout history": (read.rollout_history, "revision selector output"),
    "wait": (read.wait, "for timeout selector field-selector all all-namespaces"),
    "version": (read.version, "output client"),
    "cluster-info": (read.cluster, ""),
    "api-versions": (read.cluster, ""),
    "auth whoami": (read.cluster, "output"),
    "api-resources": (read.api_resources, "api-group namespaced verbs output no-headers sort-by cached"),
    "explain": (read.explain, "recursive api-version output"),
    "auth can-i": (read.can_i, "all-namespaces list no-headers quiet subresource"),
    "scale": (change.scale, f"{_CHANGE} replicas current-replicas resource-version"),
    "rollout restart": (change.rollout, f"{_ROLLOUT} field-manager"),
    "rollout pause": (change.rollout, f"{_ROLLOUT} field-manager"),
    "rollout resume": (change.rollout, f"{_ROLLOUT} field-manager"),
    "rollout undo": (change.rollout_undo, f"{_ROLLOUT} to-revision dry-run"),
    "set image": (change.set_image, f"{_CHANGE} {_LOOKS}"),
    "set resources": (change.set_resources, f"{_CHANGE} {_LOOKS} containers limits requests"),
    "set env": (change.set_env, f"{_CHANGE} {_LOOKS} containers env overwrite"),
    "set selector": (change.set_selector, f"{_LOOKS} dry-run resource-version"),
    "set serviceaccount": (change.set_serviceaccount, f"{_CHANGE} {_LOOKS}"),
    "set subject": (change.set_subject, f"{_LOOKS} dry-run user group serviceaccount"),
    "label": (change.metadata, f"{_CHANGE} {_LOOKS} overwrite resource-version field-selector"),
    "annotate": (change.metadata, f"{_CHANGE} {_LOOKS} overwrite resource-version field-selector"),
    "patch": (change.patch, f"{_LOOKS} dry-run type patch subresource"),
    "cordon": (change.node, "dry-run selector"),
    "uncordon": (change.node, "dry-run selector"),
    "drain": (change.drain, _DRAIN),
    "taint": (change.taint, f"{_CHANGE} overwrite"),
    "delete": (change.delete, f"{_CHANGE} {_DELETE}"),
    "certificate approve": (change.certificate, ""),
    "certificate deny": (change.certificate, ""),
    "expose": (create.expose, f"{_LOOKS} dry-run port target-port protocol name type"),
    "autoscale": (create.autoscale, f"{_LOOKS} dry-run min max cpu memory name"),
    "create namespace": (create.namespace, f"{_LOOKS} dry-run"),
    "create serviceaccount": (create.service_account, f"{_LOOKS} dry-run"),
    "create configmap": (create.config_map, f"{_LOOKS} dry-run from-literal"),
    "create deployment": (create.deployment, f"{_LOOKS} dry-run image replicas port"),
    "create job": (create.job, f"{_LOOKS} dry-run image from"),
    "create cronjob": (create.cron_job, f"{_LOOKS} dry-run image schedule restart"),
    "create role": (create.role, f"{_LOOKS} dry-run verb resource resource-name"),
    "create clusterrole": (create.role, f"{_LOOKS} dry-run verb resource resource-name"),
    "create rolebinding": (create.role_binding, f"{_LOOKS} dry-run role clusterrole user group serviceaccount"),
    "create clusterrolebinding": (create.role_binding, f"{_LOOKS} dry-run clusterrole user group serviceaccount"),
    "create quota": (create.quota, f"{_LOOKS} dry-run hard"),
    "create poddisruptionbudget": (create.disruption_budget, f"{_LOOKS} dry-run selector {_BUDGET}"),
    "create priorityclass": (create.priority_class, f"{_LOOKS} dry-run value description global-default"),
    "create service clusterip": (create.service, f"{_LOOKS} dry-run tcp"),
    "create service nodeport": (create.service, f"{_LOOKS} dry-run tcp"),
    "create service loadbalancer": (create.service, f"{_LOOKS} dry-run tcp"),
})  # fmt: skip
_EVERYWHERE = frozenset({"namespace", "context"})
_ACCEPTED = MappingProxyType({
    path: _EVERYWHERE | words_of(flags) | ({"request-timeout"} if handler.__module__ == read.__name__ else set())
    for path, (handler, flags) in _HANDLERS.items()
})  # fmt: skip
_SESSIONS = words_of("exec attach cp port-forward proxy debug run")
_EDITS = words_of("edit")
_LOCAL = words_of("config completion plugin kustomize alpha options diff kuberc help")
_FILES = words_of("apply replace create")


def read_text(words: tuple[Word, ...], table: KubectlTable) -> tuple[Request, Call]:
    """Return what a command asks for, or raise a refusal."""
    first = words[1].text if len(words) > 1 else ""
    if first in _LOCAL:
        raise refuse("K8S_LOCAL", words[1].span, command=first)
    call = read_call(words, table, _refuse_command)
    _refuse_unread(call.command, table)
    handler, _ = _HANDLERS[call.command]
    accepted = _ACCEPTED[call.command]
    for flag, given in call.flags.items():
        if flag not in accepted:
            raise refuse("K8S_FLAG_UNSUPPORTED", given.word.span, flag=f"--{flag}", command=call.command)
    if call.seconds("request-timeout") == 0:  # for ever; any other is not kept, because the executor has its own limits
        raise refuse("K8S_TARGET_OVERRIDE", call.flags["request-timeout"].word.span, flag="--request-timeout")
    return handler(call, table), call


def _refuse_command(path: str) -> None:
    """Refuse commands that are never run, before their flags are read."""
    first, _, second = path.partition(" ")
    if first in _SESSIONS or path == "cluster-info dump":
        raise refuse("K8S_SESSION", command=path)
    if first in _EDITS or second == "edit-last-applied":
        raise refuse("K8S_EDIT", command=path)
    if first in _LOCAL:
        raise refuse("K8S_LOCAL", command=path)
    if path == "create token":
        raise refuse("K8S_CREDENTIAL", command=path)


def _refuse_unread(path: str, table: KubectlTable) -> None:
    """Refuse commands that are known and have no reading here."""
    if path in _HANDLERS:
        return
    first = path.partition(" ")[0]
    if path.startswith("create secret"):
        raise refuse("K8S_CREDENTIAL", command=path)
    if first in _FILES or path == "auth reconcile":
        raise refuse("K8S_LOCAL_FILE", command=path, flag="this command")
    near = [each for each in table.commands if each.startswith(f"{first} ") and each in _HANDLERS]
    raise refuse("K8S_COMMAND_UNKNOWN", command=path, known=some(near or [*_HANDLERS]))
