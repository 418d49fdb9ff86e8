"""The world of the Kubernetes demo, put together: a real control plane, a pager, and the files of the gateway."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes

from gateway.cli.demo.controlplane.find import find
from gateway.cli.demo.controlplane.running import NotRunningError, control_plane
from gateway.cli.demo.kubernetes import site
from gateway.cli.demo.kubernetes.case import Case
from gateway.cli.demo.kubernetes.cluster import Cluster
from gateway.cli.demo.oncall import Pager
from gateway.cli.demo.place import Site
from gateway.cli.demo.process import DemoFault


@dataclass(frozen=True, slots=True)
class World:
    """Everything that runs besides the gateway and the agent."""

    case: Case
    folder: Path
    site: Site
    cluster: Cluster
    pager: Pager


@contextlib.contextmanager
def open_world(case: Case, folder: Path) -> Iterator[World]:
    """Start everything but the gateway, and stop it all at the end."""
    if find() is None:
        raise DemoFault("no Kubernetes control plane is here: build it from a clone with `make cluster` (needs Go)")
    with contextlib.ExitStack() as stack:
        secret = token_bytes(32)
        pager = Pager(secret)
        stack.callback(pager.close)
        try:
            plane = stack.enter_context(control_plane(folder / "cluster"))
        except NotRunningError as exc:
            raise DemoFault(str(exc)) from exc
        cluster = Cluster(plane, case)
        cluster.furnish()
        yield World(case, folder, site.write(folder / "private", cluster, pager.url, secret), cluster, pager)
