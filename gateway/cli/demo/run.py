"""Run the demo from the first process to the closing table."""

import contextlib
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg
from botocore.exceptions import BotoCoreError, ClientError

from gateway.cli.demo import actors, alert, siem
from gateway.cli.demo.case import Case, draw
from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.plot import CHANGES, DENIED, Plot
from gateway.cli.demo.postgres import CLIENT_CONNECTIONS, open_to_others
from gateway.cli.demo.process import Child, DemoFault
from gateway.cli.demo.proof import keep_keys, prove
from gateway.cli.demo.result import Result
from gateway.cli.demo.site import CALM
from gateway.cli.demo.story import Story
from gateway.cli.demo.world import Redirect, World, open_world

_READY_S = 60.0
_BASELINE_S = 4.0
"""Seconds of ordinary traffic before the deployment."""
_ALERT_S = 25.0
_LEASE_S = 12
"""How long the agent asks for; long enough to be verified, short enough to see its end."""
_AGENT_S = 90.0
_INTERRUPTED = 130
_FAULTS = (
    DemoFault, psycopg.Error, BotoCoreError, ClientError, httpx2.HTTPError, OSError, subprocess.SubprocessError
)  # fmt: skip
"""What a world of real processes can come to; everything else is a mistake in the demo."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller of the demo chooses."""

    seed: int
    keep: bool = False
    """Keep the folder with all files and logs."""
    redirect: Redirect | None = None
    """For tests: what stands between the executor and the AWS API."""


def run(options: Options, story: Story) -> Result:
    """Play the case study; its code is 0 only when every expectation held."""
    result, expect = Result(options.seed), Expectations(story)
    with _folder(story, keep=options.keep) as folder:
        try:
            _play(draw(options.seed), options, folder, story, expect, result)
        except _FAULTS as exc:
            expect.fail("the demo comes to its end", f"{type(exc).__name__}: {exc}")
        except KeyboardInterrupt:
            story.line("FAILED", "interrupted")
            result.code = _INTERRUPTED
            return result
    result.close(story, expect)
    result.show(story)
    result.code = 1 if result.failed else 0
    return result


def _play(case: Case, options: Options, folder: Path, story: Story, expect: Expectations, result: Result) -> None:
    story.title(f"Countermand demo: a database runs out of connections (DEMO_SEED={case.seed})")
    with contextlib.ExitStack() as stack:
        with story.waiting("starting PostgreSQL, an AWS API, a repository, a pager and the gateway"):
            world = stack.enter_context(open_world(case, folder, options.redirect))
            gateway = actors.start_gateway(world)
            stack.callback(gateway.stop)
            traffic = world.start_traffic()
            stack.callback(traffic.stop)
            since = time.monotonic()
            gateway.wait_until(lambda: actors.is_ready(world), _READY_S)
        keys = keep_keys(world)
        _introduce(world, story)
        agent = actors.start_agent(world, "agent", "--lease-s", str(_LEASE_S))
        stack.callback(agent.stop)
        _break(world, story, since)
        plot = Plot(world, story, expect, result)
        _follow(agent, plot, story, world, (*world.children, gateway, traffic))
        _aftermath(world, expect, plot, result)
        gateway.stop()
        prove(world, keys, story, expect, result)


def _introduce(world: World, story: Story) -> None:
    case = world.case
    services = ", ".join(f"{s.name} ({s.demand:.0f}/s)" for s in case.services)
    story.line("world", f"a real PostgreSQL with room for {CLIENT_CONNECTIONS} clients; services: {services}")
    story.line("world", f"each has a role, an API key and a usage plan; {len(case.commits)} commits in the repository")
    story.line("world", "credentials of the targets: the executor has them, the gateway and the agent have none")


def _break(world: World, story: Story, since: float) -> None:
    """Deploy the guilty commit after some ordinary traffic, and fire the alert that follows."""
    with story.waiting("ordinary traffic"):
        time.sleep(max(0.0, since + _BASELINE_S - time.monotonic()))
    story.line("alert", f"the shop's pipeline deploys its newest commits; {world.database.connections()} connections")
    world.deploy()
    with story.waiting(f"the alert fires above {alert.LIMIT} connections"):
        value = alert.wait_and_fire(world.account.url, world.site.http, world.site.alert_secret, _ALERT_S)
    story.line("alert", f"DatabaseConnectionsHigh: {value:.0f} connections; signed webhook sent to the gateway")


def _follow(agent: Child, plot: Plot, story: Story, world: World, others: Sequence[Child]) -> None:
    """Take the agent's events until it ends; while there are none, show how the database is and who still runs."""
    inbox: queue.Queue[actors.Event | None] = queue.Queue()

    def pump() -> None:
        for event in actors.events(agent):
            inbox.put(event)
        inbox.put(None)

    threading.Thread(target=pump, daemon=True).start()
    end = time.monotonic() + _AGENT_S
    with story.waiting("the agent works"):
        while time.monotonic() < end:
            try:
                event = inbox.get(timeout=0.5)
            except queue.Empty:
                for other in others:
                    other.must_run()
                story.progress(f"the agent works; {world.database.connections()} connections")
                continue
            if event is None:
                return
            plot.take(event)
    raise DemoFault(f"the agent did not come to an end in {_AGENT_S:.0f} s")


def _aftermath(world: World, expect: Expectations, plot: Plot, result: Result) -> None:
    """Look at the targets once more, when everything is over."""
    result.first_read_s = siem.first_read_s(world.site.export)
    plot.check_complete()
    expect.equal("every careless proposal was denied", len(plot.denied), DENIED)
    expect.equal("the agent checked the receipts of its changes", result.receipts, CHANGES)
    expect.check("the database instance still exists", world.account.database_exists())
    connections = world.database.connections()
    expect.check("the database is well, without the limit", connections < CALM, f"{connections} connections")


@contextlib.contextmanager
def _folder(story: Story, *, keep: bool) -> Iterator[Path]:
    root = os.geteuid() == 0  # then the database runs as another user, who has to reach the folder
    usual = Path(tempfile.gettempdir())
    parent = usual if not root or open_to_others(usual) else Path("/var/tmp")  # noqa: S108  # mkdtemp is safe there
    folder = Path(tempfile.mkdtemp(prefix="countermand-demo-", dir=parent))
    folder.chmod(0o711 if root else 0o700)
    try:
        yield folder
    finally:
        if keep:
            story.text(f"everything is kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
