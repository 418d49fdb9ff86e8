"""A site to break, and agents that use it meanwhile."""

from collections.abc import Iterator

import pytest

from tests.chaos.agents import Agents, jobs
from tests.chaos.site import Site, Targets, running_targets, site


@pytest.fixture(scope="session")
def targets() -> Iterator[Targets]:
    with running_targets() as made:
        yield made


@pytest.fixture
def broken(targets: Targets) -> Iterator[Site]:
    with site(targets) as made:
        yield made


@pytest.fixture
def agents(broken: Site) -> Iterator[Agents]:
    made = Agents(jobs(broken))
    yield made
    made.close()
