"""Agents that go on proposing whatever happens to the gateway."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from tests.chaos.site import LEASE_S, Intended, Site

Job = Callable[[], Intended]


class Agents:
    """Agents that propose to a gateway that may be dead at the time; each job is one proposal."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._pool = ThreadPoolExecutor(8)
        self._asked: list[Future[Intended]] = []

    def propose(self) -> None:
        """Propose one change of each kind."""
        self._asked += [self._pool.submit(job) for job in self._jobs]

    def answered(self) -> None:
        """Return once every proposal was answered."""
        for asked in self._asked:
            asked.result(timeout=60)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def jobs(site: Site) -> list[Job]:
    """Return a change of each kind that is taken back when its lease ends, and one that stays."""
    return [lambda: site.change_role(LEASE_S), lambda: site.change_plan(LEASE_S), site.change_role]
