"""Which fields a Kubernetes step says it would change, for a check that no executor looks at.

The paths are those of a dry run (`/spec/template/spec/containers[name=web]/image`); what stands there now is not
known, so `from` is null.
"""

from collections.abc import Iterator, Mapping

from gateway.core.canonical import Json

_CONTAINERS = "/spec/template/spec/containers"
_Change = tuple[str, Json]


def supposed_changes(step: Mapping[str, Json]) -> list[Json]:
    """Return `[{path, from, to}]` of a step, as far as its params tell."""
    verb = str(step["operation"]).rpartition(".")[2]
    return [{"path": path, "from": None, "to": to} for path, to in _changes(verb, step["params"])]


def _changes(verb: str, params: Mapping[str, Json]) -> Iterator[_Change]:
    match verb:
        case "scale":
            yield "/spec/replicas", params["replicas"]
        case "patch":
            yield from _patched(params["patch"])
        case "apply" | "create":
            yield from _members(params["object"], "")
        case "label" | "annotate":
            yield from _keyed(f"/metadata/{verb.replace('annotate', 'annotation')}s", params)
        case "set_image" | "set_resources" | "set_env":
            yield from _in_containers(verb, params)
        case _:
            return


def _keyed(place: str, params: Mapping[str, Json]) -> Iterator[_Change]:
    for key, value in params[place.rpartition("/")[2]].items():
        yield f"{place}/{_escaped(key)}", value


def _in_containers(verb: str, params: Mapping[str, Json]) -> Iterator[_Change]:
    if verb == "set_image":
        for name, image in params["images"].items():
            yield f"{_CONTAINERS}[name={name}]/image", image
        return
    for name in params.get("containers", ("*",)):
        container = f"{_CONTAINERS}[name={name}]"
        for member in ("limits", "requests"):
            for resource, value in params.get(member, {}).items():
                yield f"{container}/resources/{member}/{_escaped(resource)}", value
        for variable, value in params.get("env", {}).items():
            yield f"{container}/env[name={variable}]/value", value


def _patched(patch: Json) -> Iterator[_Change]:
    if isinstance(patch, Mapping):
        yield from _members(patch, "")
        return
    for operation in patch:
        if operation["op"] == "remove":
            yield operation["path"], None
        elif operation["op"] != "test":
            yield from _members(operation.get("value"), operation["path"])


def _members(value: Json, path: str) -> Iterator[_Change]:
    """Yield the leaves of a document; elements of a list are told apart by their name where they have one."""
    if isinstance(value, Mapping) and value:
        for name, member in value.items():
            yield from _members(member, f"{path}/{_escaped(name)}")
    elif isinstance(value, list | tuple) and value and all(isinstance(v, Mapping) and "name" in v for v in value):
        for element in value:
            rest = {name: member for name, member in element.items() if name != "name"}
            yield from _members(rest, f"{path}[name={element['name']}]")
    else:
        yield path, value


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
