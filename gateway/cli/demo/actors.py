"""The processes that play in the world: the gateway with its executor, the agent, and the person who approves."""

import contextlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2

from gateway.cli.demo.place import AUDIENCE, Place
from gateway.cli.demo.process import Child, DemoFault

Event = Mapping[str, Any]


def start_gateway(world: Place) -> Child:
    """Start `countermand serve`, which starts its executor."""
    argv = [sys.executable, "-m", "gateway", "serve", "--config", str(world.site.config)]
    return Child.start("gateway", argv, world.folder / "gateway.log")


def is_ready(world: Place) -> bool:
    """Tell whether the gateway has a policy in force and its executor is there."""
    try:
        answer = httpx2.get(f"{world.site.http}/readyz", timeout=2, trust_env=False)
    except httpx2.HTTPError:
        return False
    return answer.status_code == httpx2.codes.OK and AUDIENCE in answer.json()["audiences"]


def start_agent(world: Place, module: str, *options: str) -> Child:
    """Start an example agent at the agent's door; it waits for an incident."""
    argv = [sys.executable, "-m", _example(module), "--json", *options, "--gateway", world.site.door("agent")]
    return Child.start("agent", argv, world.folder / "agent.log", output=subprocess.PIPE)


def approve(world: Place, action: str, comment: str) -> list[Event]:
    """Let the person on call approve one action through the approver's own door; returns what was shown and done."""
    argv = [sys.executable, "-m", _example("approver"), "--json", "--gateway", world.site.door("approver")]
    argv += ["--comment", comment, action]
    child = Child.start("approver", argv, world.folder / "approver.log", output=subprocess.PIPE)
    try:
        return list(events(child))
    finally:
        child.stop()


def events(child: Child) -> Iterator[Event]:
    """Yield what an actor says, one event a line, until it ends."""
    assert child.process.stdout is not None
    for line in child.process.stdout:
        yield json.loads(line)


def _example(name: str) -> str:
    """Return the module of the example agent: inside this package in a wheel, beside it in a clone."""
    for package in ("gateway.examples", "examples"):
        with contextlib.suppress(ModuleNotFoundError):
            if importlib.util.find_spec(f"{package}.sre_agent.{name}") is not None:
                return f"{package}.sre_agent.{name}"
    raise DemoFault("the example agent is not installed: run the demo from a clone, or install the wheel")
