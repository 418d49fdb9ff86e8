"""Doors in a thread, and both clients connected to them."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent_client import Retry
from tests.client.drivers import Driver, Kind, Role, driver
from tests.fakes.doors import Open, doors_in_thread

Connect = Callable[[Role], Driver]
QUICK = Retry(attempts=3, first_s=0.001, most_s=0.001)


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="cm-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def doors(folder: Path) -> Iterator[Open]:
    with doors_in_thread(folder) as opened:
        yield opened


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param  # type: ignore[no-any-return]  # one of the params


@pytest.fixture
def connect(doors: Open, kind: Kind) -> Iterator[Connect]:
    opened: list[Driver] = []

    def open_(role: Role) -> Driver:
        opened.append(driver(kind, role, doors.unix(role), QUICK))
        return opened[-1]

    yield open_
    for client in opened:
        client.close()
