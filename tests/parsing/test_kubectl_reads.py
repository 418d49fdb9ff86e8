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


@pytest.mark.parametrize(
    "rest",
    [
        "-o jsonpath='{..env[*].value}'", "-o jsonpath='{..value}'", "-o jsonpath='{..}'", "-o jsonpath='{..*}'",
        "-o jsonpath='{.items[*].spec.containers[*].env[?(@.name==\"DB_PASSWORD\")].value}'",
        "-o jsonpath=\"{.items[*].spec.containers[*]['name','env']}\"", "-o jsonpath='{.items[*].*}'",
        "-o jsonpath='{range .items[*].spec.containers[*].env[*]}{.value}{end}'",
        "-o jsonpath='{.items[?(@.spec.containers[0].env[0].value==\"x\")].metadata.name}'",
        "-o 'custom-columns=X:.spec.containers[*].env[*].value'", "-o custom-columns=N:.metadata.name,X:..env",
        "-o jsonpath='{.items[*].metadata.annotations.kubectl\\.kubernetes\\.io/last-applied-configuration}'",
        "--sort-by='{.spec.containers[0].env[0].value}' -o name",
    ],
)  # fmt: skip
def test_a_template_that_takes_values_away_from_their_names_is_sensitive(rest: str) -> None:
    assert step(f"kubectl get pods -n prod {rest}").effects == {Effect.READ_SENSITIVE}


def test_an_order_or_a_wait_that_asks_about_a_value_is_sensitive() -> None:
    for command in (
        "kubectl get cm -n prod --sort-by=.data.password -o name",
        "kubectl wait --for=jsonpath='{.spec.containers[0].env[0].value}'=hunter2 pod/x -n prod",
    ):
        assert step(command).effects == {Effect.READ_SENSITIVE}


@pytest.mark.parametrize(
    "rest",
    [
        "-o jsonpath='{.items[*].metadata.labels.env}'", "-o custom-columns=ENV:.metadata.labels.env",
        "-o jsonpath='{.items[*].spec.nodeSelector.env}'", "-o jsonpath='{.items[*].spec.containers[*].image}'",
        "-o jsonpath='{.items[*].metadata.annotations.deployment\\.kubernetes\\.io/revision}'",
        "-o jsonpath='{.items[*].spec.containers[*].resources}'", "--sort-by=.status.startTime",
        "-o jsonpath='{range .items[*]}{.metadata.name}{\" env data \"}{end}'", "-o yaml",
    ],
)  # fmt: skip
def test_a_template_of_labels_states_and_images_is_plain(rest: str) -> None:
    assert step(f"kubectl get pods -n prod {rest}").effects == {Effect.READ}


def test_a_context_is_the_name_of_a_configured_scope_or_it_is_refused() -> None:
    plain = step("kubectl get pods -n shop")
    scope = plain.step.target.scope
    assert step(f"kubectl --context={scope} get pods -n shop").step.digest == plain.step.digest
    assert step(f"kubectl get pods -n shop --context {scope}").step.digest == plain.step.digest
    assert refusal("kubectl --context=admin@other get pods -n shop").code == "K8S_TARGET_OVERRIDE"
    assert refusal(f"kubectl --context={scope} --context={scope} get pods").code == "K8S_FLAG_DUPLICATE"
    assert refusal(f"kubectl --context={scope} get pods --kubeconfig=x").code == "K8S_TARGET_OVERRIDE"


@pytest.mark.parametrize(
    ("command", "effect"),
    [
        ("get pods -A -o jsonpath='{range .items[?(@.status.phase!=\"Running\")]}{.metadata.name}{end}'", Effect.READ),
        ("get pods -A -o jsonpath='{range .items[?(@.status.phase!=\"Running\")]}{.spec}{end}'", Effect.READ_SENSITIVE),
        ("get pods -A -o jsonpath='{range .items[?(@.a.env[0].value==\"x\")]}{.kind}{end}'", Effect.READ_SENSITIVE),
        ("get pods -A -o jsonpath='{range ..spec}{.nodeName}{end}'", Effect.READ_SENSITIVE),
        ("get pods -A -o jsonpath='{range .items[*].spec}{@}{end}'", Effect.READ_SENSITIVE),
        ("get cm -A -o jsonpath='{range .items[?(@.data.a==\"x\")]}{.metadata.name}{end}'", Effect.READ_SENSITIVE),
        ("get pods -A -o custom-columns=N:.metadata.name,R:.status.conditions[0].status", Effect.READ),
        ("get pods -A -o jsonpath='{.items[*].status.conditions[?(@.type==\"Ready\")].status}'", Effect.READ),
        ("get pods -A -o custom-columns=N:.metadata.name,R:.status", Effect.READ_SENSITIVE),
        ("get pods -A -o jsonpath='{.items[*].status}'", Effect.READ_SENSITIVE),
        ("get events -A -o json", Effect.READ),
        ("get events.events.k8s.io -A -o yaml", Effect.READ),
        ("get events,pods -A -o json", Effect.READ_SENSITIVE),
        ("get events,secrets -A -o json", Effect.READ_SENSITIVE),
    ],
)
def test_what_a_loop_goes_over_is_not_what_it_shows(command: str, effect: Effect) -> None:
    assert step(f"kubectl {command}").effects == {effect}


@pytest.mark.parametrize("path", ["/livez/etcd", "/readyz/poststarthook/start-apiextensions-controllers?verbose"])
def test_one_check_of_the_health_of_the_server_is_read(path: str) -> None:
    assert step(f"kubectl get --raw '{path}'").effects == {Effect.READ}


@pytest.mark.parametrize(
    "path",
    [
        "/livez/../api/v1/secrets", "/livez/a/b/c", "/healthz//x", "/livez/%2e%2e/api", "/livez/.", "/livezz",
        "/readyz?exclude=etcd", "/livez/etcd/", "/livez/etcd?verbose&x", "/api", "/metrics", "/livez/etcd#",
    ],
)  # fmt: skip
def test_an_address_beside_the_health_of_the_server_is_refused(path: str) -> None:
    assert refusal(f"kubectl get --raw '{path}'").code in {"K8S_RAW", "K8S_PARAM"}


def test_a_read_may_say_how_long_its_client_would_wait_and_a_change_may_not() -> None:
    plain = step("kubectl get pods -n shop")
    for given in ("--request-timeout=5s", "--request-timeout 1m", "--request-timeout=1h"):
        assert step(f"kubectl get pods -n shop {given}").step.digest == plain.step.digest
    assert step("kubectl --request-timeout=5s get --raw /livez").effects == {Effect.READ}
    for endless in ("0", "0s", "0h0m0s"):
        assert refusal(f"kubectl get pods --request-timeout={endless}").code == "K8S_TARGET_OVERRIDE"
    assert refusal("kubectl get pods --request-timeout=evil").code == "K8S_FLAG_VALUE"
    assert refusal("kubectl get pods --request-timeout=5s --request-timeout=6s").code == "K8S_FLAG_DUPLICATE"
    for change in ("delete pod x", "scale deploy x --replicas=2", "rollout restart deploy/x", "cordon n1"):
        assert refusal(f"kubectl {change} --request-timeout=5s").code == "K8S_FLAG_UNSUPPORTED"


@pytest.mark.parametrize("kind", ["sealedsecrets", "vaultstaticsecrets", "grafanadatasources", "sub", "ippools"])
def test_of_a_kind_that_is_shipped_as_a_name_only_the_table_is_plain(kind: str) -> None:
    assert step(f"kubectl get {kind}").effects == {Effect.READ}
    for shown in (f"get {kind} -o yaml", f"get {kind} -o jsonpath='{{.items[*].spec}}'", f"describe {kind}"):
        assert step(f"kubectl {shown}").effects == {Effect.READ_SENSITIVE}
    assert Effect.PRIVILEGE in step(f"kubectl delete {kind} x").effects
    assert refusal(f"kubectl scale {kind} x --replicas=0").code == "K8S_KIND_DISCOVERED"
