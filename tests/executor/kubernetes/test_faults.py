"""What goes wrong between the decision and the change, and in the change: each ends in a named state with a reason."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.executor.kubernetes.lab import KubeLab, executor_scope, kube_lab
from tests.executor.kubernetes.proxy import Fault, Proxy, proxied
from tests.executor.kubernetes.rows import deployment
from tests.fixtures_k8s import Cluster

pytestmark = pytest.mark.anyio
SCALE = "kubectl -n {ns} scale deployment/web --replicas=5"
PATCHED = "deployments/web/scale$"
TIMEOUT_S = 2


@asynccontextmanager
async def faulty(cluster: Cluster, ns: str, folder: Path, *faults: Fault) -> AsyncIterator[tuple[KubeLab, Proxy]]:
    with proxied(cluster, *faults) as proxy:
        scope = executor_scope(cluster, folder, request_timeout_s=TIMEOUT_S)
        async with kube_lab(replace(scope, server=proxy.url), ns) as lab:
            yield lab, proxy


def replicas(cluster: Cluster, path: str) -> int:
    return int(cluster.admin.get(path)["spec"]["replicas"])


REFUSED = (
    (401, "K8S_CREDENTIALS_REFUSED"), (403, "TARGET_FORBIDDEN"), (404, "TARGET_NOT_FOUND"), (409, "K8S_CONFLICT"),
    (422, "K8S_INVALID"), (429, "K8S_TOO_MANY_REQUESTS"),
)  # fmt: skip


@pytest.mark.parametrize(("status", "code"), REFUSED)
async def test_a_refusal_of_the_real_run_is_not_applied_and_says_why(
    cluster: Cluster, namespace: str, tmp_path: Path, status: int, code: str
) -> None:
    path = deployment(cluster, namespace)
    async with faulty(cluster, namespace, tmp_path, Fault("PATCH", PATCHED, status)) as (lab, _):
        view = await lab.kubectl(SCALE.format(ns=namespace))
        assert (view.state, view.reason) == ("NOT_APPLIED", code)
    assert replicas(cluster, path) == 2


@pytest.mark.parametrize("status", [500, 503, 504])
async def test_a_server_that_fails_before_it_writes_is_probed_and_found_untouched(
    cluster: Cluster, namespace: str, tmp_path: Path, status: int
) -> None:
    path = deployment(cluster, namespace)
    async with faulty(cluster, namespace, tmp_path, Fault("PATCH", PATCHED, status)) as (lab, _):
        view = await lab.kubectl(SCALE.format(ns=namespace))
        view = await lab.after(10_000, view.id)
        assert (view.state, view.reason) == ("NOT_APPLIED", "LOST_NOT_APPLIED")
    assert replicas(cluster, path) == 2


LOST = {
    "fails after it wrote": Fault("PATCH", PATCHED, 500, forward=True),
    "writes, and the answer is lost": Fault("PATCH", PATCHED, forward=True, drop=True),
    "writes, and answers too late": Fault("PATCH", PATCHED, forward=True, hold_s=TIMEOUT_S + 1),
}


@pytest.mark.parametrize("name", LOST)
async def test_a_change_whose_answer_is_lost_is_probed_and_found_done(
    cluster: Cluster, namespace: str, tmp_path: Path, name: str
) -> None:
    path = deployment(cluster, namespace)
    async with faulty(cluster, namespace, tmp_path, replace(LOST[name])) as (lab, _):
        view = await lab.kubectl(SCALE.format(ns=namespace))
        view = await lab.after(3_000, view.id)
        assert view.state == "VERIFYING"
        assert replicas(cluster, path) == 5
        view = await lab.harmed(view.id)
        assert view.state == "UNDONE"
    assert replicas(cluster, path) == 2


async def test_a_request_that_never_arrives_is_probed_and_found_untouched(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = deployment(cluster, namespace)
    async with faulty(cluster, namespace, tmp_path, Fault("PATCH", PATCHED, drop=True)) as (lab, _):
        view = await lab.kubectl(SCALE.format(ns=namespace))
        view = await lab.after(10_000, view.id)
        assert (view.state, view.reason) == ("NOT_APPLIED", "LOST_NOT_APPLIED")
    assert replicas(cluster, path) == 2


async def test_a_server_that_is_down_when_the_change_begins_is_told_so(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = deployment(cluster, namespace)
    async with faulty(cluster, namespace, tmp_path) as (lab, proxy):
        lab.policy.permit = "approve"
        view = await lab.kubectl(SCALE.format(ns=namespace))
        assert view.state == "AWAITING_APPROVAL"
        proxy.down = True
        view = await lab.approve(view.id)
        view = await lab.after(1_000, view.id)
        assert (view.state, view.reason) == ("DENIED", "PREFLIGHT_FAILED")
    assert replicas(cluster, path) == 2


def made_again(cluster: Cluster, path: str) -> None:
    cluster.human.delete(path)
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "shop/web:1.0"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    cluster.human.create(path.rpartition("/")[0], {"metadata": {"name": "web"}, "spec": spec})


MEANWHILE: tuple[tuple[str, Callable[[Cluster, str], Any], str, str], ...] = (
    ("target gone", lambda c, p: c.human.delete(p), "NOT_APPLIED", "TARGET_NOT_FOUND"),
    ("same field", lambda c, p: c.human.patch(p, {"spec": {"replicas": 9}}), "NOT_APPLIED", "PRECONDITION_MOVED"),
    ("other field", lambda c, p: c.human.patch(p, {"spec": {"minReadySeconds": 1}}), "VERIFYING", ""),
    ("another uid", made_again, "NOT_APPLIED", "PRECONDITION_MOVED"),
)


@pytest.mark.parametrize(("name", "meanwhile", "state", "reason"), MEANWHILE, ids=[each[0] for each in MEANWHILE])
async def test_what_happens_to_the_target_between_its_last_look_and_the_write_is_noticed(
    cluster: Cluster, namespace: str, tmp_path: Path, name: str, meanwhile: Any, state: str, reason: str
) -> None:
    del name
    path = deployment(cluster, namespace)
    fault = Fault("PATCH", PATCHED, first=lambda: meanwhile(cluster, path), times=1)
    async with faulty(cluster, namespace, tmp_path, fault) as (lab, _):
        view = await lab.kubectl(SCALE.format(ns=namespace))
        assert (view.state, view.reason) == (state, reason)
    assert fault.seen >= 1


async def test_a_plan_whose_second_step_fails_takes_the_first_back(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = deployment(cluster, namespace)
    command = f"{SCALE.format(ns=namespace)} && kubectl -n {namespace} set image deployment/web web=shop/web:2"
    async with faulty(cluster, namespace, tmp_path, Fault("PATCH", "deployments/web$", 422, times=1)) as (lab, _):
        view = await lab.kubectl(command)
        view = await lab.after(1_000, view.id)
        assert (view.state, [each.status for each in view.steps]) == ("UNDONE", ["undone", "not_applied"])
    assert replicas(cluster, path) == 2


UNDO_LOST = {
    "refused for a while": Fault("PATCH", PATCHED, 503, times=2, skip=1),
    "done, and the answer lost": Fault("PATCH", PATCHED, forward=True, drop=True, times=1, skip=1),
    "credentials refused for a while": Fault("PATCH", PATCHED, 401, times=4, skip=1),
}


@pytest.mark.parametrize("name", UNDO_LOST)
async def test_an_undo_is_tried_again_until_the_object_is_as_it_was(
    cluster: Cluster, namespace: str, tmp_path: Path, name: str
) -> None:
    path = deployment(cluster, namespace)
    async with faulty(cluster, namespace, tmp_path, replace(UNDO_LOST[name])) as (lab, _):
        view = await lab.kubectl(SCALE.format(ns=namespace))
        assert view.state == "VERIFYING"
        view = await lab.harmed(view.id, 120_000)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_HARMED")
    assert replicas(cluster, path) == 2


async def test_an_undo_that_is_never_taken_ends_with_people(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    path = deployment(cluster, namespace)
    async with faulty(cluster, namespace, tmp_path, Fault("PATCH", PATCHED, 403, skip=1)) as (lab, _):
        view = await lab.kubectl(SCALE.format(ns=namespace))
        view = await lab.harmed(view.id, 3_600_000)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "UNDO_DEADLINE")
    assert replicas(cluster, path) == 5


async def test_an_undo_that_the_server_will_not_have_is_handed_over_at_once(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    deployment(cluster, namespace)
    async with faulty(cluster, namespace, tmp_path, Fault("PATCH", PATCHED, 422, skip=1)) as (lab, _):
        view = await lab.kubectl(SCALE.format(ns=namespace))
        view = await lab.harmed(view.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "UNDO_REFUSED")
