"""The request body of a Kubernetes step where it follows from the params alone.

It stands in the step's `api` as `body` and `content_type`, so what was decided is what an executor sends. Steps whose
body depends on the object as it is (drain, taint, set_subject, expose, undo, approve) or on the clock (restart) have
none; the executor builds it from the params.
"""

from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.parsing.tables_kubectl import Kind

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
PLAIN = "application/json"
_SWITCHES: Mapping[str, tuple[str, bool | None]] = {
    "pause": ("paused", True), "resume": ("paused", None),
    "cordon": ("unschedulable", True), "uncordon": ("unschedulable", None),
}  # fmt: skip
_PATCHES = {"strategic": STRATEGIC, "merge": MERGE, "json": JSON_PATCH}


def body_of(verb: str, kind: Kind, params: Mapping[str, Json]) -> dict[str, Json]:
    """Return `{body, content_type}` of a step, or nothing."""
    made = _template_body(verb, kind, params) or _field_body(verb, params) or _object_body(verb, params)
    if made is None:
        return {}
    content_type, body = made
    return {"content_type": content_type, "body": body}


def patch_type(kind: Kind, params: Mapping[str, Json]) -> str:
    """Return the type of a patch: strategic is kubectl's default, and custom kinds do not have it."""
    given = params.get("patch_type")
    return str(given) if given is not None else "merge" if kind.custom else "strategic"


def _template_body(verb: str, kind: Kind, params: Mapping[str, Json]) -> tuple[str, Json] | None:
    """Return the patch of a pod template, whose place depends on the kind."""
    if verb == "set_image" and "*" not in params["images"]:
        containers = [{"name": name, "image": image} for name, image in sorted(params["images"].items())]
        return STRATEGIC, _in_template(kind, {"containers": containers})
    if verb == "set_serviceaccount":
        return STRATEGIC, _in_template(kind, {"serviceAccountName": params["service_account"]})
    names = params.get("containers")
    if verb == "set_resources" and names:
        resources = {each: params[each] for each in ("limits", "requests") if each in params}
        return STRATEGIC, _in_template(kind, {"containers": [{"name": name, "resources": resources} for name in names]})
    if verb == "set_env" and names:
        env = [_variable(name, value) for name, value in sorted(params["env"].items())]
        return STRATEGIC, _in_template(kind, {"containers": [{"name": name, "env": env} for name in names]})
    return None


def _variable(name: str, value: str | None) -> dict[str, Json]:
    return {"name": name, "$patch": "delete"} if value is None else {"name": name, "value": value}


def _in_template(kind: Kind, spec: Json) -> Json:
    if kind.plural == "pods":
        return {"spec": spec}
    template = {"spec": {"template": {"spec": spec}}}
    return {"spec": {"jobTemplate": template}} if kind.plural == "cronjobs" else template


def _field_body(verb: str, params: Mapping[str, Json]) -> tuple[str, Json] | None:
    """Return the patch of one field."""
    if verb in _SWITCHES:
        field, value = _SWITCHES[verb]
        return MERGE, {"spec": {field: value}}
    if verb == "scale":
        return MERGE, {"spec": {"replicas": params["replicas"]}}
    if verb in {"label", "annotate"}:
        member = "labels" if verb == "label" else "annotations"
        return MERGE, {"metadata": {member: params[member]}}
    if verb == "set_selector":
        return JSON_PATCH, [{"op": "replace", "path": "/spec/selector", "value": params["selector"]}]
    return None


def _object_body(verb: str, params: Mapping[str, Json]) -> tuple[str, Json] | None:
    match verb:
        case "create":
            return PLAIN, params["object"]
        case "apply":
            return APPLY, params["object"]
        case "delete":
            options = {"propagationPolicy": params.get("propagation", "Background")}
            if "grace_period_seconds" in params:
                options["gracePeriodSeconds"] = params["grace_period_seconds"]
            return PLAIN, {"apiVersion": "v1", "kind": "DeleteOptions"} | options
        case _:
            return None


def content_type_of_patch(kind: Kind, params: Mapping[str, Json]) -> dict[str, Json]:
    """Return `{body, content_type}` of an explicit patch."""
    return {"content_type": _PATCHES[patch_type(kind, params)], "body": params["patch"]}
