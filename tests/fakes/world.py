"""An in-memory world: the real use cases, store, executor worker and grants over a fake target and a virtual clock."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.adapters.ids import UlidIds
from gateway.adapters.keys_file import FileSigner, KeyDirectory
from gateway.adapters.keys_live import LiveKeys
from gateway.adapters.seal import Sealer
from gateway.adapters.store_audit import evidence_of
from gateway.adapters.store_sqlite import SqliteStore
from gateway.adapters.tables import load_tables
from gateway.core.audit import Report, audit
from gateway.core.bundle import Bundle
from gateway.core.canonical import Json, canonical
from gateway.core.grant import Purpose
from gateway.core.keys import Alg, verify_key
from gateway.core.principal import Principal
from gateway.core.redact import Redactor
from gateway.core.step import Step
from gateway.errors import PolicyFault, TargetFault
from gateway.executor.claims import Claims
from gateway.executor.messages import (
    Begun,
    ObservationSaid,
    ProbeSaid,
    RefusalSaid,
    Said,
    SamplesSaid,
    StepSaid,
    UndoSaid,
    Work,
)
from gateway.executor.work import Served, Worker
from gateway.observability import Metrics
from gateway.parsing.catalog import Catalog, Scope
from gateway.parsing.tables_aws import AwsTables
from gateway.parsing.tables_kubectl import KubectlTable
from gateway.ports import Tx
from gateway.ports_policy import PolicyAnswer
from gateway.ports_target import Applied, Observed, Undone
from gateway.service import reports
from gateway.service.bus import Bus
from gateway.service.drive import Driver
from gateway.service.gateway import Gateway
from gateway.service.hub import Hub
from gateway.service.log import CheckpointSigner
from gateway.service.settings import Environment, ScopeSite, ServiceSettings, Timing
from gateway.service.start import started
from gateway.service.texts import Texts
from gateway.service.views import ActionView, WorkView
from gateway.service.world import World
from tests.fakes.clock import VirtualClock
from tests.fakes.store import WatchedStore

AGENT = Principal("agent-1", "team-a", ("sre-agents",), "agent", "socket", "large")
OTHER_AGENT = Principal("agent-2", "team-b", ("sre-agents",), "agent", "socket", "large")
ALICE = Principal("alice", "", ("sre-oncall",), "approver", "socket")
BOB = Principal("bob", "", ("sre-oncall",), "approver", "socket")
OWNER = Principal("team-a", "", ("sre-oncall",), "approver", "socket")
AUDIENCE = "executor/local"
READ = b'psql -c "SELECT count(*) FROM pg_stat_activity"'
WRITE = b'psql -c "ALTER ROLE checkout CONNECTION LIMIT 5"'


@dataclass
class FakePolicy:
    """A policy that says what a test wants: a permit for every step, and obligations."""

    permit: str = "allow"
    obligations: list[dict[str, Json]] = field(default_factory=list)
    limits: list[dict[str, Json]] = field(default_factory=list)
    fault: bool = False
    revision: str = "sha256:" + "a" * 64
    bundle: Bundle | None = None
    asked: list[Mapping[str, Json]] = field(default_factory=list)

    async def evaluate(self, document: Mapping[str, Json]) -> PolicyAnswer:
        self.asked.append(document)
        if self.fault:
            raise PolicyFault("POLICY_TIMEOUT", "no answer")
        steps = [s["i"] for s in document["steps"]]
        permits = [] if self.permit == "deny" else [
            {"code": "TEST_PERMIT", "permit": self.permit, "step": i, "args": {}} for i in steps
        ]  # fmt: skip
        found = [{**o, "step": i} for o in self.obligations for i in steps]
        return PolicyAnswer(self.revision, tuple(permits + self.limits), tuple(found))

    async def load(self, bundle: Bundle) -> None:
        self.bundle = bundle

    async def close(self) -> None: ...


@dataclass
class FakeTarget:
    """A target with one integer per target id, an append-only history, and knobs that break it."""

    clock: VirtualClock
    values: dict[str, int] = field(default_factory=dict)
    history: list[tuple[str, str, int]] = field(default_factory=list)
    undo_class: str = "exact"
    fail: str = ""
    """Status that apply answers without touching anything: not_applied or unknown."""
    fails: dict[str, str] = field(default_factory=dict)
    """The same for some steps, by target or `target=value`; `applied_unknown` is applied and not told."""
    vanish: bool = False
    """Apply, then never answer."""
    undo_fails: str = ""
    iac: Mapping[str, Json] | None = None
    """What owns the targets in code, as in a fact."""
    between: Callable[[], Awaitable[None]] | None = None
    """What happens in the world between an apply and its report."""
    unreadable: bool = False
    """Every probe fails."""

    async def observe(self, step: Step) -> Observed:
        value = self.values.get(step.target.id, 0)
        fact = {
            "target": step.target.id, "status": "known", "observed_ms": self.clock.now_ms(),
            "value": {"exists": True, "connection_limit": value, "owner": "team-db", "iac": self.iac},
        }  # fmt: skip
        changes = [{"path": "/limit", "from": value, "to": self._wanted(step)}]
        return Observed((fact,), {"status": "ok", "targets": 1, "changes": changes}, {"limit": value}, self.undo_class)

    async def apply(
        self, step: Step, snapshot: Mapping[str, Json], on_chunk: Callable[[bytes], Awaitable[None]]
    ) -> Applied:
        del snapshot
        if step.operation == "sql.select":
            await on_chunk(b"row\n")
            return Applied("applied", output=b"row\n")
        fail = self.fails.get(step.target.id) or self.fails.get(f"{step.target.id}={self._wanted(step)}") or self.fail
        if fail in {"not_applied", "unknown"}:
            return Applied(fail, "TEST_FAILED", "as told")  # type: ignore[arg-type]
        self.values[step.target.id] = self._wanted(step)
        self.history.append(("apply", step.target.id, self._wanted(step)))
        if self.between is not None:
            await self.between()
        if self.vanish:
            await asyncio.Event().wait()
        if fail:
            return Applied("unknown", "TEST_FAILED", "as told")
        return Applied("applied", after={"limit": self._wanted(step)})

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        if self.unreadable:
            raise TargetFault("TEST_UNREADABLE", "as told")
        now = self.values.get(step.target.id, 0)
        if now == self._wanted(step):
            return Applied("applied", after={"limit": now})
        return Applied("not_applied" if now == snapshot["limit"] else "unknown", after={"limit": now})

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        if self.undo_fails:
            return Undone(self.undo_fails, "TEST_UNDO", "as told")  # type: ignore[arg-type]
        now = self.values.get(step.target.id, 0)
        if now == snapshot["limit"]:
            return Undone("undone", "ALREADY_RESTORED", read_back={"limit": now})
        if now != self._wanted(step):
            return Undone("conflict", "EDITED", read_back={"limit": now})
        self.values[step.target.id] = snapshot["limit"]
        self.history.append(("undo", step.target.id, snapshot["limit"]))
        return Undone("undone", read_back={"limit": snapshot["limit"]})

    async def close(self) -> None: ...

    @staticmethod
    def _wanted(step: Step) -> int:
        return int(step.params.get("limit", 0))


@dataclass
class FakeTelemetry:
    """A source whose value a test sets; None is no data. What a change harmed is well again once it is undone."""

    target: FakeTarget
    value: float | None = 1.0
    after_undo: float | None = 1.0

    async def sample(self, query: Mapping[str, Json]) -> float | None:
        del query
        undone = self.target.history and self.target.history[-1][0] == "undo"
        return self.after_undo if undone else self.value


class Link:
    """An executor's line to the gateway without a wire; `cut` loses reports as a dead executor would."""

    def __init__(self, gateway: Gateway, instance: str) -> None:
        self._gateway = gateway
        self.instance = instance
        self.cut = False

    async def begin(self, work: Work, nonce: str) -> Begun:
        begun, reason = await self._gateway.begin_attempt(
            work_id=work.work_id, action=work.action, purpose=work.purpose.value, nonce=nonce, fence=work.fence,
            instance=self.instance,
        )  # fmt: skip
        return Begun(begun, reason)

    async def report(self, work: Work, said: Said) -> bool:
        if self.cut:
            return False
        proceed, _ = await self._gateway.report(
            work_id=work.work_id, action=work.action, fence=work.fence, instance=self.instance, body=_report(said)
        )
        return proceed

    async def chunk(self, work: Work, step: int, data: bytes) -> None:
        body = reports.ChunkReport(step, data)
        await self._gateway.report(
            work_id=work.work_id, action=work.action, fence=work.fence, instance=self.instance, body=body
        )


@dataclass
class Lab:
    """A gateway with one executor, everything at hand."""

    world: World
    gateway: Gateway
    clock: VirtualClock
    policy: FakePolicy
    target: FakeTarget
    telemetry: FakeTelemetry
    driver: Driver
    signer: CheckpointSigner
    link: Link
    concurrency: int = 0
    """What its executors tell when they attach; 0: they always ask for leave."""
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    async def submit(
        self, command: bytes = WRITE, *, agent: Principal = AGENT, request_id: str = "", lease_s: int = 0,
        incident: str = "", hypothesis: str = "", validate_only: bool = False, wait_ms: int = 0,
    ) -> ActionView:  # fmt: skip
        return await self.gateway.submit(
            agent, request_id=request_id or str(uuid.uuid4()), command=command, steps=None, scope="", justification="",
            incident=incident, hypothesis=hypothesis, lease_s=lease_s, validate_only=validate_only, wait_ms=wait_ms,
        )  # fmt: skip

    async def settled(self, command: bytes = WRITE, **more: Json) -> ActionView:
        """Submit, and let everything run that can without time passing."""
        view = await self.submit(command, **more)
        await self.clock.settle()
        return await self.get(view.id)

    async def get(self, action: str, principal: Principal = AGENT) -> ActionView:
        return await self.gateway.get_action(replace(principal, door="approver"), action)

    async def after(self, ms: int, action: str) -> ActionView:
        await self.clock.advance(ms)
        return await self.get(action)

    async def approve(self, action: str, who: Principal = ALICE) -> ActionView:
        [pending] = [p for p in await self.gateway.list_pending(who) if p.action.id == action]
        assert pending.action.decision is not None
        view = await self.gateway.approve(
            who, str(uuid.uuid4()), action, plan_digest=pending.action.plan_digest,
            decision_digest=pending.action.decision.digest, state_digest=pending.action.state_digest,
            nonce=pending.nonce, comment="",
        )  # fmt: skip
        await self.clock.settle()
        return await self.get(view.id)

    def attach(self) -> "asyncio.Task[None]":
        """Start an executor; it works until it is cancelled."""
        self.link = Link(self.gateway, f"executor-{len(self.tasks)}")
        claims = Claims(AUDIENCE, self.link.instance, self.world.keys, self.clock)  # type: ignore[arg-type]
        served = Served({"orders-db": ("postgres", self.target)}, {"fake": self.telemetry})
        worker = Worker(served, claims, self.link, self.clock)
        task = asyncio.create_task(_serve(self.gateway, worker, self.link, self.concurrency))
        self.tasks.append(task)
        return task


@asynccontextmanager
async def lab(
    timing: Timing | None = None, profiles: Mapping[str, Json] | None = None, *, executor: bool = True,
    path: Path | None = None, keys: KeyDirectory | None = None, concurrency: int = 0,
) -> AsyncIterator[Lab]:  # fmt: skip
    """Run a lab; time stands still except where a test moves it. With `path` it stands on a file.

    With `keys` it signs with the keys of a directory, as they are when they are looked at.
    """
    store = WatchedStore.in_memory() if path is None else WatchedStore(SqliteStore.open(path))
    clock = VirtualClock(busy=store.busy)
    policy = FakePolicy()
    world = _world(store, clock, policy, timing or Timing(), profiles or PROFILES)
    if keys is not None:
        live = LiveKeys(keys, clock)
        world = replace(world, signer=live, keys=live)
    gateway = Gateway(world)
    target = FakeTarget(clock)
    made = Lab(
        world, gateway, clock, policy, target, FakeTelemetry(target), Driver(world), CheckpointSigner(world),
        Link(gateway, ""), concurrency,
    )  # fmt: skip
    await started(world)
    made.tasks.append(asyncio.create_task(made.driver.run()))
    if executor:
        made.attach()
    await clock.settle()
    try:
        yield made
        await clock.settle()
        found = await violations(made)
        assert not found, "\n".join(found)
    finally:
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)
        await store.close()


async def violations(made: Lab) -> list[str]:
    """Audit all that is stored, tables and documents too: what is wrong, for people; empty when all is well."""

    def unit(_: Tx) -> Report:
        files = made.world.store._store._files  # type: ignore[attr-defined]
        with closing(files.connect(read_only=True)) as connection:
            return audit(replace(evidence_of(connection), checkpoints=(), now_ms=made.clock.now_ms()), keys={})

    report = await made.world.store.read(unit)
    return [f"{v.index} {v.action} {v.code}: {v.detail}" for v in report.violations]


PROFILES = {
    "steady": {"checks": [{"name": "errors", "kind": "not_worse", "limit": 5, "provider": "fake", "query": {}}]},
}
VERIFY = {"code": "TEST_VERIFY", "verify": {"profile": "steady", "window_s": 10, "interval_s": 1}}


@cache
def _tables() -> tuple[KubectlTable, AwsTables]:
    return load_tables(["rds"])


def _world(
    store: WatchedStore, clock: VirtualClock, policy: FakePolicy, timing: Timing, profiles: Mapping[str, Json]
) -> World:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))  # the same after a restart
    key = verify_key(Alg.ED25519, private.public_key().public_bytes_raw(), not_before_ms=0)
    kubectl, aws = _tables()
    settings = ServiceSettings(
        origin="test/log",
        scopes={"orders-db": ScopeSite("orders-db", AUDIENCE, {"*": "prod"})},
        environments={"prod": Environment("prod", "high")},
        profiles=profiles,
        timing=timing,
    )
    return World(
        store=store, policy=policy, signer=FileSigner(key, private), clock=clock, ids=UlidIds(clock),
        sealer=Sealer(b"s" * 32), redactor=Redactor("test", b"r" * 32),
        catalog=Catalog({"orders-db": Scope("orders-db", "postgres")}, kubectl, aws), settings=settings,
        keys=lambda: {key.kid: key}, texts=lambda: Texts({}, {}), counts=Metrics(), bus=Bus(), hub=Hub(),
    )  # fmt: skip


async def _serve(gateway: Gateway, worker: Worker, link: Link, concurrency: int = 0) -> None:
    async with asyncio.TaskGroup() as group:
        attached = gateway.attach(AUDIENCE, link.instance, process=link.instance, concurrency=concurrency)
        async for view in attached:
            group.create_task(worker.do(_work(view)))


def _work(view: WorkView) -> Work:
    return Work(
        view.work_id, view.action, Purpose(view.purpose), view.grant, view.plan, view.fence, view.snapshot, view.checks,
        view.deadline_ms, view.first_step, view.progress,
    )  # fmt: skip


def _report(said: Said) -> reports.Report:
    match said:
        case RefusalSaid(code, detail):
            return reports.RefusalReport(code, detail)
        case ObservationSaid(document):
            return reports.ObservationReport(document)
        case StepSaid(step, a):
            return reports.StepReport(step, a.status, a.code, a.detail, a.output, a.truncated, canonical(a.after or {}))
        case ProbeSaid(step, a):
            return reports.ProbeReport(step, a.status, canonical(a.after or {}))
        case SamplesSaid(document):
            return reports.SamplesReport(document)
        case UndoSaid(step, u):
            return reports.UndoReport(step, u.status, u.code, u.detail, canonical(u.read_back or {}))
