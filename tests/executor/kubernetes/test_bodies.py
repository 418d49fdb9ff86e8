"""Bodies that follow from the live object, and what stands around them: no cluster is needed."""

from typing import Any

import pytest

from gateway.executor.targets.kubernetes.bodies import MERGE, Body, Declined, body_of
from gateway.executor.targets.kubernetes.calls import Answer, failure_of, moved
from gateway.executor.targets.kubernetes.guard import deletion, guarded
from gateway.executor.targets.kubernetes.health import health_of
from gateway.executor.targets.kubernetes.pods import sort_pods
from gateway.executor.targets.kubernetes.rollouts import deployment_body, revision
from gateway.executor.targets.kubernetes.selectors import matches, selector_text
from tests.fixtures_catalog import step, typed

NOW_MS = 1_700_000_000_000


def live(**spec: Any) -> dict[str, Any]:
    containers = [{"name": "web", "image": "web:1"}, {"name": "side", "image": "side:1"}]
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "uid": "u", "resourceVersion": "7", "labels": {"app": "web"}},
        "spec": {"replicas": 2, "template": {"spec": {"containers": containers}}} | spec,
    }


def node(*taints: dict[str, str]) -> dict[str, Any]:
    return {
        "kind": "Node",
        "metadata": {"name": "n", "uid": "u", "resourceVersion": "7"},
        "spec": {"taints": [*taints]},
    }


def made(command: str, document: Any) -> Any:
    return body_of(step(f"kubectl {command}").step, document, NOW_MS)


def names(body: Body, member: str = "containers") -> list[str]:
    return [each["name"] for each in body.body["spec"]["template"]["spec"][member]]


def test_a_restart_writes_the_time_as_kubectl_does() -> None:
    body = made("rollout restart deployment/web", live())
    written = body.body["spec"]["template"]["metadata"]["annotations"]
    assert written == {"kubectl.kubernetes.io/restartedAt": "2023-11-14T22:13:20Z"}


EVERY = ("set env deployment/web A=1", "set resources deployment/web --limits=cpu=1", "set image deploy/web '*=web:2'")


@pytest.mark.parametrize("command", EVERY)
def test_a_change_of_every_container_names_each(command: str) -> None:
    assert names(made(command, live())) == ["web", "side"]


def test_a_variable_that_is_removed_is_marked_so() -> None:
    body = made("set env deployment/web A-", live())
    assert body.body["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "A", "$patch": "delete"}]


def test_containers_and_variables_keep_their_places_because_the_server_takes_the_order_of_the_patch() -> None:
    body = made("set image deployment/web side=side:2 web=web:2", live())
    assert names(body) == ["web", "side"]
    document = live()
    document["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "Z"}, {"name": "A"}]
    body = made("set env deployment/web -c web A=1 B=2 Z=3", document)
    env = body.body["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [each["name"] for each in env] == ["Z", "A", "B"]


def test_a_new_variable_comes_after_those_that_are_there_because_it_may_refer_to_them() -> None:
    document = live()
    document["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A"}, {"name": "B"}, {"name": "D"}]
    written = made("set env deployment/web -c web A=1 C=2 D-", document).body["spec"]["template"]["spec"]
    assert written["containers"][0]["$setElementOrder/env"] == [{"name": "A"}, {"name": "B"}, {"name": "C"}]
    assert "$setElementOrder/containers" not in written


@pytest.mark.parametrize("command", EVERY)
def test_a_change_of_every_container_changes_the_init_containers_too_as_kubectl_does(command: str) -> None:
    document = live()
    document["spec"]["template"]["spec"]["initContainers"] = [{"name": "setup", "image": "setup:1"}]
    assert names(made(command, document), "initContainers") == ["setup"]


def test_replicas_that_the_scale_does_not_name_are_none() -> None:
    document = live()
    del document["spec"]["replicas"]
    assert isinstance(made("scale deployment/web --replicas=2 --current-replicas=0", document), Body)
    assert isinstance(made("scale deployment/web --replicas=2 --current-replicas=1", document), Declined)


def test_an_init_container_is_not_set_by_name_and_the_refusal_says_how_it_is() -> None:
    document = live()
    document["spec"]["template"]["spec"]["initContainers"] = [{"name": "setup", "image": "setup:1"}]
    assert made("set image deployment/web setup=setup:2", document) == Declined(
        "INIT_CONTAINER", "setup is an init container; change it by kubectl patch"
    )


def test_a_container_that_is_not_there_is_not_added() -> None:
    assert made("set image deployment/web nobody=web:2", live()) == Declined(
        "CONTAINER_UNKNOWN", "there is no container nobody; name an existing one"
    )


def test_a_label_is_overwritten_only_when_that_was_said() -> None:
    assert isinstance(made("label deployment web app=x", live()), Declined)
    assert isinstance(made("label deployment web app=x --overwrite", live()), Body)
    assert isinstance(made("label deployment web app=web", live()), Body)
    assert isinstance(made("label deployment web app-", live()), Body)


def test_taints_are_added_replaced_and_removed_among_those_that_are_there() -> None:
    there = {"key": "a", "value": "1", "effect": "NoSchedule"}
    body = made("taint node n b=2:NoSchedule", node(there))
    assert body == Body(MERGE, {"spec": {"taints": [there, {"key": "b", "value": "2", "effect": "NoSchedule"}]}})
    assert made("taint node n a:NoSchedule-", node(there)).body == {"spec": {"taints": None}}
    assert made("taint node n a=2:NoSchedule", node(there)).code == "KEY_EXISTS"
    over = made("taint node n a=2:NoSchedule --overwrite", node(there)).body["spec"]["taints"]
    assert over == [{"key": "a", "value": "2", "effect": "NoSchedule"}]


def test_a_paused_rollout_is_neither_restarted_nor_undone() -> None:
    for command in ("rollout restart deployment/web", "rollout undo deployment/web"):
        assert made(command, live(paused=True)).code == "ROLLOUT_PAUSED"


def test_a_certificate_is_not_approved_here() -> None:
    csr = {"kind": "CertificateSigningRequest", "metadata": {"name": "c", "uid": "u"}}
    approve = typed({"tool": "kubernetes", "operation": "certificatesigningrequests.approve", "params": {},
                     "target": {"scope": "prod-eu", "names": ["c"]}})  # fmt: skip
    assert body_of(approve.step, csr, NOW_MS).code == "K8S_NOT_EXECUTED"  # type: ignore[union-attr]


def test_a_patch_is_bound_to_uid_and_version_whatever_its_type() -> None:
    merge = guarded(made("label deployment web x=y", live()), live())
    assert merge.body["metadata"] == {"labels": {"x": "y"}, "uid": "u", "resourceVersion": "7"}
    patch = '[{"op":"replace","path":"/spec/replicas","value":3}]'
    operations = guarded(made(f"patch deployment web --type=json -p '{patch}'", live()), live()).body
    assert operations[:2] == [
        {"op": "test", "path": "/metadata/uid", "value": "u"},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
    ]


def test_the_dry_run_of_a_deletion_stands_in_its_body() -> None:
    assert deletion({}, "u", dry=True).body["dryRun"] == ["All"]
    assert "dryRun" not in deletion({}, "u").body


ANSWERS = (
    (409, {"reason": "Conflict"}, "not_applied", "K8S_CONFLICT"),
    (409, {"reason": "AlreadyExists"}, "not_applied", "K8S_ALREADY_EXISTS"),
    (409, {"reason": "Conflict", "details": {"causes": [{"reason": "FieldManagerConflict"}]}}, "not_applied",
     "K8S_FIELDS_OWNED"),
    (429, {}, "not_applied", "K8S_TOO_MANY_REQUESTS"),
    (500, {"message": 'Internal error occurred: failed calling webhook "a": refused'}, "not_applied",
     "K8S_WEBHOOK_FAILED"),
    (500, {"message": "etcdserver: request timed out"}, "unknown", "K8S_SERVER_FAULT"),
    (504, {}, "unknown", "K8S_SERVER_FAULT"),
)  # fmt: skip


@pytest.mark.parametrize(("status", "body", "outcome", "code"), ANSWERS)
def test_a_refusal_is_definite_and_a_fault_is_not(status: int, body: Any, outcome: str, code: str) -> None:
    failure = failure_of(Answer(status, body))
    assert (failure.status, failure.code) == (outcome, code)


def test_only_a_changed_object_is_worth_another_read() -> None:
    assert moved(Answer(409, {"reason": "Conflict"}))
    assert not moved(Answer(409, {"reason": "AlreadyExists"}))
    assert not moved(Answer(409, {"reason": "Conflict", "details": {"causes": [{"reason": "FieldManagerConflict"}]}}))


def pod(name: str, *, owner: str = "ReplicaSet", phase: str = "Running", **more: Any) -> dict[str, Any]:
    reference = [{"kind": owner, "name": "x", "uid": "u", "controller": True}] if owner else []
    metadata = {"namespace": "ns", "name": name, "ownerReferences": reference}
    return {"metadata": metadata | more.get("metadata", {}), "spec": more.get("spec", {}), "status": {"phase": phase}}


def test_a_drain_sorts_pods_as_kubectl_does() -> None:
    empty = {"volumes": [{"name": "v", "emptyDir": {}}]}
    mirror = pod("mirror", owner="Node", metadata={"annotations": {"kubernetes.io/config.mirror": "x"}})
    pods = [pod("plain"), pod("agent", owner="DaemonSet"), mirror, pod("data", spec=empty), pod("naked", owner="")]
    plain = sort_pods(pods, {})
    assert [each["metadata"]["name"] for each in plain.evict] == ["plain"]
    assert [each.split(" ")[0] for each in plain.against] == ["ns/agent", "ns/data", "ns/naked"]
    flags = {"ignore_daemonsets": True, "delete_emptydir_data": True, "force": True}
    forced = sort_pods(pods, flags)
    assert ([each["metadata"]["name"] for each in forced.evict], forced.against) == (["plain", "data", "naked"], ())
    over = [pod("done", owner="", phase="Succeeded", spec=empty)]
    assert sort_pods(over, {}).against == ()


def test_selectors_match_as_the_api_server_does() -> None:
    expressions = [
        {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "x", "operator": "DoesNotExist"},
        {"key": "z", "operator": "NotIn", "values": ["1"]}, {"key": "app", "operator": "Exists"},
    ]  # fmt: skip
    selector = {"matchLabels": {"app": "web"}, "matchExpressions": expressions}
    assert matches(selector, {"app": "web", "tier": "a"})
    assert not matches(selector, {"app": "web", "tier": "c"})
    assert not matches(selector, {"app": "web", "tier": "a", "x": "1"})
    assert not matches(selector, {"app": "web", "tier": "a", "z": "1"})
    assert not matches(None, {})
    assert selector_text(selector) == "app=web,tier in (a,b),!x,z notin (1),app"


def replica_set(number: int, image: str, **annotations: str) -> dict[str, Any]:
    marks = {"deployment.kubernetes.io/revision": str(number)} | annotations
    template = {"metadata": {"labels": {"app": "web", "pod-template-hash": "h"}}, "spec": {"image": image}}
    return {"metadata": {"annotations": marks}, "spec": {"template": template}}


def test_a_rollout_goes_back_to_the_second_newest_revision_or_to_the_one_that_is_named() -> None:
    history = [replica_set(3, "c"), replica_set(1, "a"), replica_set(2, "b")]
    assert revision(history, 0) is history[2]
    assert revision(history, 1) is history[1]
    assert revision(history, 9) is None
    assert revision(history[:1], 0) is None


def test_going_back_takes_the_template_without_its_hash_and_the_old_annotations() -> None:
    document = live()
    document["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "3", "note": "new"}
    body = deployment_body(document, replica_set(2, "b", note="old")).body
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"image": "b"}}
    assert body[0] == {"op": "replace", "path": "/spec/template", "value": template}
    assert body[1]["value"] == {"deployment.kubernetes.io/revision": "3", "note": "old"}


def workload(ready: int, **status: Any) -> dict[str, Any]:
    counts = {"observedGeneration": 1, "readyReplicas": ready, "updatedReplicas": 2} | status
    return live() | {"metadata": {"generation": 1}, "status": counts}


HEALTH = (
    (workload(2), "healthy"), (workload(1), "degraded"), (workload(0), "failing"),
    (workload(2, updatedReplicas=0), "degraded"), (workload(2, observedGeneration=0), "degraded"),
    (workload(2, conditions=[{"type": "Progressing", "status": "False"}]), "failing"),
    ({"kind": "Node", "status": {"conditions": [{"type": "Ready", "status": "True"}]}}, "healthy"),
    ({"kind": "Node", "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, "failing"),
    ({"kind": "ConfigMap"}, None),
)  # fmt: skip


@pytest.mark.parametrize(("document", "health"), HEALTH)
def test_health_is_read_from_the_status_alone(document: Any, health: str | None) -> None:
    assert health_of(document) == health
