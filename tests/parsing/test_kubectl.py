"""kubectl commands and typed Kubernetes steps: what is understood, what it means, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.effect import Effect, Undo
from gateway.parsing.codes_kubectl import CODES
from gateway.parsing.result import ParsedStep, Refusal
from gateway.parsing.tools import kubectl
from gateway.parsing.words import Word
from tests.fixtures_catalog import as_typed, catalog, lines, refusal, rows, step, typed, typed_refusal


def test_a_list_of_pods_is_a_read_of_one_namespace() -> None:
    parsed = step("kubectl -n prod get pods")
    assert parsed.step.operation == "pods.list"
    assert parsed.step.target.id == "k8s:prod-eu/prod/pods/*"
    assert parsed.step.to_json()["api"] == {
        "method": "GET", "group": "", "version": "v1", "resource": "pods", "subresource": None,
    }  # fmt: skip
    assert parsed.effects == {Effect.READ}
    assert parsed.undo is Undo.NOT_NEEDED


def test_scaling_says_what_the_api_is_sent() -> None:
    parsed = step("kubectl -n prod scale deploy/web --replicas=3").step
    assert parsed.operation == "deployments.scale"
    assert parsed.target.id == "k8s:prod-eu/prod/deployments.apps/web"
    assert parsed.to_json()["api"] == {
        "method": "PATCH", "group": "apps", "version": "v1", "resource": "deployments", "subresource": "scale",
        "content_type": "application/merge-patch+json", "body": {"spec": {"replicas": 3}},
    }  # fmt: skip
    assert dict(parsed.params) == {"replicas": 3}


@pytest.mark.parametrize(
    ("command", "fanout", "names"),
    [
        ("kubectl delete pod web-0", "one", ("web-0",)),
        ("kubectl delete pods web-0 web-1", "listed", ("web-0", "web-1")),
        ("kubectl delete pods -l app=web", "selector", ()),
        ("kubectl delete pods --field-selector=status.phase=Failed", "selector", ()),
        ("kubectl delete pods --all", "all", ()),
        ("kubectl rollout restart deployment", "all", ()),
    ],
)
def test_the_target_says_how_wide_a_step_is(command: str, fanout: str, names: tuple[str, ...]) -> None:
    target = step(command).step.target
    assert (target.fanout, target.names) == (fanout, names)


@pytest.mark.parametrize("row", lines("kubectl_effects"))
def test_the_worst_effect_and_the_undo_class_of_a_command(row: str) -> None:
    effect, undo, command = row.split(" | ", 2)
    parsed = step(command)
    assert (parsed.effect, parsed.undo) == (effect, undo), parsed.why


@pytest.mark.parametrize(("code", "command"), rows("kubectl_refusals"))
def test_what_is_not_understood_is_refused_with_its_own_code(code: str, command: str) -> None:
    assert refusal(command).code == code
    assert code in CODES


@pytest.mark.parametrize(("left", "right"), rows("kubectl_same", "||"))
def test_the_same_meaning_has_the_same_digest(left: str, right: str) -> None:
    assert step(left).step.to_json() == step(right).step.to_json()


def test_every_plain_read_of_the_corpus_is_a_read() -> None:
    commands = lines("reads_kubectl")
    assert len(commands) >= 110
    for command in commands:
        assert step(command).effects == {Effect.READ}, command


@pytest.mark.parametrize(
    "command",
    [*lines("reads_kubectl"), *(row.split(" | ", 2)[2] for row in lines("kubectl_effects"))],
)
def test_text_and_typed_form_of_one_meaning_give_the_same_step_and_effects(command: str) -> None:
    parsed = step(command)
    again = typed(as_typed(parsed))
    assert again.step.digest == parsed.step.digest
    assert (again.effects, again.undo) == (parsed.effects, parsed.undo)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"operation": "deployments.explode"}, "K8S_OPERATION_UNKNOWN"),
        ({"operation": "widgets.scale"}, "K8S_KIND_UNKNOWN"),
        ({"operation": "pods.exec"}, "K8S_OPERATION_UNKNOWN"),
        ({"operation": "configmaps.scale"}, "K8S_KIND_VERB"),
        ({"params": {}}, "K8S_PARAM_MISSING"),
        ({"params": {"replicas": "3"}}, "K8S_PARAM"),
        ({"params": {"replicas": -1}}, "K8S_PARAM"),
        ({"params": {"replicas": True}}, "K8S_PARAM"),
        ({"params": {"replicas": 3, "force": True}}, "K8S_PARAM_UNKNOWN"),
        ({"target": {"names": ["../x"]}}, "K8S_NAME"),
        ({"target": {"names": ["web"], "namespace": "Prod"}}, "K8S_NAMESPACE"),
        ({"target": {"names": ["web"], "region": "eu-west-1"}}, "K8S_REGION"),
        ({"target": {"names": ["web"], "selector": "a=b"}}, "K8S_TARGET_MIXED"),
        ({"target": {"names": ["web"], "kind": "Pod"}}, "TYPED_DISAGREES"),
        ({"target": {"names": ["web"], "scope": "other"}}, "SCOPE_UNKNOWN"),
        ({"api": {"method": "DELETE"}}, "TYPED_DISAGREES"),
    ],
)
def test_a_typed_step_is_held_to_its_verb_and_to_what_is_derived(changes: dict[str, object], code: str) -> None:
    value: dict[str, object] = {
        "tool": "kubernetes", "operation": "deployments.scale", "params": {"replicas": 3}, "target": {"names": ["web"]},
    }  # fmt: skip
    typed(value)
    assert typed_refusal(value | changes).code == code


def test_a_typed_object_must_be_the_object_that_the_step_names() -> None:
    value: dict[str, object] = {
        "tool": "kubernetes", "operation": "configmaps.apply", "target": {"namespace": "prod", "names": ["settings"]},
        "params": {"object": {"metadata": {"name": "settings"}, "data": {"a": "b"}}},
    }  # fmt: skip
    made = typed(value).step.params["object"]
    assert (made["kind"], made["apiVersion"], made["metadata"]["namespace"]) == ("ConfigMap", "v1", "prod")
    other = {"object": {"metadata": {"name": "settings", "namespace": "kube-system"}}}
    assert typed_refusal(value | {"params": other}).code == "K8S_PARAM"
    secret = {"object": {"kind": "Secret", "metadata": {"name": "settings"}}}
    assert typed_refusal(value | {"params": secret}).code == "K8S_PARAM"


WORDS = (
    "kubectl", "get", "delete", "scale", "rollout", "restart", "status", "set", "env", "pods", "deploy/web",
    "web-0", "-n", "prod", "-A", "--all", "-l", "app=web", "--replicas=3", "--dry-run=server", "-o", "wide",
    "--", "-", "-nprod", "logs", "patch", "-p", "{}", "top", "label", "a=b", "a-", "taint", "node",
    "k=v:NoSchedule", "create", "ns", "--raw",
)  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=10)), max_size=9))
@settings(max_examples=500, deadline=None)
def test_any_argv_gives_a_step_or_a_refusal_with_a_known_code(words: list[str]) -> None:
    argv = (Word("kubectl", (0, 7)), *(Word(word, (8, 9)) for word in words))
    parsed = kubectl.from_argv(argv, catalog(), None)
    assert isinstance(parsed, ParsedStep) or parsed.code in CODES


@given(st.sampled_from([("-n", "prod"), ("--output", "json"), ("-l", "app=web")]), st.data())
def test_a_flag_given_twice_is_refused_wherever_it_stands(pair: tuple[str, str], data: st.DataObject) -> None:
    flags = [("-n", "prod"), ("--output", "json"), ("-l", "app=web"), pair]
    words = [word for each in data.draw(st.permutations(flags)) for word in each]
    argv = tuple(Word(word, (0, 1)) for word in ("kubectl", "get", "pods", *words))
    found = kubectl.from_argv(argv, catalog(), None)
    assert isinstance(found, Refusal)
    assert found.code == "K8S_FLAG_DUPLICATE"


RESERVED = [
    "kubectl label node cp-1 node-role.kubernetes.io/control-plane=",
    "kubectl label node cp-1 node-role.kubernetes.io/master=x",
    "kubectl label node cp-1 node-role.kubernetes.io/master-",
    "kubectl label node n-1 node.kubernetes.io/exclude-from-external-load-balancers=true",
    "kubectl label node n-1 topology.kubernetes.io/zone=a",
    "kubectl label node n-1 kubernetes.io/hostname=other",
    "kubectl label node n-1 cluster-autoscaler.kubernetes.io/x=true",
    "kubectl label ns prod kubernetes.io/metadata.name=dev --overwrite",
    """kubectl patch ns prod --type=merge -p '{"metadata":{"labels":{"name.k8s.io/x":"y"}}}'""",
    """kubectl patch ns prod --type=json -p '[{"op":"remove","path":"/metadata/labels/kubernetes.io~1x"}]'""",
    "kubectl label node n-1 topology.kubernetes.io/zone-",
]
ADMITTING = [
    "kubectl label ns prod pod-security.kubernetes.io/enforce=privileged --overwrite",
    "kubectl label ns prod pod-security.kubernetes.io/enforce-",
    "kubectl label ns prod istio-injection=disabled --overwrite",
    "kubectl label ns prod istio.io/rev=canary",
    "kubectl label ns prod admission.gatekeeper.sh/ignore=true",
    "kubectl label node n-1 node-restriction.kubernetes.io/tenant=a",
    """kubectl patch ns prod --type=merge -p '{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":null}}}'""",
]
FREE = [
    "kubectl label node cp-1 node-role.kubernetes.io/master=",
    "kubectl label node n-1 pool=a",
    "kubectl label ns prod team=a",
    "kubectl label pod p-1 -n prod quarantine=true",
]


@pytest.mark.parametrize("command", RESERVED)
def test_a_reserved_label_of_a_node_or_namespace_is_a_boundary(command: str) -> None:
    assert Effect.BOUNDARY in step(command).effects


@pytest.mark.parametrize("command", ADMITTING)
def test_a_label_that_decides_what_is_admitted_is_a_privilege(command: str) -> None:
    assert Effect.PRIVILEGE in step(command).effects


@pytest.mark.parametrize("command", FREE)
def test_a_label_of_ones_own_is_a_write_and_so_is_the_role_that_an_upgrade_took_away(command: str) -> None:
    assert step(command).effects == {Effect.WRITE}
