"""kill -9 of the executor between two objects of one step, judged from the API server's own audit log."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.core.lifecycle import FINAL, State
from tests.chaos.cluster_judge import writes
from tests.chaos.cluster_site import ClusterSite, cluster_site
from tests.chaos.crash import crashes_at, die
from tests.chaos.process import until
from tests.fixtures_k8s import Cluster

pytestmark = [pytest.mark.alone, pytest.mark.paired, pytest.mark.timeout(300)]


@pytest.fixture
def site(cluster: Cluster) -> Iterator[ClusterSite]:
    with cluster_site(cluster) as made:
        yield made


@pytest.fixture
def three(site: ClusterSite) -> list[str]:
    """Three Deployments, in the order in which one step writes them."""
    return sorted(site.deployment(f"part{letter}") for letter in "abc")


def propose(site: ClusterSite, names: list[str]) -> str:
    action = site.agent.propose(f"kubectl -n {site.namespace} label deployment {' '.join(names)} team=x")
    assert not action.denials, action.denials
    return action.id


def row(site: ClusterSite, action: str) -> tuple[State, str]:
    with closing(sqlite3.connect(f"file:{site.database}?mode=ro", uri=True)) as db:
        [(state, reason)] = db.execute("SELECT state, reason FROM actions WHERE id = ?", (action,)).fetchall()
    return State(state), reason


def ended(site: ClusterSite, action: str) -> tuple[State, str]:
    until(lambda: row(site, action)[0] in FINAL | {State.NEEDS_HUMAN}, "the action has ended")
    return row(site, action)


def written(site: ClusterSite, names: list[str]) -> list[int]:
    done = [each.name for each in writes(site)]
    return [done.count(name) for name in names]


def teams(site: ClusterSite, names: list[str]) -> list[str | None]:
    at = f"/apis/apps/v1/namespaces/{site.namespace}/deployments"
    return [site.cluster.admin.get(f"{at}/{name}")["metadata"]["labels"].get("team") for name in names]


def test_an_executor_killed_between_two_objects_has_the_first_taken_back_and_the_others_untouched(
    site: ClusterSite, three: list[str]
) -> None:
    site.gateway()
    env = crashes_at("between_objects", "executor", site.folder)
    made: list[str] = []
    die(site.executor(env), env, lambda: made.append(propose(site, three)))
    assert teams(site, three) == ["x", None, None]
    site.executor()
    assert ended(site, made[0]) == (State.UNDONE, "HALF_APPLIED")
    assert teams(site, three) == [None, None, None]
    assert written(site, three) == [2, 0, 0]


def test_an_executor_killed_while_it_takes_several_objects_back_is_followed_by_one_that_takes_the_rest(
    site: ClusterSite, three: list[str]
) -> None:
    gateway = site.gateway()
    first = site.executor()
    action = propose(site, three)
    assert ended(site, action)[0] is State.COMMITTED
    first.kill()
    env = crashes_at("between_restored", "executor", site.folder)
    die(site.executor(env), env, lambda: site.person.rollback(action, reason="no longer wanted"))
    assert teams(site, three) == ["x", "x", None]
    site.executor()
    assert ended(site, action)[0] is State.UNDONE
    assert teams(site, three) == [None, None, None]
    assert written(site, three) == [2, 2, 2]
    assert gateway.ended is None


def test_a_gateway_killed_when_half_a_step_is_reported_goes_on_with_its_undo(
    site: ClusterSite, three: list[str]
) -> None:
    gateway = site.gateway()
    env = crashes_at("between_objects", "executor", site.folder)
    made: list[str] = []
    die(site.executor(env), env, lambda: made.append(propose(site, three)))
    gateway.kill()
    undoing = crashes_at("undo_sent", "gateway", site.folder)
    gateway = site.gateway(undoing)
    die(gateway, undoing, site.executor)
    site.gateway()
    assert ended(site, made[0]) == (State.UNDONE, "HALF_APPLIED")
    assert teams(site, three) == [None, None, None]
    assert written(site, three) == [2, 0, 0]
