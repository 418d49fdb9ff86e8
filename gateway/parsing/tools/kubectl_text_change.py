"""Changes of kubectl's text form."""

import re
from collections.abc import Sequence

from gateway.core.canonical import Json, loads_strict
from gateway.parsing.tables_kubectl import KubectlTable
from gateway.parsing.tools.kubectl_flags import Call
from gateway.parsing.tools.kubectl_names import Resources, check_name, find_kind, read_resources
from gateway.parsing.tools.kubectl_request import Request
from gateway.parsing.tools.kubectl_verbs import MAX_WAIT_S
from gateway.parsing.tools.refuse import refuse, show
from gateway.parsing.words import Word

_ASSIGNS = re.compile(r"(?P<key>[^=]+)(?:=(?P<value>.*))", re.DOTALL)
_REMOVES = re.compile(r"(?P<key>[^=]+)-")
_TAINT = re.compile(r"(?P<key>[^=:]+)(?:=(?P<value>[^:=]*))?(?::(?P<effect>[A-Za-z]+))?(?P<remove>-?)")
_CASCADES = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}
_ROLLOUTS = {"rollout restart": "restart", "rollout pause": "pause", "rollout resume": "resume"}
_PATCH_TYPES = ("strategic", "merge", "json")


def dry_run(call: Call) -> dict[str, Json]:
    """Return the dry run of a change; a client's own dry run would ask nobody."""
    value = call.text("dry-run")
    if value is None or value == "none":
        return {}
    if value != "server":
        raise refuse("K8S_DRY_RUN", call.flags["dry-run"].word.span)
    return {"dry_run": True}


def request(call: Call, verb: str, found: Resources, params: dict[str, Json]) -> Request:
    """Return the request of a change."""
    return Request(
        verb, found.kinds, found.names, call.text("namespace"), call.text("selector"), params | dry_run(call),
        all=call.switch("all"), command=call.command,
    )  # fmt: skip


def scale(call: Call, table: KubectlTable) -> Request:
    """Read `scale`."""
    replicas = call.integer("replicas")
    if replicas is None:
        raise refuse("K8S_FLAG_MISSING", command="scale", flag="--replicas", example="--replicas=3")
    params: dict[str, Json] = {"replicas": replicas}
    current = call.integer("current-replicas")
    if current is not None and current != -1:
        params["current_replicas"] = current
    return request(call, "scale", read_resources(call.arguments, table, "scale"), params | _version(call))


def rollout(call: Call, table: KubectlTable) -> Request:
    """Read `rollout restart`, `pause` and `resume`; with a kind alone they act on all of its objects."""
    found = read_resources(call.arguments, table, call.command)
    made = request(call, _ROLLOUTS[call.command], found, {})
    return Request(
        made.verb, made.kinds, made.names, made.namespace, made.selector, made.params,
        all=not made.names and made.selector is None, command=made.command,
    )  # fmt: skip


def rollout_undo(call: Call, table: KubectlTable) -> Request:
    """Read `rollout undo`; revision 0 is the one before."""
    revision = call.integer("to-revision")
    params: dict[str, Json] = {"revision": revision or 0}
    return request(call, "undo", read_resources(call.arguments, table, call.command), params)


def set_image(call: Call, table: KubectlTable) -> Request:
    """Read `set image`."""
    words, settings = _assigned(call.arguments)
    images = _pairs(settings, "CONTAINER=IMAGE", "web=registry.example/web:1.2")
    return request(call, "set_image", read_resources(words, table, call.command), {"images": images})


def set_resources(call: Call, table: KubectlTable) -> Request:
    """Read `set resources`."""
    params: dict[str, Json] = _containers(call)
    for flag in ("limits", "requests"):
        if (text := call.text(flag)) is not None:
            pairs = [Word(part, call.flags[flag].word.span) for part in text.split(",")]
            params[flag] = _pairs(pairs, "RESOURCE=QUANTITY", "memory=256Mi")
    if not {"limits", "requests"} & set(params):
        raise refuse(
            "K8S_FLAG_MISSING", command=call.command, flag="--limits or --requests", example="--limits=memory=1Gi"
        )
    return request(call, "set_resources", read_resources(call.arguments, table, call.command), params)


def set_env(call: Call, table: KubectlTable) -> Request:
    """Read `set env`; variables come from the command alone, never from stdin or another object."""
    words, settings = _assigned(call.arguments)
    given = [Word(value, call.flags["env"].word.span) for value in call.many("env")]
    if any(word.text == "-" for word in given):
        raise refuse("K8S_LOCAL_FILE", given[0].span, flag="--env -")
    if call.flags.get("overwrite") and not call.switch("overwrite"):
        raise refuse(
            "K8S_FLAG_UNSUPPORTED", call.flags["overwrite"].word.span, flag="--overwrite=false", command="set env"
        )
    env = _changes([*settings, *given], "NAME=VALUE or NAME-", "LOG_LEVEL=info")
    return request(call, "set_env", read_resources(words, table, call.command), {"env": env} | _containers(call))


def set_selector(call: Call, table: KubectlTable) -> Request:
    """Read `set selector`."""
    words, settings = _assigned(call.arguments)
    pairs = [Word(part, word.span) for word in settings for part in word.text.split(",")]
    params: dict[str, Json] = {"selector": _pairs(pairs, "KEY=VALUE", "app=web")}
    return request(call, "set_selector", read_resources(words, table, call.command), params | _version(call))


def set_serviceaccount(call: Call, table: KubectlTable) -> Request:
    """Read `set serviceaccount`; the last word is the account."""
    if len(call.arguments) < 2:
        raise refuse("K8S_TARGET_MISSING", command=call.command)
    account = check_name(call.arguments[-1].text, call.arguments[-1])
    found = read_resources(call.arguments[:-1], table, call.command)
    return request(call, "set_serviceaccount", found, {"service_account": account})


def set_subject(call: Call, table: KubectlTable) -> Request:
    """Read `set subject`."""
    names = {"user": "users", "group": "groups", "serviceaccount": "service_accounts"}
    params: dict[str, Json] = {name: list(call.many(flag)) for flag, name in names.items() if call.many(flag)}
    return request(call, "set_subject", read_resources(call.arguments, table, call.command), params)


def metadata(call: Call, table: KubectlTable) -> Request:
    """Read `label` and `annotate`."""
    words, settings = _assigned(call.arguments)
    member = "labels" if call.command == "label" else "annotations"
    params: dict[str, Json] = {member: _changes(settings, "KEY=VALUE or KEY-", "team=checkout")}
    if call.switch("overwrite"):
        params["overwrite"] = True
    if (field := call.text("field-selector")) is not None:
        params["field_selector"] = field
    return request(call, call.command, read_resources(words, table, call.command), params | _version(call))


def patch(call: Call, table: KubectlTable) -> Request:
    """Read `patch`; the patch is JSON, because YAML reads some words as booleans."""
    text = call.text("patch")
    if text is None:
        raise refuse("K8S_FLAG_MISSING", command="patch", flag="-p", example='-p \'{"spec":{"replicas":3}}\'')
    kind = call.text("type")
    if kind is not None and kind not in _PATCH_TYPES:
        raise call.wrong("type", "one of " + ", ".join(_PATCH_TYPES), "merge")
    try:
        params: dict[str, Json] = {"patch": loads_strict(text)}
    except ValueError as exc:
        raise refuse("K8S_JSON", call.flags["patch"].word.span, member="the patch") from exc
    if kind is not None:
        params["patch_type"] = kind
    if (subresource := call.text("subresource")) is not None:
        params["subresource"] = subresource
    return request(call, "patch", read_resources(call.arguments, table, "patch"), params)


def node(call: Call, table: KubectlTable) -> Request:
    """Read `cordon` and `uncordon`."""
    return request(call, call.command, _nodes(call, table), {})


def drain(call: Call, table: KubectlTable) -> Request:
    """Read `drain`."""
    params: dict[str, Json] = {}
    for flag in ("ignore-daemonsets", "delete-emptydir-data", "force", "disable-eviction"):
        if call.switch(flag):
            params[flag.replace("-", "_")] = True
    grace = call.integer("grace-period")
    if grace is not None and grace >= 0:
        params["grace_period_seconds"] = grace
    if (selector := call.text("pod-selector")) is not None:
        params["pod_selector"] = selector
    seconds = call.seconds("timeout")
    if seconds is not None and not 0 < seconds <= MAX_WAIT_S:
        raise refuse("K8S_TIMEOUT", call.flags["timeout"].word.span, flag="--timeout", max=MAX_WAIT_S)
    params["timeout_seconds"] = seconds or MAX_WAIT_S
    return request(call, "drain", _nodes(call, table), params)


def taint(call: Call, table: KubectlTable) -> Request:
    """Read `taint`: `KEY=VALUE:EFFECT` adds, the same or `KEY` with a final `-` removes."""
    words = [word for word in call.arguments if not _is_taint(word)]
    add: list[Json] = []
    remove: list[Json] = []
    for word in call.arguments:
        if not _is_taint(word):
            continue
        match = _TAINT.fullmatch(word.text)
        if match is None or (not match["remove"] and match["effect"] is None):
            raise _assignment(word, "KEY=VALUE:EFFECT or KEY:EFFECT-", "maintenance=true:NoSchedule")
        members = {name: match[name] for name in ("key", "value", "effect") if match[name]}
        (remove if match["remove"] else add).append(members)
    params: dict[str, Json] = {name: made for name, made in (("add", add), ("remove", remove)) if made}
    if not params:
        raise refuse("K8S_FLAG_MISSING", command="taint", flag="a taint", example="maintenance=true:NoSchedule")
    if call.switch("overwrite"):
        params["overwrite"] = True
    return request(call, "taint", read_resources(words, table, "taint"), params)


def delete(call: Call, table: KubectlTable) -> Request:
    """Read `delete`."""
    params: dict[str, Json] = {name: True for name in ("force",) if call.switch(name)}
    if call.switch("ignore-not-found"):
        params["ignore_not_found"] = True
    if call.switch("interactive"):
        call.refuse_flags("interactive")
    cascade = call.text("cascade")
    if cascade is not None:
        if cascade not in _CASCADES:
            raise call.wrong("cascade", "background, foreground or orphan", "background")
        params["propagation"] = _CASCADES[cascade]
    grace = call.integer("grace-period")
    if call.switch("now"):
        if grace is not None:
            raise refuse("K8S_FLAG_CONFLICT", call.flags["now"].word.span, flag="--now", other="--grace-period")
        grace = 1
    if grace is not None and grace >= 0:
        params["grace_period_seconds"] = grace
    if call.switch("all-namespaces"):
        params["all_namespaces"] = True
    if (field := call.text("field-selector")) is not None:
        params["field_selector"] = field
    return request(call, "delete", read_resources(call.arguments, table, "delete"), params)


def certificate(call: Call, table: KubectlTable) -> Request:
    """Read `certificate approve` and `certificate deny`."""
    names = tuple(check_name(word.text, word) for word in call.arguments)
    found = Resources((find_kind(table, "certificatesigningrequests"),), names)
    return request(call, call.command.partition(" ")[2], found, {})


def _nodes(call: Call, table: KubectlTable) -> Resources:
    words = [Word(w.text if "/" in w.text else f"nodes/{w.text}", w.span) for w in call.arguments]
    if words:
        return read_resources(words, table, call.command)
    return Resources((find_kind(table, "nodes"),), ())


def _assigned(words: Sequence[Word]) -> tuple[list[Word], list[Word]]:
    """Split resource words from `KEY=VALUE` and `KEY-` words, which come last."""
    first = next((i for i, word in enumerate(words) if "=" in word.text or word.text.endswith("-")), len(words))
    return list(words[:first]), list(words[first:])


def _pairs(words: Sequence[Word], wanted: str, example: str) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for word in words:
        match = _ASSIGNS.fullmatch(word.text)
        if match is None or match["key"] in found:
            raise _assignment(word, wanted, example)
        found[match["key"]] = match["value"]
    if not found:
        raise refuse("K8S_ASSIGNMENT", word="the command", wanted=f"ended by {wanted}", example=example)
    return found


def _changes(words: Sequence[Word], wanted: str, example: str) -> dict[str, Json]:
    """Return KEY → VALUE, and KEY → None for `KEY-`."""
    found: dict[str, Json] = {}
    for word in words:
        match = _ASSIGNS.fullmatch(word.text) or _REMOVES.fullmatch(word.text)
        if match is None or match["key"] in found:
            raise _assignment(word, wanted, example)
        found[match["key"]] = match.groupdict().get("value")
    if not found:
        raise refuse("K8S_ASSIGNMENT", word="the command", wanted=f"ended by {wanted}", example=example)
    return found


def _assignment(word: Word, wanted: str, example: str) -> Exception:
    return refuse("K8S_ASSIGNMENT", word.span, word=show(word.text, "this word"), wanted=wanted, example=example)


def _is_taint(word: Word) -> bool:
    return "=" in word.text or ":" in word.text or word.text.endswith("-")


def _containers(call: Call) -> dict[str, Json]:
    text = call.text("containers")
    return {} if text is None or text == "*" else {"containers": text.split(",")}


def _version(call: Call) -> dict[str, Json]:
    version = call.text("resource-version")
    return {} if version is None else {"resource_version": version}
