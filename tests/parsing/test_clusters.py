"""What a cluster says that it serves: new kinds with care, versions of the known ones, and nothing made harmless."""

from dataclasses import replace

import pytest

from gateway.core.discovery import MAX_KINDS, Discovery, DiscoveryMalformed, ServedKind, acceptable, read, write
from gateway.core.effect import Effect, Undo
from gateway.parsing.catalog import Catalog, Scope
from gateway.parsing.clusters import with_discovery
from gateway.parsing.parse import parse, parse_typed
from gateway.parsing.result import ParsedPlan, ParsedStep, Refusal
from tests.fixtures_catalog import catalog as base

NAMESPACED = True
VERBS = ("create", "delete", "get", "list", "patch", "update", "watch")
WIDGET = ServedKind(
    "shop.example", "v1beta1", "widgets", "widget", "Widget", ("wd",), ("all",), NAMESPACED, VERBS, ("scale", "status")
)
PLAIN = replace(WIDGET, plural="gadgets", singular="gadget", kind="Gadget", short=(), subresources=())


def known(*kinds: ServedKind) -> Catalog:
    shipped = base()
    table = with_discovery(shipped.kubectl, read(write(kinds)))
    scopes = {name: Scope(name, "kubernetes") for name in ("eu", "us")}
    return replace(shipped, scopes=scopes, clusters={"eu": table})


def step(line: str, catalog: Catalog, scope: str | None = "eu") -> ParsedStep:
    parsed = parse(line.encode(), catalog, scope)
    assert isinstance(parsed, ParsedPlan), parsed
    return parsed.steps[0]


def refusal(line: str, catalog: Catalog, scope: str | None = "eu") -> str:
    parsed = parse(line.encode(), catalog, scope)
    assert isinstance(parsed, Refusal), parsed
    return parsed.code


@pytest.mark.parametrize(
    "word", ["widgets", "widget", "wd", "Widget", "widgets.shop.example", "widgets.v1beta1.shop.example"]
)
def test_a_kind_that_the_cluster_adds_is_read_by_all_its_names(word: str) -> None:
    found = step(f"kubectl get {word} -n shop", known(WIDGET))
    assert found.step.operation == "widgets.list"
    assert dict(found.step.api) == {
        "method": "GET", "group": "shop.example", "version": "v1beta1", "resource": "widgets", "subresource": None,
    }  # fmt: skip
    assert found.effects == {Effect.READ}


def test_the_digest_of_the_discovery_is_evidence_of_every_step_that_was_read_with_it() -> None:
    digest = read(write([WIDGET])).digest
    for line in ("kubectl get widgets", "kubectl get pods", "kubectl scale widget/a --replicas=1"):
        assert f"discovery:{digest}" in step(line, known(WIDGET)).why


def test_without_discovery_a_kind_of_the_cluster_is_refused() -> None:
    assert refusal("kubectl get widgets", known(WIDGET), "us") == "K8S_KIND_UNKNOWN"
    assert refusal("kubectl --context=us get widgets", known(WIDGET), None) == "K8S_KIND_UNKNOWN"


def test_the_context_of_a_command_says_whose_kinds_are_meant() -> None:
    for line in ("kubectl --context=eu get widgets", "kubectl get widgets --context eu"):
        assert step(line, known(WIDGET), None).step.target.scope == "eu"


def test_a_typed_step_and_its_text_are_one_step() -> None:
    catalog = known(WIDGET)
    target = {"names": ["a"]}
    asked = {"operation": "widgets.scale", "tool": "kubernetes", "target": target, "params": {"replicas": 2}}
    typed = parse_typed([asked], [], catalog, "eu")
    assert isinstance(typed, ParsedPlan), typed
    assert typed.steps[0].step.digest == step("kubectl scale widget/a --replicas=2", catalog).step.digest


@pytest.mark.parametrize(
    "line",
    [
        "kubectl get widgets -o yaml",
        "kubectl get widgets -o 'jsonpath={.items[*].spec}'",
        "kubectl get widgets --sort-by=.spec.size",
        "kubectl describe widget a",
        "kubectl wait widget/a '--for=jsonpath={.status.phase}=x'",
        "kubectl get pods,widgets -o json",
    ],
)
def test_fields_that_nobody_knows_are_read_as_sensitive(line: str) -> None:
    assert step(line, known(WIDGET)).effect is Effect.READ_SENSITIVE


@pytest.mark.parametrize(
    ("line", "effects", "undo"),
    [
        ("kubectl label widget a x=y", {Effect.WRITE}, Undo.EXACT),
        ("kubectl annotate widget a x=y", {Effect.WRITE}, Undo.EXACT),
        ("kubectl scale widget a --replicas=2", {Effect.WRITE}, Undo.EXACT),
        ("kubectl scale widget a --replicas=0", {Effect.WRITE, Effect.DESTRUCTIVE}, Undo.EXACT),
        ('kubectl patch widget a -p \'{"spec":{"x":1}}\'', {Effect.WRITE, Effect.PRIVILEGE}, Undo.EXACT),
        ("kubectl delete widget a", {Effect.WRITE, Effect.PRIVILEGE, Effect.DESTRUCTIVE}, Undo.NONE),
    ],
)
def test_changes_of_an_unknown_kind_are_taken_for_what_they_could_be(
    line: str, effects: set[Effect], undo: Undo
) -> None:
    found = step(line, known(WIDGET))
    assert found.effects == effects
    assert found.undo is undo


@pytest.mark.parametrize(
    "line",
    [
        "kubectl scale gadget a --replicas=2",
        "kubectl rollout restart gadget a",
        "kubectl set image gadget/a a=b:1",
        "kubectl logs gadget/a",
    ],
)
def test_what_needs_to_know_the_kind_is_refused(line: str) -> None:
    assert refusal(line, known(PLAIN)) == "K8S_KIND_DISCOVERED"


@pytest.mark.parametrize("plural", ["pods", "deployments", "services", "nodes", "configmaps"])
def test_a_kind_with_the_plural_of_a_known_one_is_not_taken_for_it(plural: str) -> None:
    liar = replace(WIDGET, plural=plural, singular=plural[:-1], kind="Liar", short=("po", "cm"))
    catalog = known(liar)
    assert step(f"kubectl get {plural}", catalog).step.api["group"] != "shop.example"
    assert step("kubectl get po", catalog).step.api["group"] == ""
    lying = f"{plural}.shop.example"
    assert step(f"kubectl delete {lying} a", catalog).effect >= Effect.DESTRUCTIVE
    assert step(f"kubectl delete {lying} a", catalog).undo is Undo.NONE
    assert refusal(f"kubectl rollout restart {lying} a", catalog) == "K8S_KIND_DISCOVERED"


def test_a_cluster_cannot_make_a_known_kind_harmless() -> None:
    lies = [
        ServedKind("", "v2", "secrets", "configmap", "ConfigMap", ("sec",), (), not NAMESPACED, ("get",), ()),
        ServedKind("rbac.authorization.k8s.io", "v1", "clusterroles", "pod", "Pod", (), (), NAMESPACED, (), ()),
    ]
    catalog, shipped = known(*lies), known()
    for line in ("kubectl get secrets", "kubectl delete clusterrole admin", "kubectl label secret a b=c"):
        lied, true = step(line, catalog), step(line, shipped, "us")
        assert (lied.effects, lied.undo) == (true.effects, true.undo)
        assert lied.step.target.kind == true.step.target.kind
        assert lied.step.target.namespace == true.step.target.namespace
    assert step("kubectl get secrets", catalog).step.api["version"] == "v2"


def test_of_two_new_kinds_with_one_name_neither_has_it() -> None:
    other = replace(WIDGET, group="other.example")
    assert refusal("kubectl get widgets", known(WIDGET, other)) == "K8S_KIND_UNKNOWN"
    assert step("kubectl get widgets.other.example", known(WIDGET, other)).step.api["group"] == "other.example"


@pytest.mark.parametrize(
    "broken",
    [
        b"", b"[]", b"{}", b'{"kinds":[],"v":2}', b'{"v":1,"kinds":[]}', b'{"kinds":{},"v":1}', b'{"kinds":[1],"v":1}',
        write([WIDGET]).replace(b'"Widget"', b'"Wid get"'),
        write([WIDGET]).replace(b'"widgets"', b'"wid/gets"'),
        write([WIDGET]).replace(b'"v1beta1"', b'"../v1"'),
        write([WIDGET]).replace(b'"shop.example"', b'"shop/../x"'),
        write([WIDGET]).replace(b'"namespaced":true', b'"namespaced":1'),
        write([WIDGET]).replace(b'["wd"]', b'"wd"'),
        write([WIDGET]).replace(b'"short"', b'"shorts"'),
        write([WIDGET, WIDGET]),
        write([replace(WIDGET, verbs=("get",) * 40)]),
        write([replace(WIDGET, group=f"g{i}") for i in range(MAX_KINDS + 1)]),
        write([replace(WIDGET, group=f"{'g' * 240}{i}") for i in range(4_000)]),
    ],
)  # fmt: skip
def test_a_document_that_breaks_a_rule_is_refused_whole(broken: bytes) -> None:
    with pytest.raises(DiscoveryMalformed):
        read(broken)


def test_a_document_is_read_as_it_was_written() -> None:
    found = read(write([WIDGET, PLAIN]))
    assert isinstance(found, Discovery)
    assert found.kinds == (WIDGET, PLAIN)
    assert acceptable(WIDGET)
    assert not acceptable(replace(WIDGET, kind="not a kind"))
