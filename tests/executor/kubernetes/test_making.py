"""Objects that come into being and go again: create, autoscale, expose, apply, delete, and a restart."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from gateway.core.canonical import digest
from gateway.core.step import Step
from gateway.executor.targets.kubernetes.difference import difference
from gateway.executor.targets.kubernetes.paths import find, read
from gateway.executor.targets.kubernetes.target import KubernetesTarget
from gateway.ports_target import Observed
from tests.executor.kubernetes.lab import admin_scope, executor_scope, kube_lab
from tests.executor.kubernetes.rows import Edit, config_map, deployment, image, inside, label, service, spec
from tests.executor.kubernetes.table import told
from tests.executor.kubernetes.test_draining import target
from tests.executor.steps import Heard
from tests.fakes.world import ALICE
from tests.fixtures_catalog import step
from tests.fixtures_k8s import Cluster

pytestmark = pytest.mark.anyio
CORE = "/api/v1/namespaces/{ns}/"
MADE = (
    ("create configmap", "create configmap mode --from-literal=a=b", CORE + "configmaps/mode"),
    ("create deployment", "create deployment api --image=shop/api:1 --replicas=2",
     "/apis/apps/v1/namespaces/{ns}/deployments/api"),
    ("autoscale", "autoscale deployment web --max=5 --min=2 --cpu=80%",
     "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers/web"),
    ("expose", "expose deployment web --port=80 --target-port=8080", CORE + "services/web"),
    ("create service", "create service nodeport outside --tcp=80:8080", CORE + "services/outside"),
)  # fmt: skip

SAME = {
    "create configmap": inside("data", a="theirs"),
    "create deployment": image("api", "9"),
    "autoscale": spec("maxReplicas", 9),
    "expose": inside("spec.selector", app="v2"),
    "create service": spec("type", "ClusterIP"),
}


@pytest.fixture(params=MADE, ids=lambda each: each[0])
def made(request: Any, cluster: Cluster, namespace: str) -> tuple[str, str, str]:
    """What is done, a command that makes an object, and the path of the object."""
    deployment(cluster, namespace)
    name, command, path = request.param
    return name, f"kubectl -n {namespace} {command}", path.format(ns=namespace)


async def test_what_was_made_is_gone_again_when_it_did_harm(
    cluster: Cluster, namespace: str, tmp_path: Path, made: tuple[str, str, str]
) -> None:
    name, command, path = made
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(command)
        assert (view.state, view.reason) == ("VERIFYING", "")
        assert lab.decided_on()["undo"]["class"] == "compensating"
        assert cluster.admin.answers(path)
        view = await lab.harmed(view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_HARMED")
    assert not cluster.admin.answers(path)
    told(name, "undo class", "compensating")
    told(name, "taken back", "deleted")


async def test_a_person_who_edited_what_we_set_wins_and_is_asked_with_both_states(
    cluster: Cluster, namespace: str, tmp_path: Path, made: tuple[str, str, str]
) -> None:
    name, command, path = made
    edit = SAME[name]
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(command)
        cluster.human.patch(path, edit.body, edit.content_type)
        view = await lab.after(1_000, view.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "FIELDS_EDITED"), "noticed while all checks are well"
        shown = view.outputs[0].data.decode()
        assert ": we wrote " in shown
        assert json.dumps(edit.value) in shown.partition(", now ")[2]
    assert find(cluster.admin.get(path), read(edit.path)) == edit.value
    told(name, "same field edited", "NEEDS_HUMAN (FIELDS_EDITED), edit intact")


async def mode_made(cluster: Cluster, namespace: str, folder: Path) -> tuple[KubernetesTarget, Step, Observed]:
    """Make the ConfigMap `mode`, and return the target, the step and what was observed."""
    what = step(f"kubectl -n {namespace} create configmap mode --from-literal=a=b").step
    at = target(cluster, folder)
    seen = await at.observe(what)
    assert (await at.apply(what, seen.snapshot, Heard())).status == "applied"
    return at, what, seen


async def test_an_undo_that_finds_what_we_set_edited_deletes_nothing(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = CORE.format(ns=namespace) + "configmaps/mode"
    at, what, seen = await mode_made(cluster, namespace, tmp_path)
    cluster.human.patch(path, inside("data", a="theirs").body)
    back = await at.undo(what, seen.snapshot)
    assert (back.status, back.code) == ("conflict", "EDITED_BY_OTHERS")
    assert back.read_back is not None
    (edit,) = back.read_back["edits"]
    assert (edit["path"], edit["was"], edit["now"], edit["ours"]) == ("/data/a", "b", "theirs", True)
    assert cluster.admin.get(path)["data"] == {"a": "theirs"}


async def test_what_a_person_added_to_what_was_made_goes_on_record_before_it_is_deleted_with_it(
    cluster: Cluster, namespace: str, tmp_path: Path, made: tuple[str, str, str]
) -> None:
    name, command, path = made
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(command)
        cluster.human.patch(path, label("theirs", "z").body)
        view = await lab.harmed(view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_HARMED")
        shown = view.outputs[0].data.decode()
        assert '/metadata/labels/theirs: was null, now "z" by ' in shown
        recorded = [each.body["edits"] for each in await lab.leaves(view.id) if "edits" in each.body]
        assert [(each["path"], each["now"]) for each in recorded[0]] == [("/metadata/labels/theirs", "z")]
    assert not cluster.admin.answers(path)
    told(name, "another field edited", "UNDONE, edit kept on record")


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("a finalizer", Edit({"metadata": {"finalizers": ["theirs.test/keep"]}}, "", None)),
        ("a Helm release", label("app.kubernetes.io/managed-by", "Helm")),
        ("a value that may not be told", inside("data", password="hunter2")),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_an_edit_that_ties_the_object_or_cannot_be_put_on_record_is_left_to_people(
    cluster: Cluster, namespace: str, tmp_path: Path, name: str, edit: Edit
) -> None:
    del name
    path = CORE.format(ns=namespace) + "configmaps/mode"
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl -n {namespace} create configmap mode --from-literal=a=b")
        cluster.human.patch(path, edit.body)
        edited = cluster.admin.get(path)
        view = await lab.harmed(view.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "EDITED_BY_OTHERS")
        assert "hunter2" not in view.outputs[0].data.decode()
    assert cluster.admin.get(path)["metadata"]["resourceVersion"] == edited["metadata"]["resourceVersion"]
    cluster.admin.patch(path, {"metadata": {"finalizers": None}})


async def test_what_an_autoscaler_wrote_to_what_was_made_is_no_edit(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/api"
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl -n {namespace} create deployment api --image=shop/api:1 --replicas=2")
        scale = f"{path}/scale?fieldManager=kube-controller-manager"
        cluster.admin.patch(scale, {"spec": {"replicas": 4}})
        view = await lab.harmed(view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_HARMED")
    assert not cluster.admin.answers(path)


async def test_an_edit_made_after_the_others_were_recorded_is_recorded_too_before_anything_is_deleted(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = CORE.format(ns=namespace) + "configmaps/mode"
    at, what, seen = await mode_made(cluster, namespace, tmp_path)
    cluster.human.patch(path, label("one", "1").body)
    first = await at.undo(what, seen.snapshot)
    assert (first.status, first.code) == ("retry", "EDITS_TO_RECORD")
    assert first.read_back is not None
    cluster.human.patch(path, label("two", "2").body)
    again = await at.undo(what, {**seen.snapshot, "progress": {"recorded": digest(first.read_back["edits"])}})
    assert (again.status, again.code) == ("retry", "EDITS_TO_RECORD")
    assert cluster.admin.answers(path)
    assert again.read_back is not None
    last = await at.undo(what, {**seen.snapshot, "progress": {"recorded": digest(again.read_back["edits"])}})
    assert (last.status, last.code) == ("undone", "DELETED_WITH_EDITS")
    assert not cluster.admin.answers(path)


async def test_what_was_made_again_by_a_person_under_the_same_name_is_left_to_people(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = CORE.format(ns=namespace) + "configmaps"
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl -n {namespace} create configmap mode --from-literal=a=b")
        cluster.human.delete(f"{path}/mode")
        cluster.human.create(path, {"metadata": {"name": "mode"}, "data": {"a": "b"}})
        view = await lab.harmed(view.id)
        assert view.state == "NEEDS_HUMAN"
    assert cluster.admin.answers(f"{path}/mode")


async def test_what_another_action_made_under_the_same_name_is_not_taken_back_with_the_first(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = CORE.format(ns=namespace) + "configmaps/mode"
    command = f"kubectl -n {namespace} create configmap mode --from-literal=a=b"
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        first = await lab.kubectl(command)
        first = await lab.after(60_000, first.id)
        assert first.state == "COMMITTED"
        cluster.human.delete(path)
        second = await lab.kubectl(command)
        second = await lab.after(60_000, second.id)
        assert second.state == "COMMITTED"
        made = cluster.admin.get(path)["metadata"]["uid"]
        await lab.gateway.rollback(ALICE, request_id=str(uuid.uuid4()), action=first.id, reason="r")
        first = await lab.after(2_000, first.id)
        assert (first.state, first.reason) == ("NEEDS_HUMAN", "TARGET_REPLACED")
    assert cluster.admin.get(path)["metadata"]["uid"] == made


async def test_a_name_that_is_taken_is_refused_before_anything_is_done(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    config_map(cluster, namespace)
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl -n {namespace} create configmap settings --from-literal=a=b")
        assert (view.state, view.reason) == ("DENIED", "PREFLIGHT_FAILED")


DELETED = (
    ("configmap", config_map, "delete configmap settings"),
    ("service with its address", service, "delete service web"),
)


@pytest.mark.parametrize(("make", "command"), [each[1:] for each in DELETED], ids=[each[0] for each in DELETED])
async def test_what_was_deleted_and_loses_nothing_is_made_again(
    cluster: Cluster, namespace: str, tmp_path: Path, make: Any, command: str
) -> None:
    path = make(cluster, namespace)
    before = cluster.admin.get(path)
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl -n {namespace} {command}")
        assert (view.state, lab.decided_on()["undo"]["class"]) == ("VERIFYING", "compensating")
        assert not cluster.admin.answers(path)
        view = await lab.harmed(view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_HARMED")
    after = cluster.admin.get(path)
    assert difference(before, after).before == {}
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    told(command.rpartition(" ")[0], "undo class", "compensating")
    told(command.rpartition(" ")[0], "taken back", "made again, equal but for its uid")


async def test_what_a_person_made_in_place_of_the_deleted_is_not_overwritten(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = config_map(cluster, namespace)
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl -n {namespace} delete configmap settings")
        theirs = {"metadata": {"name": "settings"}, "data": {"mode": "theirs"}}
        cluster.human.create(path.rpartition("/")[0], theirs)
        view = await lab.harmed(view.id)
        assert view.state == "NEEDS_HUMAN"
    assert cluster.admin.get(path)["data"] == {"mode": "theirs"}
    told("delete configmap", "same field edited", "NEEDS_HUMAN, theirs stands")


async def test_a_deployment_is_not_deleted_without_a_person_because_its_history_is_lost(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = deployment(cluster, namespace)
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl -n {namespace} delete deployment web")
        assert (view.state, lab.decided_on()["undo"]["class"]) == ("AWAITING_APPROVAL", "none")
    assert cluster.admin.answers(path)
    told("delete deployment", "undo class", "none: a person approves")


async def test_a_dry_run_of_a_deletion_deletes_nothing(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    path = config_map(cluster, namespace)
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl -n {namespace} delete configmap settings --dry-run=server")
        assert view.state == "VERIFYING"
    assert cluster.admin.answers(path)


async def test_the_contents_of_a_namespace_are_counted_before_it_is_deleted(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    deployment(cluster, namespace)
    config_map(cluster, namespace)
    async with kube_lab(admin_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl delete namespace {namespace}")
        assert view.state == "AWAITING_APPROVAL"
        step = lab.decided_on()
        contents = {each["resource"]: each["count"] for each in step["facts"][0]["value"]["contents"]}
        assert contents["deployments.apps"] == 1
        assert contents["pods"] == 2
        assert contents["configmaps"] == 1
        assert step["preflight"]["targets"] == 1 + sum(contents.values())
    assert cluster.admin.answers(f"/api/v1/namespaces/{namespace}")


async def test_a_restart_is_neutral_and_not_taken_back(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    path = deployment(cluster, namespace)
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl -n {namespace} rollout restart deployment/web")
        assert (view.state, lab.decided_on()["undo"]["class"]) == ("VERIFYING", "neutral")
        told("rollout restart", "undo class", "neutral")
        told("rollout restart", "taken back", "never: nothing to take back")
        at = "kubectl.kubernetes.io/restartedAt"
        assert cluster.admin.get(path)["spec"]["template"]["metadata"]["annotations"][at]
        view = await lab.harmed(view.id)
        assert view.state == "NEEDS_HUMAN"


async def test_what_could_not_be_deleted_again_is_not_made_without_a_person(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl create namespace {namespace}-2")
        assert (view.state, lab.decided_on()["undo"]["class"]) == ("AWAITING_APPROVAL", "none")


async def test_a_namespace_that_was_made_is_deleted_again_only_while_it_is_empty(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = f"/api/v1/namespaces/{namespace}-3"
    async with kube_lab(admin_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(f"kubectl create namespace {namespace}-3")
        assert (view.state, lab.decided_on()["undo"]["class"]) == ("VERIFYING", "compensating")
        cluster.human.create(f"{path}/configmaps", {"metadata": {"name": "theirs"}})
        view = await lab.harmed(view.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "NAMESPACE_NOT_EMPTY")
    assert cluster.admin.answers(f"{path}/configmaps/theirs")
    cluster.admin.delete(path)


async def test_of_several_objects_those_that_still_are_ours_are_restored_and_people_see_the_rest(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    for name in ("one", "two", "three"):
        cluster.deployment(namespace, name, replicas=1)
    what = step(f"kubectl -n {namespace} label deployment one two three team=x").step
    at = target(cluster, tmp_path)
    seen = await at.observe(what)
    assert (await at.apply(what, seen.snapshot, Heard())).status == "applied"
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    cluster.human.patch(f"{path}/two", label("team", "theirs").body)
    back = await at.undo(what, seen.snapshot)
    assert (back.status, back.code) == ("conflict", "STATE_CHANGED")
    assert back.read_back is not None
    ended = {each["object"].rpartition("/")[2]: each["status"] for each in back.read_back["journal"]}
    assert ended == {"one": "undone", "two": "conflict", "three": "undone"}
    teams = [cluster.admin.get(f"{path}/{name}")["metadata"]["labels"].get("team") for name in ("one", "two", "three")]
    assert teams == [None, "theirs", None]
