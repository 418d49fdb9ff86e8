"""A server-side apply to nothing, where somebody else makes an object of that name first."""

from pathlib import Path
from typing import Any

import pytest

from tests.executor.kubernetes.lab import executor_scope, kube_lab
from tests.executor.kubernetes.proxy import Fault
from tests.executor.kubernetes.rows import label
from tests.executor.kubernetes.test_faults import faulty
from tests.executor.kubernetes.test_killed import LONG_MS, mortal
from tests.fixtures_k8s import Cluster, eventually

pytestmark = pytest.mark.anyio
OURS = {"object": {"metadata": {"name": "mode"}, "data": {"a": "b"}}}
PATCHED = "configmaps/mode$"


@pytest.fixture
def at(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def theirs(cluster: Cluster, at: str, **data: str) -> Any:
    return cluster.human.create(at, {"metadata": {"name": "mode", "labels": {"by": "them"}}, "data": data})


async def test_an_object_that_came_in_between_is_as_it_was(
    cluster: Cluster, namespace: str, tmp_path: Path, at: str
) -> None:
    made: list[Any] = []
    fault = Fault("PATCH", PATCHED, times=1, first=lambda: made.append(theirs(cluster, at, z="1")))
    async with faulty(cluster, namespace, tmp_path, fault) as (lab, _):
        view = await lab.typed("configmaps.apply", ["mode"], OURS, namespace)
        assert (view.state, view.reason) == ("NOT_APPLIED", "K8S_ALREADY_EXISTS")
    now = cluster.admin.get(f"{at}/mode")
    assert (now["data"], now["metadata"]["labels"]) == ({"z": "1"}, {"by": "them"})
    assert now["metadata"]["uid"] == made[0]["metadata"]["uid"]
    assert all(each["manager"] != "countermand" for each in now["metadata"]["managedFields"])


async def test_a_field_that_the_other_set_too_is_never_taken(
    cluster: Cluster, namespace: str, tmp_path: Path, at: str
) -> None:
    fault = Fault("PATCH", PATCHED, times=1, first=lambda: theirs(cluster, at, a="theirs"))
    async with faulty(cluster, namespace, tmp_path, fault) as (lab, _):
        view = await lab.typed("configmaps.apply", ["mode"], OURS, namespace)
        assert (view.state, view.reason) == ("NOT_APPLIED", "K8S_FIELDS_OWNED")
    assert cluster.admin.get(f"{at}/mode")["data"] == {"a": "theirs"}


async def test_a_field_that_the_other_set_alike_stays(
    cluster: Cluster, namespace: str, tmp_path: Path, at: str
) -> None:
    fault = Fault("PATCH", PATCHED, times=1, first=lambda: theirs(cluster, at, a="b"))
    async with faulty(cluster, namespace, tmp_path, fault) as (lab, _):
        view = await lab.typed("configmaps.apply", ["mode"], OURS, namespace)
        assert (view.state, view.reason) == ("NOT_APPLIED", "K8S_ALREADY_EXISTS")
    assert cluster.admin.get(f"{at}/mode")["data"] == {"a": "b"}


async def test_an_executor_that_dies_after_it_wrote_into_anothers_object_leaves_it_to_people(
    cluster: Cluster, namespace: str, tmp_path: Path, at: str
) -> None:
    fault = Fault("PATCH", PATCHED, times=1, forward=True, drop=True, first=lambda: theirs(cluster, at, z="1"))
    async with mortal(cluster, namespace, tmp_path, fault) as lab:
        view = await lab.typed("configmaps.apply", ["mode"], OURS, namespace)
        assert view.state == "EXECUTING"
        eventually(lambda: "a" in cluster.admin.get(f"{at}/mode")["data"], what="the write of the dead has arrived")
        lab.attach()
        view = await lab.after(LONG_MS, view.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "PROBE_CANNOT_TELL")
    assert cluster.admin.get(f"{at}/mode")["data"] == {"a": "b", "z": "1"}


async def test_an_executor_that_dies_after_it_made_an_object_is_probed_and_found_to_have(
    cluster: Cluster, namespace: str, tmp_path: Path, at: str
) -> None:
    fault = Fault("PATCH", PATCHED, times=1, forward=True, drop=True)
    async with mortal(cluster, namespace, tmp_path, fault) as lab:
        view = await lab.typed("configmaps.apply", ["mode"], OURS, namespace)
        eventually(lambda: cluster.admin.answers(f"{at}/mode"), what="the write of the dead has arrived")
        lab.attach()
        view = await lab.after(LONG_MS, view.id)
        assert view.state == "COMMITTED"
    assert cluster.admin.answers(f"{at}/mode")


async def test_what_an_apply_made_is_deleted_and_an_edit_put_on_record(
    cluster: Cluster, namespace: str, tmp_path: Path, at: str
) -> None:
    async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
        view = await lab.typed("configmaps.apply", ["mode"], OURS, namespace)
        assert view.state == "VERIFYING"
        cluster.human.patch(f"{at}/mode", label("theirs", "z").body)
        view = await lab.harmed(view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_HARMED")
        assert "/metadata/labels/theirs" in view.outputs[0].data.decode()
    assert not cluster.admin.answers(f"{at}/mode")
