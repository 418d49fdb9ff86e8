"""The first case: a database runs out of connections, from the first process to the proof."""

import contextlib
import time
from pathlib import Path

from gateway.cli.demo import actors, alert, siem
from gateway.cli.demo.case import draw
from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.following import follow
from gateway.cli.demo.options import Options
from gateway.cli.demo.plot import CHANGES, DENIED, Plot
from gateway.cli.demo.postgres import CLIENT_CONNECTIONS
from gateway.cli.demo.proof import keep_keys, prove
from gateway.cli.demo.result import Result
from gateway.cli.demo.site import CALM
from gateway.cli.demo.story import Story
from gateway.cli.demo.world import World, open_world

_READY_S = 60.0
_BASELINE_S = 4.0
"""Seconds of ordinary traffic before the deployment."""
_ALERT_S = 25.0
_LEASE_S = 12
"""How long the agent asks for; long enough to be verified, short enough to see its end."""


def play(options: Options, folder: Path, story: Story, expect: Expectations, result: Result) -> None:
    """Play the case of a database that runs out of connections."""
    case = draw(options.seed)
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
        others = (*world.children, gateway, traffic)
        follow(agent, plot, story, others, lambda: f"{world.database.connections()} connections")
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


def _aftermath(world: World, expect: Expectations, plot: Plot, result: Result) -> None:
    """Look at the targets once more, when everything is over."""
    result.first_read_s = siem.first_read_s(world.site.export)
    plot.check_complete()
    expect.equal("every careless proposal was denied", len(plot.denied), DENIED)
    expect.equal("the agent checked the receipts of its changes", result.receipts, CHANGES)
    expect.check("the database instance still exists", world.account.database_exists())
    connections = world.database.connections()
    expect.check("the database is well, without the limit", connections < CALM, f"{connections} connections")
