"""A site to break, and agents that use it meanwhile."""

from collections.abc import Iterator

import pytest

from tests.chaos.agents import Agents
from tests.chaos.site import Site, site


@pytest.fixture
def broken() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.fixture
def agents(broken: Site) -> Iterator[Agents]:
    made = Agents(broken)
    yield made
    made.close()
