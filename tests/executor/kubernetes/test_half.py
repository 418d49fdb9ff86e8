"""A step over several objects that stops half-way: what it changed is taken back, and nothing else is touched."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.demo.controlplane.client import Api, ApiError
from gateway.executor.targets.kubernetes.snapshots import entries_of
from tests.executor.kubernetes.lab import executor_scope, kube_lab
from tests.executor.kubernetes.proxy import Fault
from tests.executor.kubernetes.rows import config_map, label
from tests.executor.kubernetes.test_draining import target
from tests.executor.kubernetes.test_faults import faulty
from tests.executor.kubernetes.test_killed import LONG_MS, mortal
from tests.executor.kubernetes.webhook import refusing_webhook
from tests.executor.steps import Heard
from tests.fixtures_catalog import step
from tests.fixtures_k8s import Cluster, eventually

pytestmark = pytest.mark.anyio
NAMES = ("alpha", "beta", "gamma")
LABEL = "kubectl -n {ns} label deployment alpha beta gamma team=x"
SECOND = "deployments/beta$"


@pytest.fixture
def three(cluster: Cluster, namespace: str) -> str:
    """Three deployments, and the path of their collection."""
    for name in NAMES:
        cluster.deployment(namespace, name, replicas=1)
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def teams(cluster: Cluster, at: str) -> list[str | None]:
    return [cluster.admin.get(f"{at}/{name}")["metadata"]["labels"].get("team") for name in NAMES]


def written(cluster: Cluster, namespace: str, start: int) -> dict[str, int]:
    """Return how often each object was really written, from the audit log."""
    found = cluster.requests(start, namespace=namespace, user="system:serviceaccount:countermand")
    done = [each.name for each in found if each.writes and not each.dry and each.status < 300]
    return {name: done.count(name) for name in NAMES}


STOPS = {
    "refused": Fault("PATCH", SECOND, 403, times=1),
    "invalid": Fault("PATCH", SECOND, 422, times=1),
    "a fault of the server": Fault("PATCH", SECOND, 500, times=1),
    "the answer is lost and nothing was written": Fault("PATCH", SECOND, drop=True, times=1),
}


@pytest.mark.parametrize("name", STOPS)
async def test_what_was_changed_before_the_second_object_failed_is_taken_back_and_the_rest_is_not_touched(
    cluster: Cluster, namespace: str, tmp_path: Path, three: str, name: str
) -> None:
    start = cluster.mark()
    async with faulty(cluster, namespace, tmp_path, replace(STOPS[name])) as (lab, _):
        view = await lab.kubectl(LABEL.format(ns=namespace))
        view = await lab.after(10_000, view.id)
        assert (view.state, view.steps[0].status) == ("UNDONE", "undone"), view.reason
        ns = namespace
        changed = f"applied partly: changed: {ns}/alpha; not changed: {ns}/beta, {ns}/gamma"
        assert changed in view.outputs[0].data.decode()
    assert teams(cluster, three) == [None, None, None]
    assert written(cluster, namespace, start) == {"alpha": 2, "beta": 0, "gamma": 0}


async def test_a_webhook_that_refuses_the_second_object_has_the_first_taken_back(
    cluster: Cluster, namespace: str, tmp_path: Path, three: str
) -> None:
    with refusing_webhook(cluster, namespace, tmp_path, "apps/deployments", "beta"):
        writer = cluster.as_account("countermand-write")
        eventually(lambda: not patched(writer, f"{three}/beta"), what="the webhook is in force")
        async with kube_lab(executor_scope(cluster, tmp_path), namespace) as lab:
            view = await lab.kubectl(LABEL.format(ns=namespace))
            view = await lab.after(10_000, view.id)
            assert (view.state, view.reason) == ("UNDONE", "HALF_APPLIED")
    assert teams(cluster, three) == [None, None, None]


def patched(writer: Api, path: str) -> bool:
    try:
        writer.patch(path, {"metadata": {"annotations": {"probe": "x"}}})
    except ApiError as refused:
        if refused.status == 403:
            return False
        raise
    return True


async def test_a_second_write_whose_answer_was_lost_but_that_was_done_is_no_half_step(
    cluster: Cluster, namespace: str, tmp_path: Path, three: str
) -> None:
    fault = Fault("PATCH", "deployments/gamma$", 500, forward=True, times=1)
    async with faulty(cluster, namespace, tmp_path, fault) as (lab, _):
        view = await lab.kubectl(LABEL.format(ns=namespace))
        view = await lab.after(3_000, view.id)
        assert (view.state, view.steps[0].status) == ("VERIFYING", "applied")
    assert teams(cluster, three) == ["x", "x", "x"]


@pytest.mark.parametrize("forward", [True, False], ids=["after the second write", "before the second write"])
async def test_an_executor_that_dies_between_two_objects_leaves_nothing_half_done(
    cluster: Cluster, namespace: str, tmp_path: Path, three: str, *, forward: bool
) -> None:
    start = cluster.mark()
    fault = Fault("PATCH", SECOND, forward=forward, drop=True, times=1)
    async with mortal(cluster, namespace, tmp_path, fault) as lab:
        view = await lab.kubectl(LABEL.format(ns=namespace))
        assert view.state == "EXECUTING"
        late = "x" if forward else None
        eventually(lambda: teams(cluster, three)[1] == late, what="the write of the dead has arrived")
        lab.attach()
        view = await lab.after(LONG_MS, view.id)
        assert (view.state, view.reason) == ("UNDONE", "HALF_APPLIED")
    assert teams(cluster, three) == [None, None, None]
    assert written(cluster, namespace, start) == {"alpha": 2, "beta": 2 * forward, "gamma": 0}


async def test_an_object_of_which_it_cannot_be_told_whether_it_was_changed_goes_to_people_by_name(
    cluster: Cluster, namespace: str, tmp_path: Path, three: str
) -> None:
    theirs = label("team", "theirs").body
    fault = Fault("PATCH", SECOND, drop=True, times=1, first=lambda: cluster.human.patch(f"{three}/beta", theirs))
    async with faulty(cluster, namespace, tmp_path, fault) as (lab, _):
        view = await lab.kubectl(LABEL.format(ns=namespace))
        view = await lab.after(10_000, view.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "PART_UNKNOWN")
        assert f"{namespace}/beta: it cannot be told" in view.outputs[0].data.decode()
    assert teams(cluster, three) == [None, "theirs", None]


async def test_an_object_that_was_never_changed_is_left_alone_even_where_it_holds_what_we_would_have_written(
    cluster: Cluster, namespace: str, tmp_path: Path, three: str
) -> None:
    what = step(LABEL.format(ns=namespace)).step
    at = target(cluster, tmp_path)
    seen = await at.observe(what)
    cluster.human.patch(f"{three}/gamma", label("team", "x").body)
    done = await at.apply(what, seen.snapshot, Heard())
    assert (done.status, done.code) == ("partly", "HALF_APPLIED")
    assert done.after is not None
    parts = [each["status"] for each in done.after["journal"]]
    assert parts == ["applied", "applied", "not_applied"]
    back = await at.undo(what, {**seen.snapshot, "progress": {"parts": parts}})
    assert back.status == "undone"
    assert teams(cluster, three) == [None, None, "x"]


async def test_a_deletion_that_stops_half_way_makes_again_what_it_deleted(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = config_map(cluster, namespace)
    at = path.rpartition("/")[0]
    cluster.admin.create(at, {"metadata": {"name": "zeta"}, "data": {"a": "b"}})
    uid = cluster.admin.get(f"{at}/zeta")["metadata"]["uid"]
    async with faulty(cluster, namespace, tmp_path, Fault("DELETE", "configmaps/zeta$", 403)) as (lab, _):
        view = await lab.kubectl(f"kubectl -n {namespace} delete configmap settings zeta")
        view = await lab.after(10_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "HALF_APPLIED")
    assert cluster.admin.get(path)["data"] == {"mode": "fast", "x": "y"}
    assert cluster.admin.get(f"{at}/zeta")["metadata"]["uid"] == uid


async def test_half_of_what_cannot_be_made_again_goes_to_people_by_name(
    cluster: Cluster, namespace: str, tmp_path: Path, three: str
) -> None:
    del three
    async with faulty(cluster, namespace, tmp_path, Fault("DELETE", "deployments/beta$", 403)) as (lab, _):
        view = await lab.kubectl(f"kubectl -n {namespace} delete deployment alpha beta gamma")
        view = await lab.approve(view.id)
        view = await lab.after(10_000, view.id)
        assert (view.state, view.steps[0].status) == ("NEEDS_HUMAN", "partly")
        pages = [each.body for each in await lab.leaves(view.id) if each.body.get("to") == "oncall"]
        assert f"changed: {namespace}/alpha; not changed: {namespace}/beta" in pages[-1]["detail"]


def test_parts_that_do_not_fit_the_objects_tell_nothing_of_any_of_them() -> None:
    from_json: Any = {"ref": {"collection": "/c", "name": "n", "namespace": None}, "uid": "u", "secret": False,
                      "change": {"before": {}, "after": {}, "made": [], "orders": {}}, "extra": {}}  # fmt: skip
    snapshot = {"objects": [from_json, from_json], "progress": {"parts": ["applied"]}}
    assert [each.part for each in entries_of(snapshot)] == ["unknown", "unknown"]
