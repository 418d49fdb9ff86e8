"""Kubernetes: `kubectl …` and typed `<resource>.<verb>` steps, through one `build`."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.core.canonical import Json
from gateway.core.effect import Effect, Undo
from gateway.core.step import Fanout, Step, Target
from gateway.parsing.catalog import Catalog, Scope
from gateway.parsing.result import ParsedStep, Refusal
from gateway.parsing.scope import resolve_scope
from gateway.parsing.tables_kubectl import Kind, KubectlTable
from gateway.parsing.tools.kubectl_bodies import body_of, content_type_of_patch, patch_type
from gateway.parsing.tools.kubectl_effects import effects_of, undo_of
from gateway.parsing.tools.kubectl_flags import Call
from gateway.parsing.tools.kubectl_names import check_name, check_namespace, check_selector, find_kind
from gateway.parsing.tools.kubectl_request import Request
from gateway.parsing.tools.kubectl_text import read_text
from gateway.parsing.tools.kubectl_verbs import CLUSTER, VERBS, Verb, check_params
from gateway.parsing.tools.refuse import RefusedError, refuse, show, some
from gateway.parsing.typed import agrees
from gateway.parsing.words import TypedStep, Word

_CLUSTER_API: Mapping[str, tuple[str, str, str, str]] = {
    "can_i": ("POST", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"),
    "whoami": ("POST", "authentication.k8s.io", "v1", "selfsubjectreviews"),
}


def from_argv(words: tuple[Word, ...], catalog: Catalog, scope: str | None) -> ParsedStep | Refusal:
    """Read one command; `words[0]` is `kubectl`."""
    try:
        table = catalog.kubectl_of(_likely(words, catalog, scope))
        request, call = read_text(words, table)
        found = _scope(catalog, _named(call, catalog, scope))
        if catalog.kubectl_of(found.name) is not table:
            table = catalog.kubectl_of(found.name)
            request, _ = read_text(words, table)
        _refuse_silent_all(request)
        return build(request, table, found)
    except RefusedError as exc:
        return exc.refusal


def from_typed(step: TypedStep, catalog: Catalog) -> ParsedStep | Refusal:
    """Read one typed step: `pods.list`, `deployments.scale`, `cluster.version`."""
    try:
        if step.region is not None:
            raise refuse("K8S_REGION")
        scope = _scope(catalog, step.scope)
        table = catalog.kubectl_of(scope.name)
        parsed = build(_typed_request(step, table), table, scope)
        return agrees(replace(step, selector=None), parsed) or parsed  # the selector was read, in any spelling
    except RefusedError as exc:
        return exc.refusal


def build(request: Request, table: KubectlTable, scope: Scope) -> ParsedStep:
    """Return the step of a request, or raise a refusal."""
    if not request.kinds:
        return _cluster_step(request, table, scope)
    verb = VERBS[request.verb]
    kinds = _check_kinds(request, verb)
    params = check_params(request.verb, verb.params, verb.required, request.params)
    _check_patch(kinds[0], params)
    target, wide = _target(request, verb, kinds, params, scope)
    if "object" in params:
        params["object"] = _object(kinds[0], params["object"], target)
    effects, why = effects_of(request.verb, kinds, target.fanout, params)
    undo = Undo.NOT_NEEDED if verb.reads else undo_of(request.verb, kinds[0], effects, params)
    step = Step(
        tool="kubernetes",
        operation=f"{_resource_word(kinds, table)}.{request.verb}",
        api=_api(request.verb, verb, kinds, params),
        target=target,
        params=params | ({"resources": [kind.resource for kind in kinds]} if len(kinds) > 1 else {}),
    )
    told = (f"discovery:{table.discovery}",) if table.discovery else ()
    return ParsedStep(step, effects, (*why, *wide, *told), f"kubectl-{table.version}", undo)


def _scope(catalog: Catalog, name: str | None) -> Scope:
    scope = resolve_scope(catalog, "kubernetes", name)
    if isinstance(scope, Refusal):
        raise RefusedError(scope)
    return scope


def _likely(words: tuple[Word, ...], catalog: Catalog, scope: str | None) -> str:
    """Return the scope whose kinds the words are read with at first; the flags, once read, have the last word."""
    known = [each.name for each in catalog.scopes_of("kubernetes")]
    texts = [word.text for word in words]
    given = next((text.partition("=")[2] for text in texts if text.startswith("--context=")), None)
    if given is None and "--context" in texts[:-1]:
        given = texts[texts.index("--context") + 1]
    return given or scope or (known[0] if len(known) == 1 else "")


def _named(call: Call, catalog: Catalog, scope: str | None) -> str | None:
    """Return the scope that the proposal or `--context` names; no other context is ever used."""
    given = call.flags.get("context")
    if given is None:
        return scope
    name = given.values[0]
    if name not in {known.name for known in catalog.scopes_of("kubernetes")}:
        raise refuse("K8S_TARGET_OVERRIDE", given.word.span, flag="--context")
    if scope is not None and scope != name:
        raise refuse("SCOPE_CONFLICT", given.word.span)
    return name


def _refuse_silent_all(request: Request) -> None:
    """Refuse what kubectl refuses: a change that names nothing, and `--all` beside names or a selector."""
    if not request.kinds or VERBS[request.verb].reads:
        return
    chosen = bool(request.names) + (request.selector is not None) + request.all
    if request.params.get("field_selector") is not None and not request.names:
        return
    if chosen == 0:
        raise refuse("K8S_TARGET_MISSING", command=request.command)
    if chosen > 1:
        raise refuse("K8S_TARGET_MIXED")


def _check_kinds(request: Request, verb: Verb) -> tuple[Kind, ...]:
    if len(request.kinds) > 1 and not verb.many_kinds:
        raise refuse("K8S_KINDS_MANY")
    command = request.command or request.verb
    for kind in request.kinds:
        if kind.discovered and not _any_kind(request.verb, verb, kind):
            raise refuse("K8S_KIND_DISCOVERED", command=command, kind=kind.resource)
        if verb.kinds is not None and kind.plural not in verb.kinds and not kind.discovered:
            raise refuse("K8S_KIND_VERB", command=command, kind=kind.plural, known=", ".join(sorted(verb.kinds)))
        needed = {"GET": "list", "DELETE": "delete", "PATCH": "patch"}.get(verb.method)
        if needed is not None and needed not in kind.verbs and "get" not in kind.verbs:
            raise refuse("K8S_KIND_VERB", command=command, kind=kind.plural, known="a kind that can be read")
    return tuple(sorted(request.kinds, key=lambda kind: kind.resource))


def _any_kind(name: str, verb: Verb, kind: Kind) -> bool:
    """Tell whether a verb means the same for a kind of which only the name is known."""
    if name == "scale":
        return "scale" in kind.subresources
    return verb.kinds is None and name not in {"create", "apply"}


def _check_patch(kind: Kind, params: dict[str, Json]) -> None:
    """Check that a patch has the form of its type, and say the type when it is not the kind's default."""
    if "patch" not in params:
        return
    wanted = patch_type(kind, params)
    if (wanted == "json") == isinstance(params["patch"], Mapping):
        raise refuse("K8S_PARAM", name="patch", wanted="a list of operations for type json, else an object")
    if wanted == "json" and not all(
        isinstance(each, Mapping) and isinstance(each.get("path"), str) and isinstance(each.get("op"), str)
        for each in params["patch"]
    ):
        raise refuse("K8S_PARAM", name="patch", wanted="JSON patch operations with op and path")
    params["patch_type"] = wanted


def _target(
    request: Request, verb: Verb, kinds: tuple[Kind, ...], params: Mapping[str, Json], scope: Scope
) -> tuple[Target, tuple[str, ...]]:
    selector = None if request.selector is None else check_selector(request.selector)
    names = tuple(sorted(check_name(name) for name in request.names))
    if names and (selector is not None or params.get("all_namespaces") or params.get("field_selector")):
        raise refuse("K8S_TARGET_MIXED")
    fanout: Fanout = _fanout(names, selector, params)
    if fanout not in verb.fanouts:
        command = request.command or request.verb
        raise refuse("K8S_TARGET_MIXED" if names else "K8S_TARGET_MISSING", command=command)
    everywhere = bool(params.get("all_namespaces"))
    if everywhere and request.namespace is not None:
        raise refuse("K8S_FLAG_CONFLICT", flag="the namespace", other="all namespaces")
    namespaced = any(kind.namespaced for kind in kinds)
    given = check_namespace(request.namespace) if request.namespace is not None else scope.default_namespace
    namespace = given if namespaced and not everywhere else None
    resource = ",".join(kind.resource for kind in kinds)
    name = names[0] if len(names) == 1 else "*"
    target = Target(
        scope=scope.name, kind=",".join(kind.kind for kind in kinds),
        id=f"k8s:{scope.name}/{namespace or '-'}/{resource}/{name}",
        fanout=fanout, names=names, namespace=namespace, selector=selector,
    )  # fmt: skip
    return target, ("width:all namespaces",) if everywhere else ()


def _fanout(names: tuple[str, ...], selector: str | None, params: Mapping[str, Json]) -> Fanout:
    if names:
        return "one" if len(names) == 1 else "listed"
    return "selector" if selector is not None or "field_selector" in params else "all"


def _object(kind: Kind, given: Mapping[str, Json], target: Target) -> dict[str, Json]:
    """Return an object whose identity is the step's; a contradiction is refused."""
    identity: dict[str, Json] = {
        "apiVersion": f"{kind.group}/{kind.version}" if kind.group else kind.version, "kind": kind.kind,
    }  # fmt: skip
    metadata = {"name": target.names[0]} | ({"namespace": target.namespace} if target.namespace else {})
    for member, value in identity.items():
        if given.get(member, value) != value:
            raise refuse("K8S_PARAM", name=f"object.{member}", wanted=str(value))
    for member, value in metadata.items():
        if given["metadata"].get(member, value) != value:
            raise refuse("K8S_PARAM", name=f"object.metadata.{member}", wanted=str(value))
    return dict(given) | identity | {"metadata": dict(given["metadata"]) | metadata}


def _api(name: str, verb: Verb, kinds: tuple[Kind, ...], params: Mapping[str, Json]) -> dict[str, Json]:
    """Return what the API is asked; several kinds are as many requests, and `resource` lists them."""
    if len(kinds) > 1:
        listed = ",".join(kind.resource for kind in kinds)
        return {"method": verb.method, "group": "", "version": "", "resource": listed, "subresource": None}
    (kind,) = kinds
    group, version, resource = kind.group, kind.version, kind.plural
    if name == "top":
        group, version = "metrics.k8s.io", "v1beta1"
    if name == "log":
        group, version, resource = "", "v1", "pods"
    if name == "expose":
        group, version, resource = "", "v1", "services"
    subresource = params.get("subresource", verb.subresource)
    api: dict[str, Json] = {
        "method": verb.method, "group": group, "version": version, "resource": resource, "subresource": subresource,
    }  # fmt: skip
    return api | (content_type_of_patch(kind, params) if name == "patch" else body_of(name, kind, params))


def _cluster_step(request: Request, table: KubectlTable, scope: Scope) -> ParsedStep:
    params = check_params(request.verb, CLUSTER[request.verb], (), request.params)
    method, group, version, resource = _CLUSTER_API.get(request.verb, ("GET", "", "v1", request.verb))
    namespace = request.namespace
    if namespace is not None:
        namespace = check_namespace(namespace)
    step = Step(
        tool="kubernetes",
        operation=f"cluster.{request.verb}",
        api={"method": method, "group": group, "version": version, "resource": resource, "subresource": None},
        target=Target(
            scope=scope.name, kind="Cluster", id=f"k8s:{scope.name}/{namespace or '-'}/cluster/*",
            fanout="one", namespace=namespace,
        ),
        params=params,
    )  # fmt: skip
    why = (f"table:kubectl#{request.command or request.verb}",)
    return ParsedStep(step, frozenset({Effect.READ}), why, f"kubectl-{table.version}", Undo.NOT_NEEDED)


def _resource_word(kinds: tuple[Kind, ...], table: KubectlTable) -> str:
    """Return how an operation names its kind: the plural, with the group where the plural is not enough."""
    if len(kinds) > 1:
        return "resources"
    (kind,) = kinds
    return kind.plural if table.kind(kind.plural) is kind else kind.resource


def _typed_request(step: TypedStep, table: KubectlTable) -> Request:
    resource, _, verb = step.operation.rpartition(".")
    if resource == "cluster" and verb in CLUSTER:
        if step.names or step.selector is not None:
            raise refuse("K8S_TARGET_MIXED")
        return Request(verb, namespace=step.namespace, params=step.params)
    if verb not in VERBS or not resource:
        known = some(list(VERBS), verb)
        raise refuse("K8S_OPERATION_UNKNOWN", operation=show(step.operation), known=known)
    params = dict(step.params)
    if resource == "resources":
        plurals = params.pop("resources", None)
        if (
            not isinstance(plurals, list | tuple)
            or not all(isinstance(each, str) for each in plurals)
            or len(plurals) < 2
        ):
            raise refuse("K8S_PARAM", name="resources", wanted="a list of two or more kinds")
        kinds = tuple(dict.fromkeys(find_kind(table, each) for each in plurals))
    else:
        kinds = (find_kind(table, resource),)
    if not all(kind.namespaced for kind in kinds) and len(kinds) == 1 and step.namespace is not None:
        raise refuse("K8S_NAMESPACE_UNUSED", kind=kinds[0].plural)
    return Request(verb, kinds, step.names, step.namespace, step.selector, params)
