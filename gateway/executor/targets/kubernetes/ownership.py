"""Who owns an object: infrastructure as code, a controller, a team; and who changed it last."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.core.canonical import Json

_ARGO, _FLUX, _HELM, _TERRAFORM = "argo", "flux", "helm", "terraform"
# The words that policies use for the owners.
_TOOLS = {_ARGO: "argocd", _FLUX: "flux", _HELM: "helm", _TERRAFORM: "terraform"}
# metadata.managedFields[].manager, in lower case, begins with one of these.
_MANAGERS = (
    ("argocd", _ARGO), ("kustomize-controller", _FLUX), ("helm-controller", _FLUX), ("helm", _HELM),
    ("terraform", _TERRAFORM), ("hashicorp", _TERRAFORM), ("opentofu", _TERRAFORM),
)  # fmt: skip
# (labels or annotations, key, owner): the value names the application or release.
_MARKS = (
    ("annotations", "argocd.argoproj.io/tracking-id", _ARGO),
    ("labels", "argocd.argoproj.io/instance", _ARGO),
    ("labels", "kustomize.toolkit.fluxcd.io/name", _FLUX),
    ("labels", "helm.toolkit.fluxcd.io/name", _FLUX),
    ("annotations", "meta.helm.sh/release-name", _HELM),
)
_MANAGED_BY = "app.kubernetes.io/managed-by"
_TEAM_KEYS = ("countermand.dev/owner", "owner", "team")
# They write what they are for, not what people decided; `status` writers are told by their subresource.
_CONTROLLERS = frozenset({
    "kube-controller-manager", "kube-scheduler", "kube-apiserver", "kubelet", "cloud-controller-manager", "kwok",
    "kube-proxy", "node-problem-detector", "cluster-autoscaler",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Writer:
    """One entry of managedFields that is about more than status."""

    manager: str
    operation: str
    at_ms: int
    fields: Mapping[str, Json]


def iac_of(document: Mapping[str, Json]) -> dict[str, Json]:
    """Return `{manager, tool, name, by}` of the code that owns an object, or `{manager: "none"}`."""
    metadata = document.get("metadata") or {}
    for part, key, manager in _MARKS:
        if value := (metadata.get(part) or {}).get(key):
            name = str(value).partition(":")[0]
            return {"manager": manager, "tool": _TOOLS[manager], "name": name, "by": f"{part}:{key}"}
    said = str((metadata.get("labels") or {}).get(_MANAGED_BY, ""))
    for text, by in ((said, f"labels:{_MANAGED_BY}"), *((each.manager, "managedFields") for each in writers(document))):
        for begin, manager in _MANAGERS:
            if text.lower().startswith(begin):
                return {"manager": manager, "tool": _TOOLS[manager], "name": text, "by": by}
    return {"manager": "none"}


def team_of(document: Mapping[str, Json]) -> str | None:
    """Return the team that the object's labels or annotations name."""
    metadata = document.get("metadata") or {}
    for key in _TEAM_KEYS:
        for part in ("labels", "annotations"):
            if value := (metadata.get(part) or {}).get(key):
                return str(value)
    return None


def writers(document: Mapping[str, Json]) -> Iterator[Writer]:
    """Yield the managers of an object's fields, without those of its status."""
    for entry in (document.get("metadata") or {}).get("managedFields") or ():
        if entry.get("subresource") != "status":
            fields = entry.get("fieldsV1") or {}
            yield Writer(str(entry.get("manager", "")), str(entry.get("operation", "")), _ms(entry.get("time")), fields)


def people(document: Mapping[str, Json]) -> list[Writer]:
    """Return the writers that are no controllers of the cluster itself."""
    return [each for each in writers(document) if each.manager not in _CONTROLLERS]


def created_ms(document: Mapping[str, Json]) -> int:
    """Return when an object was made; 0 when it does not tell."""
    return _ms((document.get("metadata") or {}).get("creationTimestamp"))


def last_change(document: Mapping[str, Json]) -> dict[str, Json]:
    """Return `{at_ms, by}` of the newest change that a person or a tool made."""
    found = max(people(document), key=lambda each: each.at_ms, default=None)
    return {} if found is None or not found.at_ms else {"at_ms": found.at_ms, "by": found.manager}


def controller_of(document: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """Return the ownerReference of the controller that keeps an object as it wants it."""
    references = (document.get("metadata") or {}).get("ownerReferences") or ()
    return next((each for each in references if each.get("controller")), None)


def _ms(text: Json) -> int:
    try:
        return int(datetime.fromisoformat(str(text)).timestamp() * 1000)
    except ValueError:
        return 0
