"""The second case: a release that was never pushed, from the first process to the proof."""

import contextlib
from pathlib import Path

from gateway.cli.demo import actors, siem
from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.firing import fire
from gateway.cli.demo.following import follow
from gateway.cli.demo.kubernetes.case import draw
from gateway.cli.demo.kubernetes.plot import CHANGES, DENIED, Plot
from gateway.cli.demo.kubernetes.world import World, open_world
from gateway.cli.demo.options import Options
from gateway.cli.demo.proof import keep_keys, prove
from gateway.cli.demo.result import Result
from gateway.cli.demo.story import Story

_READY_S = 60.0


def play(options: Options, folder: Path, story: Story, expect: Expectations, result: Result) -> None:
    """Play the case of a bad release on a real control plane."""
    case = draw(options.seed)
    story.title(f"Countermand demo: a release that was never pushed (DEMO_SEED={case.seed})")
    with contextlib.ExitStack() as stack:
        with story.waiting("starting a Kubernetes control plane, a pager and the gateway"):
            world = stack.enter_context(open_world(case, folder))
            gateway = actors.start_gateway(world)
            stack.callback(gateway.stop)
            gateway.wait_until(lambda: actors.is_ready(world), _READY_S)
        keys = keep_keys(world)
        _introduce(world, story)
        agent = actors.start_agent(world, "rollout")
        stack.callback(agent.stop)
        _alert(world, story)
        plot = Plot(world, story, expect, result)
        follow(agent, plot, story, (gateway,), lambda: f"{case.name} asks for {world.cluster.image()}")
        _aftermath(world, expect, plot, result)
        gateway.stop()
        prove(world, keys, story, expect, result)


def _introduce(world: World, story: Story) -> None:
    case = world.case
    story.line("world", f"a real API server at {world.cluster.plane.server}, with scheduler, controllers and two nodes")
    story.line("world", f"{case.namespace}/{case.name}: {case.replicas} replicas of {case.image(case.running)}")
    story.line("world", "the executor may ask for tokens of two service accounts; gateway and agent have no credential")


def _alert(world: World, story: Story) -> None:
    case = world.case
    labels = {
        "alertname": "ErrorRatioHigh", "severity": "critical", "namespace": case.namespace, "deployment": case.name,
        "mended_in": case.announced, "fallback": case.mended,
    }  # fmt: skip
    fire(world.site.http, world.site.alert_secret, labels, f"{case.name} {case.running} answers with errors")
    story.line("alert", f"ErrorRatioHigh: {case.name} {case.running}; signed webhook sent to the gateway")


def _aftermath(world: World, expect: Expectations, plot: Plot, result: Result) -> None:
    """Look at the cluster once more, when everything is over."""
    case, cluster = world.case, world.cluster
    result.first_read_s = siem.first_read_s(world.site.export)
    plot.check_complete()
    expect.equal("every careless proposal was denied", len(plot.denied), DENIED)
    expect.equal("the agent checked the receipts of its changes", result.receipts, CHANGES)
    wanted = [case.image(version) for version in (case.announced, case.running, case.mended)]
    expect.equal("by the API server's own log, these images were written and no others", cluster.images_sent(), wanted)
