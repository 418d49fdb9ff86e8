"""Reads of kubectl's text form."""

from gateway.core.canonical import Json
from gateway.parsing.tables_kubectl import KubectlTable
from gateway.parsing.tools import kubectl_params as p
from gateway.parsing.tools.kubectl_flags import Call
from gateway.parsing.tools.kubectl_go_template import as_jsonpath
from gateway.parsing.tools.kubectl_names import Resources, check_name, find_kind, read_resources
from gateway.parsing.tools.kubectl_request import Request
from gateway.parsing.tools.kubectl_verbs import (
    DEFAULT_ROLLOUT_S,
    DEFAULT_WAIT_S,
    LOGGED,
    MAX_FOLLOW_S,
    MAX_WAIT_S,
)
from gateway.parsing.tools.refuse import refuse
from gateway.parsing.words import Word

_PLAIN_OUTPUTS = ("wide", "name", "json", "yaml")
_TEMPLATES = ("jsonpath", "custom-columns")
_GO = ("go-template", "template")
_SWITCHES = {
    "show-labels": "show_labels", "show-managed-fields": "show_managed_fields", "ignore-not-found": "ignore_not_found",
}  # fmt: skip


def get(call: Call, table: KubectlTable) -> Request:
    """Read `get`."""
    if "raw" in call.flags:
        return _raw(call)
    _refuse_watch(call)
    found = read_resources(call.arguments, table, "get")
    params = _output(call) | _switches(call) | _scope(call)
    if (path := call.text("sort-by")) is not None:
        params["sort_by"] = "." + path.strip("{}").removeprefix(".")
    if columns := _split(call.many("label-columns")):
        params["label_columns"] = columns
    if (subresource := call.text("subresource")) is not None:
        params["subresource"] = subresource
    return _request(call, "get" if found.names else "list", found, params)


def describe(call: Call, table: KubectlTable) -> Request:
    """Read `describe`."""
    params = _scope(call)
    if "show-events" in call.flags:
        params["show_events"] = call.switch("show-events", default=True)
    return _request(call, "describe", read_resources(call.arguments, table, "describe"), params)


def events(call: Call, table: KubectlTable) -> Request:
    """Read `events`."""
    _refuse_watch(call)
    _refuse_arguments(call)
    params = _scope(call) | _output(call)
    if (target := call.text("for")) is not None:
        kind, _, name = target.partition("/")
        params["for"] = f"{find_kind(table, kind).resource}/{check_name(name)}"
    if types := _split(call.many("types")):
        params["types"] = types
    return _request(call, "events", Resources((find_kind(table, "events"),), ()), params)


def top(call: Call, table: KubectlTable) -> Request:
    """Read `top node` and `top pod`."""
    kind = find_kind(table, "nodes" if call.command == "top node" else "pods")
    names = tuple(check_name(word.text, word) for word in call.arguments)
    params = _scope(call)
    if (by := call.text("sort-by")) is not None:
        params["sort_by"] = by
    for flag in ("containers", "show-capacity"):
        if call.switch(flag):
            params[flag.replace("-", "_")] = True
    return _request(call, "top", Resources((kind,), names), params)


def logs(call: Call, table: KubectlTable) -> Request:
    """Read `logs`; it follows for as long as `--request-timeout` says, and not without."""
    words, container = _log_words(call)
    found = read_resources(words, table, "logs") if words else Resources((find_kind(table, "pods"),), ())
    params: dict[str, Json] = {}
    if container is not None:
        params["container"] = container
    switches = ("all-containers", "previous", "timestamps", "prefix")
    params |= {flag.replace("-", "_"): True for flag in switches if call.switch(flag)}
    if call.switch("follow"):
        params["follow_seconds"] = _follow_seconds(call)
    tail = call.integer("tail")
    if tail is not None and tail >= 0:  # -1 is every line, the default
        params["tail_lines"] = tail
    for name, value in (("since_seconds", call.seconds("since")), ("limit_bytes", call.integer("limit-bytes"))):
        if value:
            params[name] = value
    if (moment := call.text("since-time")) is not None:
        params["since_time"] = moment
    return _request(call, "log", found, params)


def _follow_seconds(call: Call) -> int:
    """Return how long a log is followed; the flag is kubectl's own way to end a request."""
    seconds = call.seconds("request-timeout")
    if not seconds or seconds > MAX_FOLLOW_S:
        raise refuse("K8S_FOLLOW", call.flags["follow"].word.span, flag="--follow", max=MAX_FOLLOW_S)
    return seconds


def _log_words(call: Call) -> tuple[tuple[Word, ...], str | None]:
    """Return the resource words and the container: `logs POD` means pods/POD, and a second word is a container."""
    words, container = call.arguments, call.text("container")
    if not words:
        if "selector" not in call.flags:
            raise refuse("K8S_TARGET_MISSING", command="logs")
        return (), container
    if (
        len(words) == 2
        and container is None
        and words[0].text.lower() not in LOGGED | {"pod", "po", "deploy", "deployment"}
    ):
        container, words = check_name(words[1].text, words[1]), words[:1]
    if len(words) == 1 and "/" not in words[0].text:
        words = (Word(f"pods/{words[0].text}", words[0].span),)
    return words, container


def rollout_status(call: Call, table: KubectlTable) -> Request:
    """Read `rollout status`; waiting is bounded, and `--watch=false` looks once."""
    params: dict[str, Json] = {"timeout_seconds": _timeout(call, DEFAULT_ROLLOUT_S)}
    if not call.switch("watch", default=True):
        params["timeout_seconds"] = 0
    if revision := call.integer("revision"):
        params["revision"] = revision
    return _request(call, "rollout_status", read_resources(call.arguments, table, call.command), params)


def rollout_history(call: Call, table: KubectlTable) -> Request:
    """Read `rollout history`."""
    revision = call.integer("revision")
    params = _output(call) | ({"revision": revision} if revision else {})
    return _request(call, "rollout_history", read_resources(call.arguments, table, call.command), params)


def wait(call: Call, table: KubectlTable) -> Request:
    """Read `wait`."""
    condition = call.text("for")
    if condition is None:
        raise refuse("K8S_FLAG_MISSING", command="wait", flag="--for", example="--for=condition=Ready")
    params = _scope(call) | {"for": condition, "timeout_seconds": _timeout(call, DEFAULT_WAIT_S)}
    found = read_resources(call.arguments, table, "wait")
    if (
        not found.names
        and not call.switch("all")
        and "selector" not in call.flags
        and "field-selector" not in call.flags
    ):
        raise refuse("K8S_TARGET_MISSING", command="wait")
    return _request(call, "wait", found, params)


def version(call: Call, table: KubectlTable) -> Request:
    """Read `version`: the server's; the client is this gateway."""
    del table
    call.refuse_flags("client")
    _refuse_arguments(call)
    return Request("version", command=call.command)


def cluster(call: Call, table: KubectlTable) -> Request:
    """Read `cluster-info`, `api-versions` and `auth whoami`."""
    del table
    _refuse_arguments(call)
    verb = {"cluster-info": "info", "api-versions": "api_versions", "auth whoami": "whoami"}[call.command]
    return Request(verb, command=call.command)


def api_resources(call: Call, table: KubectlTable) -> Request:
    """Read `api-resources`."""
    del table
    _refuse_arguments(call)
    params: dict[str, Json] = {}
    if (group := call.text("api-group")) is not None:
        params["api_group"] = group
    if "namespaced" in call.flags:
        params["namespaced"] = call.switch("namespaced")
    if verbs := _split(call.many("verbs")):
        params["verbs"] = verbs
    return Request("api_resources", params=params, command=call.command)


def explain(call: Call, table: KubectlTable) -> Request:
    """Read `explain`."""
    if len(call.arguments) != 1:
        raise refuse("K8S_TARGET_MISSING", command="explain")
    head, dot, rest = call.arguments[0].text.partition(".")
    kind = find_kind(table, head, call.arguments[0])
    params: dict[str, Json] = {"path": kind.plural + dot + rest}
    if call.switch("recursive"):
        params["recursive"] = True
    if (version_ := call.text("api-version")) is not None:
        params["api_version"] = version_
    return Request("explain", params=params, command=call.command)


def can_i(call: Call, table: KubectlTable) -> Request:
    """Read `auth can-i`, a question about the executor's own rights."""
    del table
    params: dict[str, Json] = {"all_namespaces": call.switch("all-namespaces")}
    words = [word.text for word in call.arguments]
    if call.switch("list"):
        _refuse_arguments(call)
        params["list"] = True
    elif 2 <= len(words) <= 3:
        words = [words[0], *words[1].split("/", 1)] if len(words) == 2 else words  # TYPE/NAME
        params |= dict(zip(("verb", "resource", "name"), words, strict=False))
        if (subresource := call.text("subresource")) is not None:
            params["subresource"] = subresource
    else:
        raise refuse("K8S_TARGET_MISSING", command="auth can-i get")
    return Request("can_i", params=params, namespace=call.text("namespace"), command=call.command)


def _raw(call: Call) -> Request:
    """Read `get --raw` of the health addresses; every other address could be anything."""
    path = call.text("raw") or ""
    others = call.flags.keys() - {"raw", "request-timeout"}
    if call.arguments or others or not path.startswith(("/healthz", "/livez", "/readyz", "/version")):
        raise refuse("K8S_RAW", call.flags["raw"].word.span)
    return Request("health", params={"path": path}, command="get")


def _request(call: Call, verb: str, found: Resources, params: dict[str, Json]) -> Request:
    return Request(
        verb, found.kinds, found.names, call.text("namespace"), call.text("selector"), params,
        all=call.switch("all"), command=call.command,
    )  # fmt: skip


def _output(call: Call) -> dict[str, Json]:
    """Return the output of a read; templates that run code or read files are refused."""
    text = call.text("output") or ""
    name, equals, template = text.partition("=")
    if (given := call.text("template")) is not None:
        if equals or name not in {"", *_GO}:
            raise refuse("K8S_FLAG_CONFLICT", call.flags["template"].word.span, flag="--template", other="--output")
        name, equals, template = name or _GO[0], "=", given
    if name in _GO and equals:
        return {"output": "jsonpath", "template": _translated(call, template)}
    if not text and not equals:
        return {}
    if not equals:
        if name not in _PLAIN_OUTPUTS:
            raise _bad_output(call)
        return {"output": name}
    if name not in _TEMPLATES:
        raise _bad_output(call)
    if name == "custom-columns" and not p.columns(template):
        raise refuse("K8S_TEMPLATE", call.flags["output"].word.span)
    return {"output": name, "template": template}


def _translated(call: Call, template: str) -> str:
    found = as_jsonpath(template)
    if found is None:
        flag = "template" if "template" in call.flags else "output"
        raise refuse("K8S_GO_TEMPLATE", call.flags[flag].word.span)
    return found


def _bad_output(call: Call) -> Exception:
    known = ", ".join((*_PLAIN_OUTPUTS, *(f"{name}=EXPRESSION" for name in _TEMPLATES)))
    return refuse("K8S_OUTPUT", call.flags["output"].word.span, command=call.command, known=known)


def _switches(call: Call) -> dict[str, Json]:
    return {name: True for flag, name in _SWITCHES.items() if call.switch(flag)}


def _scope(call: Call) -> dict[str, Json]:
    params: dict[str, Json] = {}
    if call.switch("all-namespaces"):
        if "namespace" in call.flags:
            span = call.flags["namespace"].word.span
            raise refuse("K8S_FLAG_CONFLICT", span, flag="--namespace", other="--all-namespaces")
        params["all_namespaces"] = True
    if (field := call.text("field-selector")) is not None:
        params["field_selector"] = field
    return params


def _timeout(call: Call, default: int) -> int:
    seconds = call.seconds("timeout")
    if seconds is None or (seconds == 0 and call.command == "rollout status"):
        return default
    if not 0 < seconds <= MAX_WAIT_S:
        raise refuse("K8S_TIMEOUT", call.flags["timeout"].word.span, flag="--timeout", max=MAX_WAIT_S)
    return seconds


def _split(values: tuple[str, ...]) -> list[str]:
    return [part for value in values for part in value.split(",") if part]


def _refuse_watch(call: Call) -> None:
    for flag in ("watch", "watch-only"):
        if call.switch(flag):
            raise refuse("K8S_WATCH", call.flags[flag].word.span, flag=f"--{flag}")


def _refuse_arguments(call: Call) -> None:
    if call.arguments:
        raise refuse("K8S_POSITIONAL", call.arguments[0].span)
