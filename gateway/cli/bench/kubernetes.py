"""What a governed read of a cluster costs beside kubectl and beside a bare client: 1, 100 and 5,000 objects.

Everything is real: an API server, `countermand serve` with its executor, kubectl. Pods are made that no node takes, so
that the machine measures reads and not a cluster at work. Each variant gives the same table of the same namespace:

* kubectl   a process of its own, `kubectl -n NAMESPACE get pods`, from start to end
* client    the `kubernetes` package's own `list_namespaced_pod`, warm, in this process, as most programs call it
* bare      the pages of the server's table, warm, nothing decoded: the least that any client can do
* governed  proposed, parsed, decided, granted, read, recorded, and the output in the agent's hands
"""

import asyncio
import secrets
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import kubernetes

from agent_client import aio
from agent_client.types import State
from gateway import strict_yaml
from gateway.cli.bench.children import Program, Started, start, wait_until
from gateway.cli.demo.controlplane.find import find
from gateway.cli.demo.controlplane.running import ControlPlane, attach, control_plane
from gateway.cli.failure import CommandError
from gateway.executor.config_kubernetes import KubernetesIdentities, KubernetesIdentity, KubernetesScope
from gateway.executor.targets.kubernetes.client import Cluster
from gateway.executor.targets.kubernetes.objects import pages
from gateway.executor.targets.kubernetes.tables import TABLE

Say = Callable[[str], None]
Once = Callable[[], Awaitable[int]]
"""One read; returns how many lines or objects it gave, so that none measures nothing."""
SIZES = (1, 100, 5_000)
VARIANTS = ("kubectl", "client", "bare", "governed")
_SCOPE = "prod-eu"
_MAKERS = 8
_OUTPUT_BYTES = 3 * 1_024 * 1_024


@dataclass(frozen=True, slots=True)
class Row:
    """The medians of one size, in milliseconds."""

    objects: int
    ms: Mapping[str, float]

    @property
    def to_kubectl(self) -> float:
        """Return what a governed read takes of kubectl's time."""
        return self.ms["governed"] / self.ms["kubectl"]

    @property
    def to_client(self) -> float:
        """Return what a governed read takes of the client library's time."""
        return self.ms["governed"] / self.ms["client"]


def measure(rounds: int, sizes: Sequence[int], folder: Path | None, say: Say) -> list[Row]:
    """Measure on a cluster that runs below `folder`, or on one of our own; raises CommandError."""
    if folder is None and find() is None:
        raise CommandError("BENCH_CLUSTER", "the control plane is not built: run `make cluster` in a clone")
    with tempfile.TemporaryDirectory(prefix="cm-bench-") as name:
        if folder is not None:
            return asyncio.run(_measure(Path(name), attach(folder), rounds, sizes, say))
        say("starting a control plane")
        with control_plane() as plane:
            return asyncio.run(_measure(Path(name), plane, rounds, sizes, say))


def table(rows: Sequence[Row]) -> str:
    """Return the figures as a table."""
    head = f"{'objects':>8}" + "".join(f"{name + ' ms':>13}" for name in VARIANTS) + f"{'/kubectl':>10}{'/client':>9}"
    lines = [
        f"{row.objects:>8}"
        + "".join(f"{row.ms[name]:>13.1f}" for name in VARIANTS)
        + f"{row.to_kubectl:>9.2f}x{row.to_client:>8.2f}x"
        for row in rows
    ]
    return "\n".join([head, *lines])


def to_json(rows: Sequence[Row]) -> dict[str, object]:
    """Return the figures for programs."""
    return {
        "schema": "countermand.bench-kubernetes/1",
        "rows": [
            {"objects": row.objects, "ms": dict(row.ms), "to_kubectl": row.to_kubectl, "to_client": row.to_client}
            for row in rows
        ],
    }  # fmt: skip


async def _measure(folder: Path, plane: ControlPlane, rounds: int, sizes: Sequence[int], say: Say) -> list[Row]:
    token = folder / "admin.token"
    token.touch(0o600)
    token.write_text(plane.api().token, encoding="utf-8")
    namespaces = {size: f"bench-{size}-{secrets.token_hex(3)}" for size in sizes}
    async with AsyncExitStack() as stack:
        for size, namespace in namespaces.items():
            say(f"making {size} pods")
            stack.callback(plane.api().delete, f"/api/v1/namespaces/{namespace}")
            await asyncio.to_thread(_make, plane, namespace, size)
        say("starting `countermand serve`")
        started = stack.enter_context(start(Program.gateway(_write(folder, plane, token)), folder / "serve.log"))
        await wait_until(started, lambda: started.said("countermand: ready"))
        agent = await stack.enter_async_context(aio.connect(f"unix:{folder / 'state' / 'sockets' / 'agent.sock'}"))
        await _attached(agent, started)
        cluster = Cluster(_scope(plane, token))
        stack.callback(cluster.close)
        library = _library(plane, token)
        rows = []
        for size, namespace in namespaces.items():
            say(f"reading {size} pods, {rounds} times each way")
            ways: Mapping[str, Once] = {
                "kubectl": _kubectl(plane, namespace), "client": _listed(library, namespace),
                "bare": _bare(cluster, namespace), "governed": _governed(agent, namespace),
            }  # fmt: skip
            rows.append(Row(size, await _round(ways, size, rounds)))
        return rows


async def _round(ways: Mapping[str, Once], size: int, rounds: int) -> Mapping[str, float]:
    """Measure the ways in turn, because the speed of a shared machine drifts; the first turn warms them up."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, once in ways.items():
            began = time.perf_counter()
            found = await once()
            took[name] += [(time.perf_counter() - began) * 1e3] if number else []
            if found < size:
                raise CommandError("BENCH_SHORT", f"{name} gave {found} of {size} pods")
    return {name: median(values) for name, values in took.items()}


def _kubectl(plane: ControlPlane, namespace: str) -> Once:
    argv = [str(plane.kubectl), f"--kubeconfig={plane.kubeconfig}", "-n", namespace, "get", "pods"]

    async def once() -> int:
        process = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.PIPE)
        out, _ = await process.communicate()
        return out.count(b"\n") - 1

    return once


def _listed(library: "kubernetes.client.CoreV1Api", namespace: str) -> Once:
    async def once() -> int:
        return len((await asyncio.to_thread(library.list_namespaced_pod, namespace)).items)

    return once


def _bare(cluster: Cluster, namespace: str) -> Once:
    async def once() -> int:
        path = f"/api/v1/namespaces/{namespace}/pods"
        return sum([len(page["rows"]) async for page in pages(cluster, path, {"includeObject": "None"}, TABLE)])

    return once


def _governed(agent: aio.AgentClient, namespace: str) -> Once:
    async def once() -> int:
        ended = await agent.propose(f"kubectl -n {namespace} get pods", wait_s=60)
        if ended.state is not State.SUCCEEDED:
            raise CommandError("BENCH_READ", f"the read ended {ended.state}: {ended.reason}")
        return sum(output.text.count("\n") for output in ended.outputs) - 1

    return once


def _make(plane: ControlPlane, namespace: str, size: int) -> None:
    """Create pods that no scheduler of this cluster takes."""
    api = plane.api()
    api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    while not api.answers(account):
        time.sleep(0.05)
    path = f"/api/v1/namespaces/{namespace}/pods"
    spec = {"schedulerName": "nobody", "containers": [{"name": "web", "image": "shop/web:1"}]}

    def one(number: int) -> None:
        plane.api().create(path, {"metadata": {"name": f"web-{number:05}", "labels": {"app": "web"}}, "spec": spec})

    with ThreadPoolExecutor(_MAKERS) as makers:
        list(makers.map(one, range(size)))


def _scope(plane: ControlPlane, token: Path) -> KubernetesScope:
    itself = KubernetesIdentity()
    return KubernetesScope(plane.server, plane.layout.ca, token, identities=KubernetesIdentities(itself))


def _library(plane: ControlPlane, token: Path) -> "kubernetes.client.CoreV1Api":
    settings = kubernetes.client.Configuration(host=plane.server, ssl_ca_cert=str(plane.layout.ca), proxy="")
    settings.api_key = {"BearerToken": f"Bearer {token.read_text(encoding='utf-8')}"}
    return kubernetes.client.CoreV1Api(kubernetes.client.ApiClient(settings))


def _write(folder: Path, plane: ControlPlane, token: Path) -> Path:
    """Write the settings of a gateway and its executor, and return those of the gateway."""
    gateway = {
        "state_dir": "state",
        "environments": {"prod": {"criticality": "high"}},
        "scopes": {_SCOPE: {"tool": "kubernetes", "environments": {"*": "prod"}}},
        "policy": {"workers": 2},
        "principals": [
            {"id": "agent/bench", "door": "agent", "owner": "bench", "groups": ["sre-agents"], "default": True},
        ],
        "executor": "executor.yaml",
    }  # fmt: skip
    scope = {
        "tool": "kubernetes", "server": plane.server, "ca_file": str(plane.layout.ca), "token_file": str(token),
        "identities": {"read": {"bootstrap": True}},
    }  # fmt: skip
    executor = {
        "audience": "executor/local",
        "gateway": {"address": f"unix:{folder / 'state' / 'sockets' / 'executor.sock'}"},
        "keys": {"jwks": str(folder / "state" / "keys" / "trusted.json")},
        "limits": {"output_bytes": _OUTPUT_BYTES},
        "scopes": {_SCOPE: scope},
    }
    for name, document in (("gateway.yaml", gateway), ("executor.yaml", executor)):
        (folder / name).write_text(strict_yaml.dump(document), encoding="utf-8")
    return folder / "gateway.yaml"


async def _attached(agent: aio.AgentClient, started: Started) -> None:
    while not any(scope.online for scope in (await agent.capabilities()).scopes):
        await wait_until(started, lambda: True)
        await asyncio.sleep(0.05)
