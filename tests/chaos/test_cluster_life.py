"""An action on a real cluster: a human edit while it is verified, a change over a lease, drift from code."""

from collections.abc import Iterator

import pytest

from gateway.core.lifecycle import State
from tests.chaos.cluster_site import OLD, ClusterSite, cluster_site
from tests.chaos.judge import state_of
from tests.chaos.process import until
from tests.chaos.site import Intended
from tests.fixtures_k8s import Cluster

pytestmark = [pytest.mark.alone, pytest.mark.paired, pytest.mark.timeout(180)]


@pytest.fixture
def site(cluster: Cluster) -> Iterator[ClusterSite]:
    with cluster_site(cluster) as made:
        made.gateway()
        made.executor()
        yield made


def scale(site: ClusterSite, name: str, replicas: int, lease_s: int = 0) -> Intended:
    text = f"kubectl -n {site.namespace} scale deployment/{name} --replicas={replicas}"
    return site.proposed("replicas", name, replicas, text, lease_s)


def reaches(site: ClusterSite, intended: Intended, state: State) -> None:
    until(lambda: state_of(site, intended) is state, f"{intended.target} is {state}")


def test_a_human_who_scales_while_the_change_is_verified_wins_and_is_shown(site: ClusterSite) -> None:
    name = site.deployment("long")
    made = scale(site, name, 3)
    reaches(site, made, State.VERIFYING)
    site.cluster.kubectl("-n", site.namespace, "scale", f"deployment/{name}", "--replicas=7")
    reaches(site, made, State.NEEDS_HUMAN)
    assert site.person.get(made.action).reason == "FIELDS_EDITED"
    assert site.value(made) == 7
    resolved = site.person.resolve(made.action, "retry_undo", "try it")
    assert resolved.state in {State.UNDOING, State.NEEDS_HUMAN}
    reaches(site, made, State.NEEDS_HUMAN)
    assert site.value(made) == 7


def test_a_label_that_a_human_adds_meanwhile_is_no_conflict(site: ClusterSite) -> None:
    name = site.deployment("long")
    made = scale(site, name, 3)
    reaches(site, made, State.VERIFYING)
    site.cluster.kubectl("-n", site.namespace, "label", f"deployment/{name}", "looked-at=yes")
    reaches(site, made, State.COMMITTED)
    site.person.rollback(made.action, "not needed")
    reaches(site, made, State.UNDONE)
    assert site.value(made) == OLD["replicas"]


def test_a_change_over_a_lease_goes_back_to_what_was_there_before_the_lease(site: ClusterSite) -> None:
    name = site.deployment("scaled")
    lease = scale(site, name, 3, lease_s=60)
    reaches(site, lease, State.LEASED)
    over = scale(site, name, 4)
    reaches(site, over, State.COMMITTED)
    assert state_of(site, lease) is State.SUPERSEDED
    site.person.rollback(over.action, "not needed")
    reaches(site, over, State.UNDONE)
    assert site.value(over) == OLD["replicas"]


def test_a_change_of_what_argo_owns_is_drift_until_it_is_taken_back(site: ClusterSite) -> None:
    name = site.deployment("scaled")
    site.cluster.kubectl("-n", site.namespace, "label", f"deployment/{name}", "argocd.argoproj.io/instance=shop")
    made = scale(site, name, 3)
    reaches(site, made, State.COMMITTED)
    [entry] = site.person.drift().items
    assert (entry.action, entry.manager, entry.name, entry.path) == (made.action, "argo", "shop", "/spec/replicas")
    assert (entry.before, entry.after) == (2, 3)
    assert "Field: /spec/replicas\nValue: 3\nWas:   2\n" in entry.proposal
    site.person.rollback(made.action, "not needed")
    reaches(site, made, State.UNDONE)
    assert site.person.drift().items == ()
    [entry] = site.person.drift(open_only=False).items
    assert entry.how == "reverted"
