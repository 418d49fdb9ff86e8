"""A lab whose executor asks real telemetry: virtual time for the gateway, real seconds for what is sampled."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.core.canonical import Json
from gateway.ports_target import Telemetry
from tests.fakes.world import Lab, lab

PATIENCE_S = 30
PROVIDER = "fake"
"""The name under which a lab's executor has its one telemetry source."""


@dataclass
class Waited:
    """A real source; the lab's clock stands still while it answers. `before` is what happens before each sample."""

    source: Telemetry
    before: Callable[[], Any] = lambda: None
    settle_s: float = 0.0
    """Real seconds from `before` until the source can know of it."""
    known: Callable[[], bool] = lambda: True
    """Tells whether the source knows of it."""
    under_way: int = 0

    async def sample(self, query: Mapping[str, Json]) -> float | None:
        self.under_way += 1
        try:
            self.before()
            await asyncio.sleep(self.settle_s)
            async with asyncio.timeout(PATIENCE_S):
                while not self.known():  # noqa: ASYNC110  # a server of its own tells nobody when it has scraped
                    await asyncio.sleep(0.1)
            return await self.source.sample(query)
        finally:
            self.under_way -= 1

    def busy(self) -> bool:
        return self.under_way > 0


@dataclass
class Constant:
    """A stub that says the same whatever happens."""

    value: float | None

    async def sample(self, query: Mapping[str, Json]) -> float | None:
        del query
        return self.value


@asynccontextmanager
async def sampled_lab(telemetry: Waited, checks: list[Json], **terms: Json) -> AsyncIterator[Lab]:
    """Run a lab whose policy demands these checks; time waits for the telemetry."""
    async with lab(executor=False) as made:
        stored = made.clock._busy
        made.clock._busy = lambda: stored() or telemetry.busy()
        made.telemetry = telemetry  # type: ignore[assignment]  # any source will do
        made.attach()
        await made.clock.settle()
        verify = {"profile": "signals", "window_s": 30, "interval_s": 3, "checks": checks, **terms}
        made.policy.obligations = [{"code": "TEST_VERIFY", "verify": verify}]
        yield made
