"""regorus in supervised worker processes (`policy.workers >= 1`): the engine of a serving gateway.

A crash or a runaway rule costs one denial and one worker; another is up about 0.1 s later.
"""

import asyncio
from collections.abc import Mapping

from gateway.adapters.policy_checks import check_bundle, check_canary, evaluate_samples
from gateway.adapters.policy_child import Child, start_child
from gateway.adapters.policy_pool import Pool
from gateway.adapters.policy_probes import probes
from gateway.core.bundle import Bundle
from gateway.core.canonical import Json
from gateway.errors import PolicyFault
from gateway.ports_policy import PolicyAnswer

DEFAULT_TIMEOUT_S = 1.0


class WorkerEngine:
    """The `PolicyEngine` port over child processes that run regorus."""

    def __init__(self, workers: int = 2, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        """Start without a revision; `timeout_s` bounds the wait for a worker and each evaluation."""
        if workers < 1:
            raise ValueError("a worker engine has at least one worker")
        self._workers = workers
        self._timeout_s = timeout_s
        self._pool: Pool | None = None
        self._loading = asyncio.Lock()

    @property
    def revision(self) -> str:
        """Return the revision in force; empty before the first load."""
        return "" if self._pool is None else self._pool.bundle.revision

    @property
    def bundle(self) -> Bundle | None:
        """Return the bundle in force."""
        return None if self._pool is None else self._pool.bundle

    @property
    def accelerated(self) -> bool:
        """Tell whether byte code answers: it agreed with the interpreter on this bundle's samples."""
        return self._pool is not None and self._pool.accelerated

    @property
    def pids(self) -> tuple[int, ...]:
        """Return the process ids of the workers, for health and tests."""
        return () if self._pool is None else self._pool.pids

    async def evaluate(self, document: Mapping[str, Json]) -> PolicyAnswer:
        """Evaluate a document; raises PolicyFault."""
        if self._pool is None:
            raise PolicyFault("POLICY_NOT_LOADED", "no policy revision is in force")
        return await self._pool.evaluate(document)

    async def load(self, bundle: Bundle) -> None:
        """Lint, load and canary in a child, then swap; raises PolicyRefused and keeps the revision in force."""
        async with self._loading:
            required = await asyncio.to_thread(check_bundle, bundle)
            pool = Pool(bundle, self._timeout_s)
            child = await start_child()
            try:
                await self._prove(pool, child, required)
                await pool.add(child)
                await asyncio.gather(*(pool.add() for _ in range(self._workers - 1)))
            except BaseException:
                child.kill()
                await asyncio.gather(child.ended(), pool.retire())
                raise
            old, self._pool = self._pool, pool
            if old is not None:
                await old.retire()

    async def close(self) -> None:
        """End the workers."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.retire()

    @staticmethod
    async def _prove(pool: Pool, child: Child, required: frozenset[tuple[str, str]]) -> None:
        async def evaluate(document: Mapping[str, Json]) -> PolicyAnswer:
            return await pool.evaluate_on(child, document)

        await pool.load(child, pool.bundle.sample_config)
        await check_canary(pool.bundle, required, evaluate)
        await pool.load(child, pool.bundle.config, probes(pool.bundle))
        await evaluate_samples(pool.bundle, evaluate)
