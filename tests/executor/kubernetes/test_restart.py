"""The API server dies in the middle of a change and comes back; a control plane of its own, because it is killed."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.demo.controlplane import identity
from gateway.cli.demo.controlplane.find import find
from gateway.cli.demo.controlplane.running import control_plane
from tests.executor.kubernetes.rows import node
from tests.executor.kubernetes.test_draining import drain, target, uids, workload
from tests.executor.steps import Heard
from tests.fixtures_k8s import RBAC, Cluster, eventually

pytestmark = [pytest.mark.anyio, pytest.mark.alone, pytest.mark.paired, pytest.mark.cluster]


@pytest.fixture
def mortal() -> Iterator[Cluster]:
    """A control plane that a test may kill."""
    if find() is None:
        pytest.skip("the Kubernetes control plane is not built: make cluster")
    with control_plane() as plane:
        found = Cluster(plane, plane.api(), plane.api(identity.HUMAN))
        found.kubectl("apply", "-f", str(RBAC / "rbac.yaml"))
        roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles/countermand-write"
        eventually(lambda: found.admin.get(roles)["rules"], what="countermand-write is aggregated")
        yield found


async def test_a_drain_goes_on_when_the_api_server_is_killed_and_comes_back(mortal: Cluster, tmp_path: Path) -> None:
    namespace = mortal.namespace()
    name = node(mortal, namespace).rpartition("/")[2]
    app = workload(mortal, namespace, name, replicas=4, labels={"countermand.test/slow-stop": "1"})
    there = uids(mortal, namespace, app)
    at, what, heard = target(mortal, tmp_path), drain(name, "--timeout=120s"), Heard()
    seen = await at.observe(what)
    running = asyncio.create_task(at.apply(what, seen.snapshot, heard))
    await asyncio.sleep(1)
    assert not running.done(), "the pods stop slowly"
    killed = mortal.plane.pid("kube-apiserver")
    os.kill(killed, signal.SIGKILL)
    done = await running
    assert (done.status, done.code) == ("applied", "")
    assert mortal.plane.pid("kube-apiserver") != killed
    assert not there & uids(mortal, namespace, app)
    assert heard.chunks[-1].startswith(b"4/4 ")
