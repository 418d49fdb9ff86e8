"""Where the time of one decision goes: the ports of a gateway, wrapped so that each call leaves a mark.

Nothing in the gateway knows of this. A second gateway over the same world is built here with wrapped ports; what lies
between two marks is a stage. One caller at a time.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from gateway.core.bundle import Bundle
from gateway.core.canonical import Json
from gateway.ports import Ids, Signer, Store, Tx
from gateway.ports_policy import PolicyAnswer, PolicyEngine
from gateway.service.gateway import Gateway
from gateway.service.usecases import GatewayUseCases
from gateway.service.views import ActionView
from gateway.service.world import World

T = TypeVar("T")

# The mark that ends a stage, and what was done until then.
STAGES = (
    ("parsed", "parse", "characters, lexer, tables; digest of the request"),
    ("asks", "input", "proposal document, redaction, caps, policy input"),
    ("answered", "policy", "validate, encode, worker and back, validate the answer"),
    ("folded", "fold", "findings to a verdict, decision record, statement of the grant"),
    ("signed", "sign", "Ed25519"),
    ("queued", "grant", "envelope, work for the executor"),
    ("begun", "queue", "wake the writer"),
    ("ran", "record", "row, leaves, documents, timers in the transaction"),
    ("stored", "commit", "WAL, fsync, wake the caller"),
    ("done", "answer", "texts and view"),
)


@dataclass(slots=True)
class Trace:
    """The marks of the calls so far, in nanoseconds since each call began."""

    calls: list[Mapping[str, int]] = field(default_factory=list)
    _marks: dict[str, int] = field(default_factory=dict)
    _began: int = 0

    def begin(self) -> None:
        """Start a call."""
        self._marks, self._began = {}, time.perf_counter_ns()

    def mark(self, name: str) -> None:
        """Note that something ended now; the first time counts."""
        self._marks.setdefault(name, time.perf_counter_ns() - self._began)

    def end(self) -> None:
        """Keep the call if nothing of it is missing."""
        self.mark("done")
        if all(mark in self._marks for mark, _, _ in STAGES):
            self.calls.append(self._marks)


def stages_us(calls: Sequence[Mapping[str, int]]) -> dict[str, float]:
    """Return the mean time of each stage over the middle fifth of the calls, by their whole length."""
    ordered = sorted(calls, key=lambda marks: marks["done"])
    middle = ordered[len(ordered) * 2 // 5 : max(len(ordered) * 3 // 5, len(ordered) * 2 // 5 + 1)]
    ends = [0.0, *(sum(marks[mark] for marks in middle) / len(middle) / 1e3 for mark, _, _ in STAGES)]
    return {stage: ends[i + 1] - ends[i] for i, (_, stage, _) in enumerate(STAGES)}


def traced(world: World, trace: Trace) -> GatewayUseCases:
    """Return a gateway over the same world whose submissions leave marks."""
    return cast(
        "GatewayUseCases",
        _Submitting(
            Gateway(
                replace(
                    world,
                    ids=_Ids(world.ids, trace),
                    policy=_Policy(world.policy, trace),
                    signer=_Signer(world.signer, trace),
                    store=cast("Store", _Store(world.store, trace)),
                )
            ),
            trace,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Submitting:
    """The one use case that is measured."""

    gateway: Gateway
    trace: Trace

    async def submit(self, *args: Any, **kwargs: Any) -> ActionView:
        self.trace.begin()
        view = await self.gateway.submit(*args, **kwargs)
        self.trace.end()
        return view


@dataclass(frozen=True, slots=True)
class _Ids:
    ids: Ids
    trace: Trace

    def new(self, prefix: str) -> str:
        self.trace.mark("parsed")
        return self.ids.new(prefix)

    def nonce(self) -> str:
        return self.ids.nonce()


@dataclass(frozen=True, slots=True)
class _Policy:
    policy: PolicyEngine
    trace: Trace

    @property
    def revision(self) -> str:
        return self.policy.revision

    @property
    def bundle(self) -> Bundle | None:
        return self.policy.bundle

    async def evaluate(self, document: Mapping[str, Json]) -> PolicyAnswer:
        self.trace.mark("asks")
        answer = await self.policy.evaluate(document)
        self.trace.mark("answered")
        return answer

    async def load(self, bundle: Bundle) -> None:
        await self.policy.load(bundle)

    async def close(self) -> None:
        await self.policy.close()


@dataclass(frozen=True, slots=True)
class _Signer:
    signer: Signer
    trace: Trace

    @property
    def kid(self) -> str:
        return self.signer.kid

    async def sign(self, data: bytes) -> bytes:
        self.trace.mark("folded")
        signature = await self.signer.sign(data)
        self.trace.mark("signed")
        return signature


@dataclass(frozen=True, slots=True)
class _Store:
    store: Store
    trace: Trace

    async def write(self, unit: Callable[[Tx], T]) -> T:
        def marked(tx: Tx) -> T:
            self.trace.mark("begun")
            result = unit(tx)
            self.trace.mark("ran")
            return result

        self.trace.mark("queued")
        result = await self.store.write(marked)
        self.trace.mark("stored")
        return result
