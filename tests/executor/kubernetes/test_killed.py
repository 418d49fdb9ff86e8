"""An executor that dies in the middle of a change, a drain or an undo: nothing is lost and nothing is done twice.

Judged from the API server's audit log. The executor's tasks are cancelled and its line cut at the moment when the
request is at the server, so nothing that it would have said is heard; another executor takes over.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.executor.kubernetes.lab import KubeLab, executor_scope, kube_lab
from tests.executor.kubernetes.proxy import Fault, proxied
from tests.executor.kubernetes.rows import deployment, kept, node
from tests.executor.kubernetes.test_draining import budget, evictions, workload
from tests.fakes.world import ALICE
from tests.fixtures_k8s import Cluster

pytestmark = pytest.mark.anyio
SCALE = "kubectl -n {ns} scale deployment/web --replicas=5"
PATCHED = "deployments/web/scale$"
LONG_MS = 900_000


class Killer:
    """Kills the executor of a lab from the proxy's thread, once."""

    def __init__(self) -> None:
        self.lab: KubeLab | None = None
        self.loop = asyncio.get_running_loop()
        self.killed = 0

    def __call__(self) -> None:
        if self.killed == 0:
            asyncio.run_coroutine_threadsafe(self._kill(), self.loop).result(10)

    async def _kill(self) -> None:
        assert self.lab is not None
        self.killed += 1
        self.lab.link.cut = True
        self.lab.tasks[-1].cancel()


@asynccontextmanager
async def mortal(cluster: Cluster, ns: str, folder: Path, *faults: Fault, **more: Any) -> AsyncIterator[KubeLab]:
    """Run a lab whose executor dies when a fault strikes."""
    killer = Killer()
    with proxied(cluster, *(replace(fault, first=partial(_both, fault.first, killer)) for fault in faults)) as proxy:
        scope = replace(executor_scope(cluster, folder, **more), server=proxy.url)
        async with kube_lab(scope, ns) as lab:
            killer.lab = lab
            yield lab
            assert killer.killed == 1


def _both(first: Callable[[], object], then: Callable[[], object]) -> None:
    first()
    then()


def scaled(cluster: Cluster, ns: str, start: int) -> list[Any]:
    """Return what was really written to the scale, from the audit log."""
    found = cluster.requests(start, namespace=ns)
    return [
        each for each in found if each.subresource == "scale" and each.writes and not each.dry and each.status < 300
    ]


@pytest.mark.parametrize("forward", [True, False], ids=["after the write", "before the write"])
async def test_an_executor_that_dies_at_the_write_is_probed_and_its_change_stands_once_or_not_at_all(
    cluster: Cluster, namespace: str, tmp_path: Path, *, forward: bool
) -> None:
    path = deployment(cluster, namespace)
    start = cluster.mark()
    async with mortal(
        cluster, namespace, tmp_path, Fault("PATCH", PATCHED, forward=forward, drop=True, times=1)
    ) as lab:
        view = await lab.kubectl(SCALE.format(ns=namespace))
        assert view.state == "EXECUTING"
        lab.attach()
        view = await lab.after(LONG_MS, view.id)
        assert view.state in ({"COMMITTED"} if forward else {"NOT_APPLIED"}), (view.state, view.reason)
    assert len(scaled(cluster, namespace, start)) == int(forward)
    assert cluster.admin.get(path)["spec"]["replicas"] == (5 if forward else 2)


@pytest.mark.parametrize("forward", [True, False], ids=["after the write", "before the write"])
async def test_an_executor_that_dies_while_it_takes_back_is_followed_by_one_that_ends_it(
    cluster: Cluster, namespace: str, tmp_path: Path, *, forward: bool
) -> None:
    path = deployment(cluster, namespace)
    start = cluster.mark()
    fault = Fault("PATCH", PATCHED, forward=forward, drop=True, times=1, skip=1)
    async with mortal(cluster, namespace, tmp_path, fault) as lab:
        view = await lab.kubectl(SCALE.format(ns=namespace))
        assert view.state == "VERIFYING"
        view = await lab.harmed(view.id)
        assert view.state == "UNDOING"
        lab.attach()
        view = await lab.after(LONG_MS, view.id)
        assert view.state == "UNDONE", (view.state, view.reason)
    assert len(scaled(cluster, namespace, start)) == 2
    assert cluster.admin.get(path)["spec"]["replicas"] == 2


async def test_an_executor_that_dies_in_a_drain_leaves_it_to_people_and_no_pod_is_evicted_twice(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    with kept(node, cluster, namespace) as path:
        name = path.rpartition("/")[2]
        app = workload(cluster, namespace, name, replicas=3)
        budget(cluster, namespace, app, 2)
        start = cluster.mark()
        fault = Fault("POST", "/eviction$", forward=True, drop=True, times=1)
        async with mortal(cluster, namespace, tmp_path, fault) as lab:
            view = await lab.kubectl(f"kubectl drain {name} --ignore-daemonsets --timeout=20s")
            view = await lab.approve(view.id, ALICE)
            assert view.state == "EXECUTING"
            lab.attach()
            view = await lab.after(LONG_MS, view.id)
            assert (view.state, view.reason) == ("NEEDS_HUMAN", "PROBE_CANNOT_TELL")
        done = [each for each in evictions(cluster, namespace, start) if not each.dry and each.status < 300]
        assert done
        assert len({each.name for each in done}) == len(done)
        assert cluster.admin.get(path)["spec"]["unschedulable"] is True
