"""The effects and the undo class of a Kubernetes step: verb, kind, width and the fields that it touches."""

import re
from collections.abc import Iterator, Mapping

from gateway.core.canonical import Json
from gateway.core.effect import Effect, Undo
from gateway.core.step import Fanout
from gateway.parsing.tables_kubectl import Kind
from gateway.parsing.tools.kubectl_template import bare_values, names_only, shows_bare_values, whole_parts
from gateway.parsing.tools.kubectl_verbs import VERBS
from gateway.parsing.tools.refuse import words_of

Found = tuple[Effect, str]
UNKNOWN_KIND = "kind:known by discovery only"
SECRET_KINDS = words_of("secrets")
DATA_KINDS = words_of("configmaps")
PRIVILEGE_KINDS = words_of(
    """
    roles clusterroles rolebindings clusterrolebindings serviceaccounts certificatesigningrequests apiservices secrets
    validatingwebhookconfigurations mutatingwebhookconfigurations validatingadmissionpolicies clustertrustbundles
    validatingadmissionpolicybindings mutatingadmissionpolicies mutatingadmissionpolicybindings
    customresourcedefinitions runtimeclasses podcertificaterequests flowschemas prioritylevelconfigurations
    clusterissuers issuers externalsecrets secretstores appprojects clustersecretstores clusterexternalsecrets
    secretproviderclasses clusterpolicies constrainttemplates
    """
)
BOUNDARY_KINDS = words_of(
    """
    networkpolicies ingresses ingressclasses gateways gatewayclasses httproutes grpcroutes endpoints endpointslices
    authorizationpolicies peerauthentications virtualservices destinationrules serviceentries servicecidrs ipaddresses
    ingressroutes middlewares httpproxies sidecars envoyfilters workloadentries requestauthentications referencegrants
    tlsroutes tcproutes udproutes routes ingressroutetcps traefikservices targetgroupbindings securitygrouppolicies
    ciliumnetworkpolicies ciliumclusterwidenetworkpolicies networkattachmentdefinitions dnsendpoints
    """
)
# Deleted, these can be made again from the snapshot that was taken before.
RECREATED = BOUNDARY_KINDS | words_of(
    """
    configmaps services horizontalpodautoscalers poddisruptionbudgets resourcequotas limitranges priorityclasses
    roles clusterroles rolebindings clusterrolebindings serviceaccounts validatingwebhookconfigurations
    mutatingwebhookconfigurations storageclasses
    """
)
_CODE_KEYS = re.compile(
    r"^(pod-security\.kubernetes\.io/|eks\.amazonaws\.com/(role-arn|sts)|iam\.gke\.io/|azure\.workload\.identity/"
    r"|iam\.amazonaws\.com/|kubernetes\.io/enforce-mountable-secrets|rbac\.authorization\.k8s\.io/|security\.istio\.io/"
    r"|sidecar\.istio\.io/|istio-injection|container\.apparmor\.|seccomp\.security\.|node-restriction\.kubernetes\.io/"
    r"|istio\.io/|kuma\.io/|consul\.hashicorp\.com/|security\.openshift\.io/"
    r"|admission\.|policies\.|kyverno\.io/|gatekeeper\.sh/|[a-z.]*vault|linkerd\.io/inject)"
    r"|snippet$|auth-url$|auth-type$|server-alias$|configuration-snippet"
)
# Labels that the cluster itself reads: what runs on a node, which pods a namespace admits, who may talk to it.
_RESERVED_KEYS = re.compile(r"([a-z0-9-]+\.)*(kubernetes|k8s)\.io/")
_LABELLED = frozenset({"nodes", "namespaces"})
_ROLES = {("nodes", "node-role.kubernetes.io/master", "")}
"""The role that old selectors look for, as it is put back: a write like any other. Policy says who may."""
_EXPOSURE_KEYS = re.compile(r"load-balancer|source-range|external-dns|ingress\.class$|/scheme$")
_PRIVILEGE_FIELDS = re.compile(
    r"(^|/)(serviceAccountName|serviceAccount|automountServiceAccountToken|hostNetwork|hostPID|hostIPC|hostUsers"
    r"|securityContext|hostPath|privileged|runtimeClassName|rules|roleRef|subjects|aggregationRule|webhooks|caBundle"
    r"|failurePolicy|podCertificate|projected|shareProcessNamespace|procMount|capabilities)(/|$)"
)
_RULES = re.compile(r"(^|/)rules(?=/|$)")
_BOUNDARY_FIELDS = re.compile(
    r"(^|/)spec/(type|externalIPs|externalName|loadBalancerIP|loadBalancerSourceRanges|externalTrafficPolicy"
    r"|selector)(/|$)"
)
_DESTRUCTIVE_FIELDS = re.compile(
    r"(^|/)(finalizers|ownerReferences|deletionTimestamp|claimRef|reclaimPolicy|persistentVolumeReclaimPolicy)(/|$)"
)
_OBJECT_OUTPUTS = frozenset({"json", "yaml", "jsonpath", "custom-columns"})
_ALWAYS: Mapping[str, Effect] = {
    "drain": Effect.DESTRUCTIVE, "set_selector": Effect.DESTRUCTIVE, "set_serviceaccount": Effect.PRIVILEGE,
    "set_subject": Effect.PRIVILEGE, "approve": Effect.PRIVILEGE,
}  # fmt: skip
_MANY_KINDS = 6  # as `get all` has
_WHOLE_OUTPUTS = frozenset({"json", "yaml"})
_TOLD = frozenset({"events"})  # their table shows all that they say


def effects_of(
    verb: str, kinds: tuple[Kind, ...], fanout: Fanout, params: Mapping[str, Json]
) -> tuple[frozenset[Effect], tuple[str, ...]]:
    """Return the effects of a step and the evidence for each."""
    if VERBS[verb].reads:
        found = [_read(verb, kinds, params)]
    else:
        (kind,) = kinds
        found = [(Effect.WRITE, f"table:kubectl#{verb}"), *_change(verb, kind, fanout, params)]
    return frozenset(effect for effect, _ in found), tuple(dict.fromkeys(why for _, why in found))


def undo_of(verb: str, kind: Kind, effects: frozenset[Effect], params: Mapping[str, Json]) -> Undo:
    """Return the static undo class of a step."""
    if verb == "delete" and kind.discovered:
        return Undo.NONE
    if verb == "delete":
        plain_pod = kind.plural == "pods" and Effect.DESTRUCTIVE not in effects
        return Undo.NEUTRAL if plain_pod else Undo.COMPENSATING if kind.plural in RECREATED else Undo.NONE
    if verb == "taint" and Effect.DESTRUCTIVE in effects:
        return Undo.NONE
    if verb == "patch" and (Effect.DESTRUCTIVE in effects or kind.plural == "persistentvolumeclaims"):
        return Undo.EXACT if _scales_to_zero(params) else Undo.NONE
    if verb == "create" and kind.plural in {"jobs", "pods"}:
        return Undo.NONE
    return VERBS[verb].undo


def _read(verb: str, kinds: tuple[Kind, ...], params: Mapping[str, Json]) -> Found:
    """Return the effect of a read."""
    why = (
        _of_secrets(verb, {kind.plural for kind in kinds}, params)
        or _of_the_unknown(verb, kinds, params)
        or _too_wide(kinds, params)
    )
    return (Effect.READ_SENSITIVE, why) if why else (Effect.READ, f"table:kubectl#{verb}")


def _of_secrets(verb: str, plurals: set[str], params: Mapping[str, Json]) -> str:
    """Return why a read may show a secret; empty when it does not."""
    if plurals & SECRET_KINDS:
        return "kind:secrets"
    if verb == "log":
        return "table:kubectl#logs"
    if plurals & DATA_KINDS and (_shows_objects(params) or verb in {"describe", "wait"}):
        return "kind:configmaps"
    asked = (params.get("sort_by", ""), params.get("for", "") if verb == "wait" else "")
    bare = shows_bare_values(params.get("output", ""), params.get("template", ""))
    return "template:values without their names" if bare or any(map(bare_values, asked)) else ""


def _of_the_unknown(verb: str, kinds: tuple[Kind, ...], params: Mapping[str, Json]) -> str:
    """Return why a read shows fields of which nobody here knows whether they are secret; a plain table does not."""
    shows = _shows_objects(params) or verb in {"describe", "wait"} or "sort_by" in params
    return UNKNOWN_KIND if shows and any(kind.discovered for kind in kinds) else ""


def _too_wide(kinds: tuple[Kind, ...], params: Mapping[str, Json]) -> str:
    """Return why a read shows too much at once; empty when it does not."""
    output, everywhere = params.get("output", ""), bool(params.get("all_namespaces"))
    told = all(kind.plural in _TOLD for kind in kinds)
    if everywhere and not told and (output in _WHOLE_OUTPUTS or whole_parts(output, params.get("template", ""))):
        return "width:whole objects of all namespaces"
    many = len(kinds) >= _MANY_KINDS and (everywhere or _shows_objects(params))
    return "width:whole objects of many kinds" if many else ""


def _shows_objects(params: Mapping[str, Json]) -> bool:
    output = params.get("output", "")
    return output in _OBJECT_OUTPUTS and not names_only(output, params.get("template", ""))


def _change(verb: str, kind: Kind, fanout: Fanout, params: Mapping[str, Json]) -> Iterator[Found]:
    """Yield what makes a change worse than a write."""
    yield from _by_kind(verb, kind)
    if fanout == "all" and verb not in {"cordon", "uncordon"}:
        yield Effect.DESTRUCTIVE, "width:all"
    if verb in _ALWAYS:
        yield _ALWAYS[verb], f"table:kubectl#{verb}"
    if verb == "delete":
        yield from _deletes(kind, fanout, params)
    if params.get("replicas") == 0:
        yield Effect.DESTRUCTIVE, "param:replicas=0"
    if any(taint.get("effect") == "NoExecute" for taint in params.get("add", ())):
        yield Effect.DESTRUCTIVE, "param:NoExecute"
    if params.get("type", "ClusterIP") != "ClusterIP":
        yield Effect.BOUNDARY, "param:type"
    yield from _by_keys(params.get("labels") or params.get("annotations") or {})
    yield from _by_labels(kind, params.get("labels") or {})
    for document in ("patch", "object"):
        if document in params:
            yield from _by_fields(kind, params[document])


def _by_kind(verb: str, kind: Kind) -> Iterator[Found]:
    if kind.plural in PRIVILEGE_KINDS:
        yield Effect.PRIVILEGE, f"kind:{kind.plural}"
    if kind.plural in BOUNDARY_KINDS:
        yield Effect.BOUNDARY, f"kind:{kind.plural}"
    if kind.discovered and verb in {"patch", "delete"}:
        yield Effect.PRIVILEGE, UNKNOWN_KIND
    if kind.plural == "nodes" and verb in {"create", "apply", "patch"}:
        yield Effect.PRIVILEGE, "kind:nodes"


def _deletes(kind: Kind, fanout: Fanout, params: Mapping[str, Json]) -> Iterator[Found]:
    """Yield how bad a deletion is; a pod of a controller comes back, so one named pod is only a write."""
    gentle = "force" not in params and params.get("grace_period_seconds", 1) > 0
    if kind.plural == "pods" and not kind.discovered and fanout in {"one", "listed"} and gentle:
        return
    yield Effect.DESTRUCTIVE, f"table:kubectl#delete {kind.plural}"


def _by_keys(keys: Mapping[str, Json]) -> Iterator[Found]:
    for key in keys:
        if _CODE_KEYS.search(key):
            yield Effect.PRIVILEGE, f"key:{key}"
        if _EXPOSURE_KEYS.search(key):
            yield Effect.BOUNDARY, f"key:{key}"


def _by_labels(kind: Kind, labels: Mapping[str, Json]) -> Iterator[Found]:
    """Yield reserved labels of what others are admitted to, placed on or let in by."""
    for key, value in labels.items() if kind.plural in _LABELLED else ():
        if _RESERVED_KEYS.match(key) and (kind.plural, key, value) not in _ROLES:
            yield Effect.BOUNDARY, f"key:{key}"


def _by_fields(kind: Kind, document: Json) -> Iterator[Found]:
    """Yield what the fields of a patch or an object do."""
    for path, value in _paths(document):
        # The rules of a route are its paths and hosts, not what somebody may do.
        if _PRIVILEGE_FIELDS.search(_RULES.sub("", path) if kind.plural in BOUNDARY_KINDS else path):
            yield Effect.PRIVILEGE, f"field:{path}"
        if _DESTRUCTIVE_FIELDS.search(path):
            yield Effect.DESTRUCTIVE, f"field:{path}"
        if kind.plural == "services" and _exposes(path, value):
            yield Effect.BOUNDARY, f"field:{path}"
        if path.endswith(("spec/replicas", "spec/minReplicas", "spec/maxReplicas")) and value == 0:
            yield Effect.DESTRUCTIVE, f"field:{path}=0"
        if "/metadata/labels/" in f"/{path}" or "/metadata/annotations/" in f"/{path}":
            key = path.split("/labels/" if "/labels/" in path else "/annotations/", 1)[1].replace("~1", "/")
            yield from _by_keys({key: value})
            yield from _by_labels(kind, {key: value} if "/metadata/labels/" in f"/{path}" else {})


def _exposes(path: str, value: Json) -> bool:
    """Tell whether a field of a service lets other traffic in or sends it elsewhere."""
    return bool(_BOUNDARY_FIELDS.search(path)) and not (path.endswith("spec/type") and value == "ClusterIP")


def _paths(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield path and value of every member; a JSON patch is read as the paths that it names."""
    if isinstance(document, list | tuple):
        for operation in document:
            if isinstance(operation, Mapping) and operation.get("op") != "test":
                for member in ("path", "from"):
                    path = str(operation.get(member, "")).strip("/")
                    yield path, operation.get("value")
                    yield from _members(operation.get("value"), path)
    else:
        yield from _members(document, "")


def _members(value: Json, path: str) -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            below = f"{path}/{str(name).replace('/', '~1')}".strip("/")
            yield below, item
            yield from _members(item, below)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _members(item, path)


def _scales_to_zero(params: Mapping[str, Json]) -> bool:
    """Tell whether the only destructive field of a patch is a number of replicas, which is undone exactly."""
    return not any(_DESTRUCTIVE_FIELDS.search(path) for path, _ in _paths(params["patch"]))
