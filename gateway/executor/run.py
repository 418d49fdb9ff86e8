"""Run an executor: the composition of this process."""

import asyncio

from gateway.executor.announce import Announcer
from gateway.executor.build import serving
from gateway.executor.claims import Claims, TrustedKeys
from gateway.executor.config import ExecutorConfig
from gateway.executor.session import Link, Session
from gateway.executor.work import Worker
from gateway.ports import Clock


async def run(config: ExecutorConfig, *, clock: Clock, instance: str) -> None:
    """Serve the gateway until cancelled; `instance` is unique per process start; raises ConfigFault before dialling."""
    claims = Claims(config.audience, instance, TrustedKeys(config.jwks), clock)
    async with serving(config, clock) as served:
        link = Link(config, instance)
        announcer = Announcer(link, served.catalogues)
        telling = asyncio.create_task(announcer.serve(), name="announce")
        try:
            await Session(config, link, Worker(served, claims, link, clock), announcer.again).serve()
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await link.close()
