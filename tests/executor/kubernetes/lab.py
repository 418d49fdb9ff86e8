"""The real use cases and a real executor worker over a real cluster, with time that only moves when a test says so."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from gateway.core.canonical import Json, canonical
from gateway.core.events import Leaf, read_leaf
from gateway.core.step import Step
from gateway.executor.config_kubernetes import KubernetesIdentities, KubernetesIdentity, KubernetesScope
from gateway.executor.targets.kubernetes.target import KubernetesTarget
from gateway.executor.work import Served, Worker
from gateway.parsing.catalog import Catalog, Scope
from gateway.ports import Tx
from gateway.ports_target import Applied, Observed, Telemetry, Undone
from gateway.service.drive import Driver
from gateway.service.gateway import Gateway
from gateway.service.log import CheckpointSigner
from gateway.service.settings import ScopeSite, Timing
from tests.fakes import world as fakes
from tests.fakes.clock import VirtualClock
from tests.fakes.store import WatchedStore
from tests.fixtures_k8s import Cluster

T = TypeVar("T")
SCOPE = "prod-eu"
OUTPUT_BYTES = 262_144


def executor_scope(cluster: Cluster, folder: Path, **more: Any) -> KubernetesScope:
    """Return the scope of an executor as deploy/kubernetes/rbac.yaml wants it: tokens of two service accounts."""
    token = folder / "executor.token"
    token.write_text(cluster.token())
    token.chmod(0o600)
    who = KubernetesIdentities(
        KubernetesIdentity(service_account="countermand/countermand-read"),
        KubernetesIdentity(service_account="countermand/countermand-write"),
    )
    return KubernetesScope(cluster.server, cluster.ca, token, identities=who, **more)


def admin_scope(cluster: Cluster, folder: Path, server: str = "") -> KubernetesScope:
    """Return the scope of an executor that may do everything, for kinds that the shipped roles leave out."""
    token = folder / "admin.token"
    token.write_text(cluster.admin.token)
    token.chmod(0o600)
    itself = KubernetesIdentity()
    who = KubernetesIdentities(itself, itself)
    return KubernetesScope(server or cluster.server, cluster.ca, token, identities=who)


@dataclass
class Watched:
    """A target whose deeds are written down, for the telemetry that follows them; `busy` while it is at work."""

    inner: KubernetesTarget
    history: list[tuple[str, str, int]] = field(default_factory=list)
    under_way: int = 0

    async def observe(self, step: Step) -> Observed:
        return await self._at_work(self.inner.observe(step))

    async def apply(
        self, step: Step, snapshot: Mapping[str, Json], on_chunk: Callable[[bytes], Awaitable[None]]
    ) -> Applied:
        self.history.append(("apply", step.target.id, 0))
        return await self._at_work(self.inner.apply(step, snapshot, on_chunk))

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        return await self._at_work(self.inner.probe(step, snapshot))

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        self.history.append(("undo", step.target.id, 0))
        return await self._at_work(self.inner.undo(step, snapshot))

    async def close(self) -> None:
        await self.inner.close()

    def busy(self) -> bool:
        return self.under_way > 0

    async def _at_work(self, call: Awaitable[T]) -> T:
        self.under_way += 1
        try:
            return await call
        finally:
            self.under_way -= 1


@dataclass
class KubeLab(fakes.Lab):
    """A lab whose scope is a cluster; `providers` are telemetry besides the lab's own."""

    providers: dict[str, Telemetry] = field(default_factory=dict)

    def attach(self) -> "asyncio.Task[None]":
        """Start an executor; it works until it is cancelled."""
        self.link = fakes.Link(self.gateway, f"executor-{len(self.tasks)}")
        claims = fakes.Claims(fakes.AUDIENCE, self.link.instance, self.world.keys, self.clock)  # type: ignore[arg-type]
        served = Served({SCOPE: ("kubernetes", self.target)}, {"fake": self.telemetry, **self.providers})
        worker = Worker(served, claims, self.link, self.clock)
        task = asyncio.create_task(fakes._serve(self.gateway, worker, self.link))
        self.tasks.append(task)
        return task

    async def kubectl(self, command: str, **more: Any) -> Any:
        """Submit a command and let it run as far as it goes without time passing."""
        return await self.settled(command.encode(), **more)

    async def typed(self, operation: str, names: list[str], params: Json, namespace: str = "") -> Any:
        """Submit one typed step and let it run as far as it goes without time passing."""
        target = {"scope": SCOPE, "names": names} | ({"namespace": namespace} if namespace else {})
        step = {"tool": "kubernetes", "operation": operation, "params": params, "target": target}
        view = await self.gateway.submit(
            fakes.AGENT, request_id=str(uuid.uuid4()), command=None, steps=canonical({"steps": [step]}), scope="",
            justification="", incident="", hypothesis="", lease_s=0, validate_only=False,
        )  # fmt: skip
        await self.clock.settle()
        return await self.get(view.id)

    def decided_on(self, step: int = 0) -> Any:
        """Return one step of the policy input that the last decision with facts rested on."""
        return [each for each in self.policy.asked if each["stage"] == "decide"][-1]["steps"][step]

    async def leaves(self, action: str) -> list[Leaf]:
        """Return what the log says about an action, oldest first."""

        def read(tx: Tx) -> list[Leaf]:
            return [leaf for _, data in tx.leaves(0, 10_000) if (leaf := read_leaf(data)).action == action]

        return await self.world.store.read(read)

    async def harmed(self, action: str, ms: int = 30_000) -> Any:
        """Let verification find harm, and return the action as it then ends."""
        self.telemetry.value = 100.0
        return await self.after(ms, action)


@asynccontextmanager
async def kube_lab(
    scope: KubernetesScope, namespace: str = "default", timing: Timing | None = None
) -> AsyncIterator[KubeLab]:
    """Run a lab over a cluster."""
    store = WatchedStore.in_memory()
    clock = VirtualClock(busy=lambda: store.busy() or target.busy())
    target: Any = Watched(KubernetesTarget(scope, clock, OUTPUT_BYTES))
    policy = fakes.FakePolicy(obligations=[fakes.VERIFY])
    world = fakes._world(store, clock, policy, timing or Timing(), fakes.PROFILES)
    catalog = Catalog(
        {SCOPE: Scope(SCOPE, "kubernetes", default_namespace=namespace)}, world.catalog.kubectl, world.catalog.aws
    )
    settings = replace(world.settings, scopes={SCOPE: ScopeSite(SCOPE, fakes.AUDIENCE, {"*": "prod"})})
    world = replace(world, catalog=catalog, settings=settings)
    gateway = Gateway(world)
    made = KubeLab(
        world, gateway, clock, policy, target, fakes.FakeTelemetry(target), Driver(world), CheckpointSigner(world),
        fakes.Link(gateway, ""),
    )  # fmt: skip
    made.tasks.append(asyncio.create_task(made.driver.run()))
    made.attach()
    await clock.settle()
    try:
        yield made
        await clock.settle()
        assert await fakes.violations(made) == []
    finally:
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)
        await target.close()
        await store.close()
