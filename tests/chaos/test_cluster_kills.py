"""kill -9 of the gateway and of the executor on a real cluster, judged from the API server's own audit log."""

from collections.abc import Iterator

import pytest

from gateway.core.lifecycle import FINAL, State
from tests.chaos.agents import Agents
from tests.chaos.cluster_judge import evictions, judge_cluster
from tests.chaos.cluster_site import ClusterSite, cluster_site
from tests.chaos.crash import crashes_at, die
from tests.chaos.judge import ends, state_of
from tests.chaos.process import until
from tests.chaos.site import LEASE_S
from tests.fixtures_k8s import Cluster

pytestmark = [pytest.mark.alone, pytest.mark.paired, pytest.mark.timeout(300)]
GATEWAY = (
    "before_intent", "begin_attempt", "intent_sent", "applied_unreported", "decided_unrecorded", "undo_sent",
    "undone_unreported",
)  # fmt: skip
EXECUTOR = ("before_intent", "begin_attempt", "intent_sent", "applied_unreported", "undo_sent", "undone_unreported")


@pytest.fixture
def site(cluster: Cluster) -> Iterator[ClusterSite]:
    with cluster_site(cluster) as made:
        yield made


@pytest.fixture
def busy(site: ClusterSite) -> Iterator[Agents]:
    """Agents of three minds: a change on loan, one that does harm, and one that stays."""
    made = Agents([lambda: site.scale(LEASE_S), lambda: site.image(harmful=True), site.scale])
    yield made
    made.close()


def test_a_change_a_harmful_image_and_a_drain_end_as_they_should(site: ClusterSite) -> None:
    site.gateway()
    site.executor()
    made = (site.scale(), site.scale(LEASE_S), site.image(harmful=True), site.drain())
    ends(site)
    assert [state_of(site, i) for i in made] == [State.COMMITTED, State.UNDONE, State.UNDONE, State.COMMITTED]
    assert judge_cluster(site) == []


def test_a_gateway_that_dies_at_every_point_loses_and_repeats_nothing(site: ClusterSite, busy: Agents) -> None:
    first = site.gateway()
    executor = site.executor()
    busy.propose()  # something is under way when the first crash comes
    first.kill()
    for point in GATEWAY:
        env = crashes_at(point, "gateway", site.folder)
        die(site.gateway(env), env, busy.propose)
    site.gateway()
    busy.answered()
    ends(site)
    assert judge_cluster(site) == []
    assert executor.ended is None


def test_an_executor_that_dies_at_every_point_loses_and_repeats_nothing(site: ClusterSite, busy: Agents) -> None:
    site.gateway()
    for point in EXECUTOR:
        env = crashes_at(point, "executor", site.folder)
        die(site.executor(env), env, busy.propose)
    site.executor()
    busy.answered()
    ends(site)
    assert judge_cluster(site) == []


def test_a_gateway_killed_while_telemetry_is_read_loses_and_repeats_nothing(site: ClusterSite) -> None:
    gateway = site.gateway()
    site.executor()
    harmful, kept = site.image(harmful=True), site.scale()
    until(lambda: state_of(site, harmful) is State.VERIFYING, "the image is verified")
    gateway.kill()
    site.gateway()
    ends(site)
    assert state_of(site, harmful) is State.UNDONE
    assert state_of(site, kept) in {State.COMMITTED, State.UNDONE}
    assert judge_cluster(site) == []


@pytest.mark.parametrize("victim", ["gateway", "executor"])
def test_a_drain_that_is_cut_short_evicts_nobody_twice_and_is_not_called_done(site: ClusterSite, victim: str) -> None:
    gateway, executor = site.gateway(), site.executor()
    drained = site.drain()
    until(lambda: evictions(site, drained), "the first pod is evicted")
    if victim == "gateway":
        gateway.kill()
        site.gateway()
    else:
        executor.kill()
        site.executor()
    until(lambda: state_of(site, drained) in FINAL | {State.NEEDS_HUMAN}, "the drain has ended")
    if state_of(site, drained) is State.NEEDS_HUMAN:  # half a drain is for people: nothing here can tell its rest
        site.person.resolve(drained.action, "kept", "the rest was evicted by hand")
    assert judge_cluster(site) == []


def test_the_judge_sees_a_write_that_nobody_proposed_and_one_made_twice(site: ClusterSite) -> None:
    site.gateway()
    site.executor()
    kept = site.scale()
    ends(site)
    assert judge_cluster(site) == []
    writer = site.cluster.as_account("countermand-write")
    writer.patch(_path(site, kept.target), {"spec": {"replicas": kept.new}})
    assert [w for w in judge_cluster(site) if "applied and undone [2, 0] times" in w] != []
    stranger = site.deployment("other")
    writer.patch(_path(site, stranger), {"spec": {"replicas": 1}})
    assert [w for w in judge_cluster(site) if "nobody proposed" in w] != []


def _path(site: ClusterSite, name: str) -> str:
    return f"/apis/apps/v1/namespaces/{site.namespace}/deployments/{name}"
