"""What kubectl's reads show: one rule a test, found by strings that were not in any corpus."""

import pytest

from gateway.core.effect import Effect
from tests.fixtures_catalog import as_typed, refusal, step, typed


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("kubectl get '' pods", "K8S_KIND_UNKNOWN"),
        ("kubectl '' get pods", "K8S_INCOMPLETE"),
        ("kubectl rollout '' status deploy/web", "K8S_COMMAND_UNKNOWN"),
        ("kubectl auth '' can-i get pods", "K8S_COMMAND_UNKNOWN"),
    ],
)
def test_an_empty_word_is_an_argument_and_never_swallowed(command: str, code: str) -> None:
    assert refusal(command).code == code


@pytest.mark.parametrize(
    "template",
    [
        "jsonpath='{.items}'", "jsonpath='{@}'", "jsonpath='{.items[*].spec}'", "jsonpath='{..env}'",
        "jsonpath='{range .items[*]}{.spec}{end}'", "jsonpath='{.items[*].spec.containers[*].env[*].value}'",
        "jsonpath='{.items[*].metadata.annotations.x}'", "jsonpath='{.items[*].metadata[\"name\",\"annotations\"]}'",
        "custom-columns=X:.spec", "custom-columns=N:.metadata.name,E:.spec.template", "json", "yaml",
    ],
)  # fmt: skip
def test_whole_objects_of_all_namespaces_are_sensitive_in_every_output(template: str) -> None:
    assert step(f"kubectl get pods -A -o {template}").effects == {Effect.READ_SENSITIVE}


@pytest.mark.parametrize(
    "template",
    [
        "jsonpath='{.items[*].metadata.name}'", "wide", "name", "custom-columns=NODE:.spec.nodeName",
        "jsonpath='{range .items[*]}{.metadata.namespace}{\"\\t\"}{.spec.containers[*].image}{\"\\n\"}{end}'",
    ],
)  # fmt: skip
def test_a_few_fields_of_all_namespaces_are_a_plain_read(template: str) -> None:
    assert step(f"kubectl get pods -A -o {template}").effects == {Effect.READ}


@pytest.mark.parametrize(
    ("template", "effect"),
    [
        ("jsonpath='{.items[*].metadata.name}'", Effect.READ),
        ("custom-columns=N:.metadata.name,T:.metadata.creationTimestamp", Effect.READ),
        ("jsonpath='{.data}'", Effect.READ_SENSITIVE),
        ("jsonpath='{.items[*].metadata.annotations.name}'", Effect.READ_SENSITIVE),
        ("jsonpath='{.items[?(@.data.x==\"y\")].metadata.name}'", Effect.READ_SENSITIVE),
        ("jsonpath='{range .items[?(@.data.x==\"y\")]}{.metadata.name}{end}'", Effect.READ_SENSITIVE),
        ("custom-columns=N:.metadata.name,D:.data", Effect.READ_SENSITIVE),
    ],
)
def test_names_of_configmaps_are_plain_and_their_content_is_not(template: str, effect: Effect) -> None:
    assert step(f"kubectl get cm -n shop -o {template}").effects == {effect}


@pytest.mark.parametrize("template", ["{range .items[*]}{.x}", "{end}", "{range .a}" * 4 + "{.x}" + "{end}" * 4])
def test_every_range_has_its_end_and_three_may_nest(template: str) -> None:
    assert refusal(f"kubectl get pods -o jsonpath='{template}'").code == "K8S_TEMPLATE"


def test_a_read_may_ask_several_kinds_for_the_same_names() -> None:
    parsed = step("kubectl get deploy,svc web -n shop")
    assert parsed.step.digest == step("kubectl get svc/web deployment/web -n shop").step.digest
    assert parsed.step.target.id == "k8s:prod-eu/shop/deployments.apps,services/web"
    assert typed(as_typed(parsed)).step.digest == parsed.step.digest
    assert refusal("kubectl get deploy/web svc/db").code == "K8S_KINDS_MANY"
    assert refusal("kubectl delete deploy,svc web").code == "K8S_KINDS_MANY"
    assert step("kubectl get deploy,secret web").effects == {Effect.READ_SENSITIVE}


def test_a_custom_kind_whose_name_means_another_kind_is_known_with_its_group_only() -> None:
    assert step("kubectl get gateways").step.api["group"] == "gateway.networking.k8s.io"
    assert step("kubectl get gateways.networking.istio.io").step.api["group"] == "networking.istio.io"
    assert step("kubectl get pods").step.api["group"] == ""
    assert step("kubectl get pods.metrics.k8s.io").step.api["group"] == "metrics.k8s.io"


@pytest.mark.parametrize(
    "command",
    ["kubectl explain pods --api-version=../../x", "kubectl api-resources --api-group=../x",
     "kubectl auth can-i get pods --subresource=log/../x"],
)  # fmt: skip
def test_what_becomes_part_of_an_address_has_a_narrow_form(command: str) -> None:
    assert refusal(command).code == "K8S_PARAM"
