"""Every named crash point, once in the gateway and once in the executor; every action ends, and ends once.

One site lives through all of it: while an action is still being recovered from one crash, the next one comes.
"""

import pytest

from gateway.core.lifecycle import State
from tests.chaos.agents import Agents
from tests.chaos.crash import crashes_at, die
from tests.chaos.judge import ends, judge, state_of
from tests.chaos.process import until
from tests.chaos.site import Site

pytestmark = [pytest.mark.alone, pytest.mark.paired, pytest.mark.timeout(300)]
GATEWAY = (
    "before_intent", "begin_attempt", "intent_sent", "applied_unreported", "decided_unrecorded", "lease_due",
    "undo_sent", "undone_unreported",
)  # fmt: skip
EXECUTOR = ("before_intent", "begin_attempt", "intent_sent", "applied_unreported", "undo_sent", "undone_unreported")


def judged(made: Site, agents: Agents) -> list[str]:
    """Wait until every action is final, and return what the judge has to say."""
    agents.answered()
    ends(made)
    return judge(made)


def test_a_gateway_that_dies_at_every_point_loses_and_repeats_nothing(broken: Site, agents: Agents) -> None:
    first = broken.gateway()
    executor = broken.executor()
    agents.propose()  # something is under way when the first crash comes
    first.kill()
    for point in GATEWAY:
        env = crashes_at(point, "gateway", broken.folder)
        die(broken.gateway(env), env, agents.propose)
    last = crashes_at("decided_unrecorded", "gateway", broken.folder)
    gateway = broken.gateway(last)
    changed = broken.change_role()
    until(lambda: state_of(broken, changed) is State.VERIFYING, "the change is verified")
    die(gateway, last)  # telemetry decided, and the verdict was not written
    broken.gateway()
    assert judged(broken, agents) == []
    assert executor.ended is None


def test_an_executor_that_dies_at_every_point_loses_and_repeats_nothing(broken: Site, agents: Agents) -> None:
    broken.gateway()
    for point in EXECUTOR:
        env = crashes_at(point, "executor", broken.folder)
        die(broken.executor(env), env, agents.propose)
    broken.executor()
    assert judged(broken, agents) == []
