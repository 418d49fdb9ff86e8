"""regorus in supervised worker processes (`policy.workers >= 1`): the engine of a serving gateway.

A crash or a runaway rule costs one denial and one worker; another is up about 0.1 s later. A new revision is answered
by the interpreter until a further child has proven byte code on every probe of the bundle, which takes seconds.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

from gateway.adapters.policy_checks import check_bundle, check_canary, evaluate_samples
from gateway.adapters.policy_child import Child, start_child
from gateway.adapters.policy_pool import Pool
from gateway.core.bundle import Bundle
from gateway.core.canonical import Json
from gateway.errors import PolicyFault, PolicyRefused
from gateway.ports_policy import PolicyAnswer

_log = logging.getLogger(__name__)
DEFAULT_TIMEOUT_S = 1.0
_PROVE_AFTER_S = 1.0
"""The proof waits until whoever loads has had the processors for the rest of its start."""


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
        self._proving: asyncio.Task[None] | None = None

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
        """Tell whether byte code answers: it agreed with the interpreter on this bundle's probes."""
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
            pool = Pool(bundle, self._timeout_s)
            child = await start_child()  # it comes up while the bundle is linted
            try:
                await self._check(pool, child, await asyncio.to_thread(check_bundle, bundle))
                await pool.add(child)
                await asyncio.gather(*(pool.add() for _ in range(self._workers - 1)))
            except BaseException:
                child.kill()
                await asyncio.gather(child.ended(), pool.retire())
                raise
            await self._stop_proving()
            old, self._pool = self._pool, pool
            self._proving = asyncio.create_task(_prove(pool))
            if old is not None:
                await old.retire()

    async def proven(self) -> bool:
        """Wait until it is known whether byte code answers, and return `accelerated`."""
        if self._proving is not None:
            await asyncio.wait([self._proving])
        return self.accelerated

    async def close(self) -> None:
        """End the workers."""
        await self._stop_proving()
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.retire()

    async def _stop_proving(self) -> None:
        proving, self._proving = self._proving, None
        if proving is not None:
            proving.cancel()
            with suppress(asyncio.CancelledError):
                await proving

    @staticmethod
    async def _check(pool: Pool, child: Child, required: frozenset[tuple[str, str]]) -> None:
        async def evaluate(document: Mapping[str, Json]) -> PolicyAnswer:
            return await pool.evaluate_on(child, document)

        await pool.load(child, pool.bundle.sample_config)
        await check_canary(pool.bundle, required, evaluate)
        if pool.bundle.config == pool.bundle.sample_config:
            return  # the child has just answered the same under the same config
        await pool.load(child, pool.bundle.config)
        await evaluate_samples(pool.bundle, evaluate)


async def _prove(pool: Pool) -> None:
    """Let byte code take over if it holds; whatever goes wrong leaves the interpreter in place."""
    await asyncio.sleep(_PROVE_AFTER_S)
    try:
        child = await start_child()
        try:
            await pool.accelerate(child)
        except BaseException:
            child.kill()
            await child.ended()
            raise
    except (OSError, PolicyRefused, PolicyFault) as exc:
        _log.warning("policy %s stays with the interpreter: %s", pool.bundle.revision, exc)
