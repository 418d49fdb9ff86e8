"""Kills at random times; COUNTERMAND_CHAOS=long kills more, COUNTERMAND_CHAOS_SEED repeats a run."""

import os
import random
import sys
import time

import pytest

from tests.chaos.agents import Agents
from tests.chaos.judge import ends, judge
from tests.chaos.process import Process, until
from tests.chaos.site import Site

pytestmark = [pytest.mark.alone, pytest.mark.paired, pytest.mark.timeout(900)]
KILLS = 60 if os.environ.get("COUNTERMAND_CHAOS") == "long" else 10


def test_kills_at_random_times_lose_and_repeat_nothing(broken: Site, agents: Agents) -> None:
    seed = int(os.environ.get("COUNTERMAND_CHAOS_SEED") or time.time_ns() % 1_000_000)
    sys.stdout.write(f"COUNTERMAND_CHAOS_SEED={seed}\n")
    dice = random.Random(seed)
    running: dict[str, Process] = {"gateway": broken.gateway(), "executor": broken.executor()}
    for kill in range(KILLS):
        if kill % 2 == 0:
            agents.propose()
        victim = dice.choice(sorted(running))
        _let_pass(dice.uniform(0.0, 2.5), running[victim])
        running[victim].kill()
        running[victim] = broken.gateway() if victim == "gateway" else broken.executor()
    agents.answered()
    ends(broken)
    assert judge(broken) == [], f"seed {seed}"
    assert len(broken.intended) >= KILLS


def _let_pass(seconds: float, alive: Process) -> None:
    """Let a random time pass, in which the process must not end by itself."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() >= end or alive.ended is not None, "time passes")
    assert alive.ended is None, alive.text()[-3000:]
