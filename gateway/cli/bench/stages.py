"""Where the time of one decision goes: the ports of a gateway, wrapped so that each call leaves a mark.

Nothing in the gateway knows of this. A second gateway over the same world is built here with wrapped ports, behind a
door whose authenticator is wrapped too; what lies between two marks is a stage. One caller at a time, so that the n-th
call of the client is the n-th trace: what its own clock measured besides the stages was spent on the wire.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from gateway.api.auth import Authenticator, Shown
from gateway.core.bundle import Bundle
from gateway.core.canonical import Json
from gateway.core.principal import Door, Principal
from gateway.ports import Ids, Signer, Store, Tx
from gateway.ports_policy import PolicyAnswer, PolicyEngine
from gateway.service.gateway import Gateway
from gateway.service.usecases import GatewayUseCases
from gateway.service.views import ActionView
from gateway.service.world import World

T = TypeVar("T")

# The mark that ends a stage, and what was done until then.
STAGES = (
    ("entered", "door", "identity, checks of the message"),
    ("parsed", "parse", "characters, lexer, tables; digest of the request"),
    ("asks", "input", "proposal document, redaction, caps, policy input"),
    ("answered", "policy", "validate, encode, worker and back, validate the answer"),
    ("folded", "fold", "findings to a verdict, decision record, statement of the grant"),
    ("signed", "sign", "Ed25519"),
    ("queued", "grant", "envelope, work for the executor"),
    ("begun", "queue", "wait for a commit that is under way"),
    ("ran", "record", "row, leaves, documents, timers in the transaction"),
    ("stored", "commit", "WAL, fsync, wake the caller; texts meanwhile"),
    ("done", "answer", "view"),
)
WIRE = ("wire", "HTTP/2 and protobuf, both event loops: what the client waited besides the stages")


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
        """Keep the call."""
        self.mark("done")
        self.calls.append(self._marks)

    def timed(self, took: list[int]) -> "list[Timed]":
        """Take the calls so far with what their client waited for each; raises ValueError for another number."""
        calls = [Timed(ns, marks) for ns, marks in zip(took, self.calls, strict=True)]
        self.calls.clear()
        took.clear()
        return calls


@dataclass(frozen=True, slots=True)
class Timed:
    """One call: what its client waited and the marks it left in the gateway, in nanoseconds."""

    took: int
    marks: Mapping[str, int]

    def stages(self) -> dict[str, int]:
        """Return the time of every stage; together they are what the client waited. Raises KeyError without a mark."""
        ends = [0, *(self.marks[mark] for mark, _, _ in STAGES)]
        spent = {stage: ends[i + 1] - ends[i] for i, (_, stage, _) in enumerate(STAGES)}
        return {WIRE[0]: self.took - ends[-1], **spent}


def middle(calls: Sequence[Timed]) -> Sequence[Timed]:
    """Return the middle fifth of the calls, by what the client waited: what a call is like when nothing disturbs it."""
    ordered = sorted(calls, key=lambda call: call.took)
    first, last = len(ordered) * 2 // 5, len(ordered) * 3 // 5
    return ordered[first : max(last, first + 1)]


def mean_us(calls: Sequence[Timed]) -> dict[str, float]:
    """Return the mean microseconds of each stage."""
    spent = [call.stages() for call in calls]
    return {stage: sum(of[stage] for of in spent) / len(spent) / 1e3 for stage in spent[0]}


def admitting(authenticator: Authenticator, trace: Trace) -> Authenticator:
    """Return an authenticator that begins a trace: it is the first thing that a door asks."""
    return cast("Authenticator", _Admitting(authenticator, trace))


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
class _Admitting:
    authenticator: Authenticator
    trace: Trace

    def principal(self, door: Door, shown: Shown) -> Principal:
        self.trace.begin()
        return self.authenticator.principal(door, shown)


@dataclass(frozen=True, slots=True)
class _Submitting:
    """The one use case that is measured."""

    gateway: Gateway
    trace: Trace

    async def submit(self, *args: Any, **kwargs: Any) -> ActionView:
        self.trace.mark("entered")
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

    def write(self, unit: Callable[[Tx], T]) -> Awaitable[T]:
        def marked(tx: Tx) -> T:
            self.trace.mark("begun")
            result = unit(tx)
            self.trace.mark("ran")
            return result

        self.trace.mark("queued")
        return self._stored(self.store.write(marked))

    async def _stored(self, recording: Awaitable[T]) -> T:
        result = await recording
        self.trace.mark("stored")
        return result
