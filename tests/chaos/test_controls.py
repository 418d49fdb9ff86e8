"""Does the judge have teeth? Gateways that lack a safeguard must fail where the real one passes.

Not one of these variants is an option of the product: the scripts in `naive` patch it before they start it.
"""

import pytest

from gateway.core.lifecycle import State
from tests.chaos.crash import crashes_at, die
from tests.chaos.judge import ends, judge, state_of
from tests.chaos.process import until
from tests.chaos.site import Intended, Site, Targets, site

pytestmark = [pytest.mark.alone, pytest.mark.paired, pytest.mark.timeout(300)]
NAIVE = "tests.chaos.naive."


def test_without_the_probe_a_lost_attempt_is_made_twice_or_denied(broken: Site) -> None:
    broken.gateway(module=NAIVE + "no_probe")
    changes = _lose_an_attempt(broken)
    ends(broken)
    assert [w for w in judge(broken) if "NOT_APPLIED, but applied and undone [1, 0] times" in w] != []
    assert {state_of(broken, c) for c in changes} == {State.NOT_APPLIED}


def _lose_an_attempt(broken: Site) -> list[Intended]:
    """Let an executor die after it applied a change of each kind, before it could say so."""
    changes = []
    for change in (broken.change_role, broken.change_plan):
        env = crashes_at("applied_unreported", "executor", broken.folder)
        executor = broken.executor(env)
        changes.append(change())
        die(executor, env)
    broken.executor()
    return changes


@pytest.mark.parametrize("module", ["gateway", NAIVE + "no_fence"])
def test_a_zombie_at_the_door_is_let_in_only_without_the_attempt_fence(targets: Targets, module: str) -> None:
    """It held work while another executor did that work and was lost; then it wakes, and asks for leave."""
    with site(targets, timing={"attempt_ms": 10_000}) as broken:  # so that its work is still in time when it wakes
        _wake_at_the_door(broken, module)


def _wake_at_the_door(broken: Site, module: str) -> None:
    broken.gateway(module=module)
    zombie = broken.executor({"COUNTERMAND_ZOMBIE": "door"}, module=NAIVE + "zombie")
    until(lambda: "executor/chaos" in broken.person.status().audiences, "the zombie is attached")
    env = crashes_at("applied_unreported", "executor", broken.folder)
    change = broken.change_role()
    until(zombie.paused, "the zombie stops itself")
    die(broken.executor(env), env)
    zombie.go_on()
    broken.executor()
    ends(broken)
    wrong = judge(broken)
    if module == "gateway":
        assert wrong == []
        assert state_of(broken, change) in {State.COMMITTED, State.UNDONE}
        assert "not begun: " in zombie.text()
    else:
        assert [w for w in wrong if "applied and undone [1, 0] times" in w] != []


@pytest.mark.parametrize("deadline", ["on", "off"])
def test_a_zombie_inside_its_transaction_commits_only_without_a_deadline(broken: Site, deadline: str) -> None:
    """It wakes long after its attempt was given up, probed and closed; only COMMIT is missing."""
    broken.gateway()
    env = {"COUNTERMAND_ZOMBIE": "target", "COUNTERMAND_ZOMBIE_DEADLINE": deadline}
    zombie = broken.executor(env, module=NAIVE + "zombie")
    change = broken.change_role()
    until(zombie.paused, "the zombie stops itself")
    broken.executor()
    until(lambda: state_of(broken, change) is State.NOT_APPLIED, "a probe finds nothing applied")
    before = judge(broken)
    zombie.go_on()
    until(lambda: zombie.says("zombie: reported apply"), "the zombie tells what it did")
    wrong = judge(broken)
    assert before == []
    if deadline == "on":
        assert wrong == []
    else:
        assert [w for w in wrong if "NOT_APPLIED, but applied and undone [1, 0] times" in w] != []
