"""A site that is there to be broken: a real gateway and real executors, a real PostgreSQL, an AWS API, a person."""

import itertools
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from agent_client import AgentClient, ApproverClient, Retry, connect, connect_approver
from gateway import strict_yaml
from gateway.core.canonical import Json
from tests.chaos.history import Plans, Roles, recorded
from tests.chaos.policy import write_bundle
from tests.chaos.process import Process, until
from tests.fixtures_aws import REGION, aws_server
from tests.fixtures_pg import postgres_server

Env = Mapping[str, str]
Tool = Literal["postgres", "aws", "replicas", "image", "drain"]
_NONE: Env = {}
AUDIENCE = "executor/chaos"
READY = "countermand: ready"
OLD = 20
"""The value of every target before anybody touches it."""
TIMING = {
    "attempt_ms": 3_500, "attempt_margin_ms": 500, "redispatch_ms": 200, "reconcile_ms": 2_000,
    "lease_margin_ms": 1_000, "undo_deadline_ms": 120_000, "checkpoint_ms": 500,
}  # fmt: skip
LEASE_S = 3
_NUMBERS = itertools.count(1)
_PATIENT = Retry(attempts=1_000, first_s=0.1, most_s=0.3)
"""A proposal is sent until it is answered, always under the same request_id: it counts once."""
_CHECK = {"name": "steady", "kind": "not_worse", "limit": 5, "min_samples": 1, "provider": "db",
          "query": {"name": "one"}}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Intended:
    """What one action was to do."""

    action: str
    tool: Tool
    target: str
    new: int


@dataclass(kw_only=True)
class Ground:
    """What every site has; processes are started, killed and started again by the test."""

    folder: Path
    agent: AgentClient
    person: ApproverClient
    intended: list[Intended] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def database(self) -> Path:
        return self.state / "store" / "countermand.db"

    def gateway(self, env: Env = _NONE, *, module: str = "gateway") -> Process:
        """Start the gateway, and return once its doors are open."""
        process = self._start("gateway", (module, "serve", "--config", str(self.folder / "gateway.yaml")), env)
        until(lambda: process.says(READY), "the gateway is ready")
        return process

    def executor(self, env: Env = _NONE, *, module: str = "gateway", audience: str = AUDIENCE) -> Process:
        """Start an executor, once a gateway published its keys; it attaches by itself."""
        own = self.folder / "executor.yaml"
        config = own.with_name(f"executor-{audience.replace('/', '-')}.yaml")
        config.touch(0o600)
        config.write_text(strict_yaml.dump({**strict_yaml.load(own.read_text()), "audience": audience}))
        return self._start("executor", (module, "executor", "--config", str(config)), env)

    def proposed(self, tool: Tool, target: str, new: int, text: str, lease_s: int = 0, **more: str) -> Intended:
        """Propose a change, and return what it was to do."""
        action = self.agent.propose(text, lease_s=lease_s, **more)
        assert not action.denials, action.denials
        made = Intended(action.id, tool, target, new)
        self.intended.append(made)
        return made

    def _start(self, name: str, module: tuple[str, ...], env: Env) -> Process:
        process = Process(self.folder / f"{name}-{len(self.processes)}.log", module, env)
        self.processes.append(process)
        return process


@dataclass(kw_only=True)
class Site(Ground):
    """A site whose targets are a database's roles and an API's usage plans."""

    roles: Roles
    plans: Plans

    def change_role(self, lease_s: int = 0, *, role: str = "", **more: str) -> Intended:
        """Propose another connection limit for a role, a fresh one if none is named."""
        if not role:
            role = self.fresh_role()
        new = 100 + next(_NUMBERS)
        text = f'psql -c "ALTER ROLE {role} CONNECTION LIMIT {new}"'
        return self.proposed("postgres", role, new, text, lease_s, **more)

    def change_plan(self, lease_s: int = 0, *, plan: str = "") -> Intended:
        """Propose another rate for a usage plan, a fresh one if none is named."""
        plan = plan or self.plans.create(OLD)
        new = 100 + next(_NUMBERS)
        patches = " ".join(f"op=replace,path=/throttle/{f},value={new}" for f in ("rateLimit", "burstLimit"))
        text = f"aws apigateway update-usage-plan --usage-plan-id {plan} --patch-operations {patches}"
        return self.proposed("aws", plan, new, text, lease_s)

    def fresh_role(self, prefix: str = "role") -> str:
        """Create a role with the old limit."""
        role = f"{prefix}_{next(_NUMBERS)}"
        self.roles.create(role, OLD)
        return role


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets; they outlive many sites."""

    roles: Roles
    plans: Plans


@contextmanager
def running_targets() -> Iterator[Targets]:
    """Run a PostgreSQL and an AWS API that remember what is done to them."""
    with postgres_server() as postgres, aws_server() as aws, recorded(aws) as plans:
        yield Targets(Roles(postgres), plans)


@contextmanager
def site(targets: Targets, *, timing: Mapping[str, int] | None = None, child: bool = False) -> Iterator[Site]:
    """Build a site with nothing running yet but its targets; `child` lets `serve` start the executor."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cm-chaos-")))
        roles, plans = targets.roles.from_now_on(), targets.plans.from_now_on()
        _configure(folder, roles, plans, {**TIMING, **(timing or {})}, child=child)
        made = Site(folder=folder, roles=roles, plans=plans, **connected(stack, folder))
        stack.callback(end, made)
        yield made


def connected(stack: ExitStack, folder: Path) -> dict[str, Any]:
    """Return the clients of an agent and a person; they outlive every gateway."""
    doors = folder / "state" / "sockets"
    agent = connect(f"unix:{doors / 'agent.sock'}", timeout_s=10, retry=_PATIENT)
    person = connect_approver(f"unix:{doors / 'approver.sock'}", timeout_s=10, retry=_PATIENT)
    return {"agent": stack.enter_context(agent), "person": stack.enter_context(person)}


def end(made: Ground) -> None:
    """Kill whatever still runs."""
    for process in reversed(made.processes):
        process.kill()


def _configure(folder: Path, roles: Roles, plans: Plans, timing: Mapping[str, int], *, child: bool) -> None:
    own: dict[str, Json] = {"executor": "executor.yaml"} if child else {}
    write_gateway(folder, _CHECK, timing, **own, aws_services=["apigateway"], scopes={
        "db": {"tool": "postgres", "audience": AUDIENCE, "environments": {"*": "prod"}},
        "cloud": {"tool": "aws", "audience": AUDIENCE, "environments": {"*": "prod"}, "default_region": REGION},
    })  # fmt: skip
    scopes: Json = {
        "db": {"tool": "postgres", "dsn": roles.dsn},
        "cloud": {"tool": "aws", "endpoint_url": plans.url, "regions": [REGION], "access_key_id": "executor",
                  "secret_access_key": "executor", "connect_timeout_s": 1, "read_timeout_s": 1},
    }  # fmt: skip
    write_executor(folder, scopes, {"db": {"kind": "sql", "scope": "db", "queries": {"one": {"sql": "SELECT 1"}}}})


def write_gateway(folder: Path, check: Json, timing: Mapping[str, int], **own: Json) -> None:
    """Write a gateway's settings and its bundle; everything is verified by one check."""
    write_bundle(folder / "bundle")
    settings: dict[str, Json] = {
        "state_dir": "state",
        "environments": {"prod": {"criticality": "high"}},
        "verification": {"steady": {"checks": [check]}},
        "timing": dict(timing),
        "breaker": dict.fromkeys(("agent", "operation", "target"), 1_000),  # undoing is what these actions are for
        "policy": {"bundle": "bundle", "workers": 0},
        "principals": [
            {"id": "agent", "door": "agent", "owner": "team", "groups": ["sre-agents"], "default": True},
            {"id": "person", "door": "approver", "groups": ["sre-oncall"], "default": True},
        ],
        **own,
    }
    (folder / "gateway.yaml").write_text(strict_yaml.dump(settings))


def write_executor(folder: Path, scopes: Json, telemetry: Json) -> None:
    """Write an executor's settings."""
    settings = {
        "audience": AUDIENCE,
        "gateway": {"address": f"unix:{folder / 'state' / 'sockets' / 'executor.sock'}"},
        "keys": {"jwks": str(folder / "state" / "keys" / "trusted.json")},
        "scopes": scopes,
        "telemetry": telemetry,
    }
    config = folder / "executor.yaml"
    config.touch(0o600)
    config.write_text(strict_yaml.dump(settings))
