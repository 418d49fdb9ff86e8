"""Run the demo from the first process to the closing table."""

import contextlib
import importlib.util
import json
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2

from gateway.cli.demo import alert
from gateway.cli.demo.case import Case, draw
from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.plot import DENIED, Event, Plot
from gateway.cli.demo.process import Child, DemoFault
from gateway.cli.demo.proof import prove
from gateway.cli.demo.site import AUDIENCE, CALM
from gateway.cli.demo.story import Story
from gateway.cli.demo.world import Redirect, World, open_world

_READY_S = 40.0
_BASELINE_S = 5.0
"""Seconds of ordinary traffic before the deployment."""
_ALERT_S = 25.0
_AGENT_S = 90.0
LEASE_S = 15


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller of the demo chooses."""

    seed: int
    keep: bool = False
    """Keep the folder with all files and logs."""
    redirect: Redirect | None = None


def run(options: Options, story: Story) -> int:
    """Play the case study; returns 0 only when every expectation held."""
    case = draw(options.seed)
    expect = Expectations(story)
    folder = Path(tempfile.mkdtemp(prefix="countermand-demo-"))
    folder.chmod(0o711)  # the database runs as another user when we are root
    with _folder(folder, keep=options.keep, story=story):
        try:
            _play(case, options, folder, story, expect)
        except DemoFault as exc:
            story.line("FAILED", str(exc))
            return 1
        except KeyboardInterrupt:
            story.line("FAILED", "interrupted")
            return 130
    if expect.failed:
        story.text(f"{len(expect.failed)} of {len(expect.failed) + expect.passed} expectations failed:")
        for name in expect.failed:
            story.text(f"  ✗ {name}")
        return 1
    story.text(f"all {expect.passed} expectations held, {story.elapsed_s:.0f} s")
    return 0


def _play(case: Case, options: Options, folder: Path, story: Story, expect: Expectations) -> None:
    story.title(f"Countermand demo: a database runs out of connections (DEMO_SEED={case.seed})")
    with contextlib.ExitStack() as stack:
        with story.waiting("starting PostgreSQL, an AWS API, a repository, a pager and the gateway"):
            world = stack.enter_context(open_world(case, folder, options.redirect))
            gateway = _gateway(world)
            stack.callback(gateway.stop)
            traffic = world.start_traffic()
            stack.callback(traffic.stop)
            gateway.wait_until(lambda: _ready(world), _READY_S)
        _introduce(world, story)
        agent = _agent(world)
        stack.callback(agent.stop)
        fired = _break(world, story)
        plot = Plot(world, story, expect, lambda action: _approve(world, action))
        _follow(agent, plot, story, world)
        _aftermath(world, expect, plot)
        prove(world, gateway, story, expect)
        _closing(plot, story, fired)


def _introduce(world: World, story: Story) -> None:
    case = world.case
    services = ", ".join(f"{s.name} ({s.demand:.0f}/s)" for s in case.services)
    story.line("world", f"a real PostgreSQL with room for 52 clients, services: {services}")
    story.line("world", f"each has a role, an API key and a usage plan; {len(case.commits)} commits in the repository")
    story.line(
        "world", "the gateway holds no credential of a target, the executor holds them all, the agent holds none"
    )


def _gateway(world: World) -> Child:
    argv = [sys.executable, "-m", "gateway", "serve", "--config", str(world.site.config)]
    return Child.start("gateway", argv, world.folder / "gateway.log")


def _ready(world: World) -> bool:
    """Tell whether the gateway has a policy and its executor is there."""
    try:
        answer = httpx2.get(f"{world.site.http}/readyz", timeout=2, trust_env=False)
    except httpx2.HTTPError:
        return False
    return answer.status_code == httpx2.codes.OK and AUDIENCE in answer.json()["audiences"]


def _break(world: World, story: Story) -> alert.Alert:
    with story.waiting(f"ordinary traffic for {_BASELINE_S:.0f} s"):
        time.sleep(_BASELINE_S)
    story.line("alert", f"the shop's pipeline deploys its newest commits; {world.database.connections()} connections")
    world.deploy()
    with story.waiting(f"the alert fires above {alert.LIMIT} connections"):
        fired = alert.wait_and_fire(world.account.url, world.site.http, world.site.alert_secret, _ALERT_S)
    story.line("alert", f"DatabaseConnectionsHigh: {fired.value:.0f} connections; signed webhook sent to the gateway")
    return fired


def example(name: str) -> str:
    """Return the module of the example agent: inside this package in a wheel, beside it in a clone."""
    for package in ("gateway.examples", "examples"):
        with contextlib.suppress(ModuleNotFoundError):
            if importlib.util.find_spec(f"{package}.sre_agent.{name}") is not None:
                return f"{package}.sre_agent.{name}"
    raise DemoFault("the example agent is not installed: run the demo from a clone, or install the wheel")


def _agent(world: World) -> Child:
    argv = [sys.executable, "-m", example("agent"), "--json", "--lease-s", str(LEASE_S)]
    argv += ["--gateway", world.site.door("agent")]
    return Child.start("agent", argv, world.folder / "agent.log", output=subprocess.PIPE)


def _approve(world: World, action: str) -> list[Event]:
    """Let the person on call approve one action, through the approver's own door."""
    argv = [sys.executable, "-m", example("approver"), "--json", "--gateway", world.site.door("approver")]
    argv += ["--comment", "the line is reverted; nobody will come back for these sessions", action]
    child = Child.start("approver", argv, world.folder / "approver.log", output=subprocess.PIPE)
    try:
        return list(_events(child))
    finally:
        child.stop()


def _events(child: Child) -> Iterator[Event]:
    assert child.process.stdout is not None
    for line in child.process.stdout:
        yield json.loads(line)


def _follow(agent: Child, plot: Plot, story: Story, world: World) -> None:
    """Take the agent's events until it ends; while there are none, show how the database is."""
    inbox: queue.Queue[Event | None] = queue.Queue()

    def pump() -> None:
        for event in _events(agent):
            inbox.put(event)
        inbox.put(None)

    threading.Thread(target=pump, daemon=True).start()
    end = time.monotonic() + _AGENT_S
    with story.waiting("the agent works"):
        while time.monotonic() < end:
            try:
                event = inbox.get(timeout=0.5)
            except queue.Empty:
                story.progress(f"the agent works; {world.database.connections()} connections")
                continue
            if event is None:
                return
            plot.take(event)
    raise DemoFault(f"the agent did not come to an end in {_AGENT_S:.0f} s")


def _aftermath(world: World, expect: Expectations, plot: Plot) -> None:
    """Look at the targets once more, when everything is over."""
    expect.equal("every careless proposal was denied", len(plot.tally.denied), DENIED)
    expect.check("the database instance still exists", world.account.database_exists())
    connections = world.database.connections()
    expect.check("the database is well, without the limit", connections < CALM, f"{connections} connections")


def _closing(plot: Plot, story: Story, fired: alert.Alert) -> None:
    tally = plot.tally
    first = (tally.first_read_ms - fired.at_ms) / 1_000
    rows = [("alert → first diagnostic read", f"{first:.1f} s", f"{tally.reads} reads in all")]
    rows += [(what, verdict, outcome) for what, verdict, outcome in tally.verdicts]
    rows += [("undone by itself", "", text) for text in tally.undone]
    story.table("What happened", ("what", "verdict", "outcome"), rows)


@contextlib.contextmanager
def _folder(folder: Path, *, keep: bool, story: Story) -> Iterator[None]:
    try:
        yield
    finally:
        if keep:
            story.text(f"everything is kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def seed_of(environ: Mapping[str, str]) -> int:
    """Return DEMO_SEED, or a fresh seed; raises DemoFault for something that is no number."""
    text = environ.get("DEMO_SEED", "")
    if not text:
        return int(time.time()) % 10_000
    try:
        return int(text)
    except ValueError:
        raise DemoFault(f"DEMO_SEED must be a whole number, not {text!r}") from None
