"""The executor that `serve` starts on one machine: it comes back when it dies, and goes when the gateway goes."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chaos.judge import ends, judge
from tests.chaos.process import Process, children, until
from tests.chaos.site import LEASE_S, Site, Targets, site

pytestmark = [pytest.mark.alone, pytest.mark.paired, pytest.mark.timeout(300)]


@pytest.fixture
def broken(targets: Targets) -> Iterator[Site]:
    with site(targets, child=True) as made:
        yield made


def test_a_killed_child_comes_back_and_a_killed_gateway_takes_it_along(broken: Site) -> None:
    gateway = broken.gateway()
    first = _executor_of(gateway)
    broken.change_role(LEASE_S)
    _kill(first)
    until(lambda: _executors(gateway) not in ([], [first]), "the gateway starts another executor")
    second = _executor_of(gateway)
    broken.change_plan(LEASE_S)
    gateway.kill()
    until(lambda: not _runs(second), "the executor of a dead gateway ends")
    broken.gateway()
    broken.change_role()
    ends(broken)
    assert judge(broken) == []


def _executors(gateway: Process) -> list[int]:
    return [pid for pid in children(gateway.pid) if b"executor" in _words(pid)]


def _executor_of(gateway: Process) -> int:
    until(lambda: _executors(gateway), "the executor is started")
    [pid] = _executors(gateway)
    return pid


def _words(pid: int) -> list[bytes]:
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return []


def _runs(pid: int) -> bool:
    return b"executor" in _words(pid)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
