"""regorus inside this process (`policy.workers = 0`): for the command line and tests.

A runaway rule would hold the interpreter, so a serving gateway uses workers.
"""

import threading
from collections.abc import Mapping
from contextlib import closing

from gateway.adapters.policy_checks import check_bundle, check_canary, evaluate_samples
from gateway.adapters.policy_document import Documents
from gateway.adapters.policy_probes import probes
from gateway.adapters.policy_regorus import RegorusEngine, engine_of
from gateway.core.bundle import Bundle
from gateway.core.canonical import Json
from gateway.errors import PolicyFault, PolicyRefused
from gateway.ports_policy import PolicyAnswer


class _Revision:
    """One bundle with an engine for each thread that asks: regorus engines do not change threads."""

    def __init__(self, bundle: Bundle, config: Mapping[str, Json]) -> None:
        self.bundle = bundle
        self._config = config
        self._documents = Documents(bundle)
        self._local = threading.local()
        self._accelerated = False

    def evaluate(self, document: Mapping[str, Json]) -> PolicyAnswer:
        data, steps = self._documents.encode(document)
        engine: RegorusEngine | None = getattr(self._local, "engine", None)
        if engine is None:
            engine = self._local.engine = engine_of(self.bundle, self._config)
            if self._accelerated:
                engine.accelerate(None)
        return self._documents.answer(engine.evaluate(data), steps)

    def accelerate(self) -> bool:
        """Prove byte code in this thread; engines of other threads follow."""
        engine = self._local.engine = engine_of(self.bundle, self._config)
        engine.accelerate(probes(self.bundle))
        self._accelerated = engine.accelerated
        return self._accelerated

    def close(self) -> None:
        """Drop this thread's engine."""
        engine: RegorusEngine | None = getattr(self._local, "engine", None)
        if engine is not None:
            engine.close()
            self._local.engine = None

    async def evaluate_async(self, document: Mapping[str, Json]) -> PolicyAnswer:
        return self.evaluate(document)


class InProcessEngine:
    """The `PolicyEngine` port over regorus in the calling thread."""

    def __init__(self, *, bytecode: bool = False) -> None:
        """Start without a revision; `bytecode` takes half a second more to load and pays off from 2,000 inputs on."""
        self._bytecode = bytecode
        self.accelerated = False
        self._current: _Revision | None = None

    @property
    def revision(self) -> str:
        """Return the revision in force; empty before the first load."""
        return "" if self._current is None else self._current.bundle.revision

    @property
    def bundle(self) -> Bundle | None:
        """Return the bundle in force."""
        return None if self._current is None else self._current.bundle

    async def evaluate(self, document: Mapping[str, Json]) -> PolicyAnswer:
        """Evaluate a document; raises PolicyFault."""
        return self.evaluate_now(document)

    def evaluate_now(self, document: Mapping[str, Json]) -> PolicyAnswer:
        """Evaluate without an event loop, for the command line; raises PolicyFault."""
        if self._current is None:
            raise PolicyFault("POLICY_NOT_LOADED", "no policy revision is in force")
        return self._current.evaluate(document)

    async def load(self, bundle: Bundle) -> None:
        """Lint, load, canary, swap; raises PolicyRefused and keeps the revision in force."""
        required = check_bundle(bundle)
        with closing(_Revision(bundle, bundle.sample_config)) as trial:
            await check_canary(bundle, required, trial.evaluate_async)
        candidate = _Revision(bundle, bundle.config)
        try:
            accelerated = self._bytecode and candidate.accelerate()
            if accelerated or bundle.config != bundle.sample_config:  # else the canary has just asked the same
                await evaluate_samples(bundle, candidate.evaluate_async)
        except PolicyRefused:
            candidate.close()
            raise
        await self.close()
        self._current, self.accelerated = candidate, accelerated

    async def close(self) -> None:
        """Forget the revision."""
        if self._current is not None:
            self._current.close()
        self._current = None
