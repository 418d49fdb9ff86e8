"""The workers of one policy revision: hand out, time out, replace, retire."""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Mapping
from itertools import chain, repeat

from gateway.adapters.policy_child import Child, load_child, read_answer, start_child
from gateway.adapters.policy_document import Documents
from gateway.adapters.policy_probes import probes
from gateway.adapters.policy_regorus import modules_of
from gateway.core.bundle import Bundle, data_document
from gateway.core.canonical import Json, thaw
from gateway.errors import PolicyFault, PolicyRefused
from gateway.ports_policy import PolicyAnswer

_log = logging.getLogger(__name__)
_BACKOFF_S = (0.0, 0.1, 0.5, 2.0, 5.0)


class Pool:
    """At most `size` children that serve one revision; a lost one is replaced in the background."""

    def __init__(self, bundle: Bundle, timeout_s: float) -> None:
        """Prepare what children are loaded with; nothing runs yet."""
        self.bundle = bundle
        self.accelerated = False
        """Whether children answer by byte code: it was proven by one of them."""
        self._timeout_s = timeout_s
        self._documents = Documents(bundle)
        self._modules = modules_of(bundle)
        self._children: set[Child] = set()
        self._idle: deque[Child] = deque()
        self._waiting: deque[asyncio.Future[Child]] = deque()
        self._starting: set[asyncio.Task[None]] = set()
        self._reaping: set[asyncio.Task[None]] = set()
        self._retired = False

    @property
    def pids(self) -> tuple[int, ...]:
        """Return the process ids of the children that serve."""
        return tuple(sorted(child.pid for child in self._children))

    async def evaluate(self, document: Mapping[str, Json]) -> PolicyAnswer:
        """Evaluate on the next free child; raises PolicyFault."""
        data, steps = self._documents.encode(document)
        child = await self._free_child()
        return self._documents.answer(read_answer(await child.ask(b"E" + data, self._timeout_s)), steps)

    async def evaluate_on(self, child: Child, document: Mapping[str, Json]) -> PolicyAnswer:
        """Evaluate on a child that does not serve yet; raises PolicyFault."""
        data, steps = self._documents.encode(document)
        return self._documents.answer(read_answer(await child.ask(b"E" + data, self._timeout_s)), steps)

    async def load(self, child: Child, config: Mapping[str, Json], probes: list[bytes] | None = None) -> None:
        """Give a child this revision's modules and a config; raises PolicyRefused POLICY_LOAD_FAILED.

        With probes the child proves byte code on them; the outcome holds for all children of the pool.
        """
        load = {"modules": self._modules, "data": thaw(data_document(config))}
        if probes is not None:
            load["probes"] = [probe.decode() for probe in probes]
        elif self.accelerated:
            load["probes"] = None
        try:
            report = await load_child(child, load)
        except PolicyFault as exc:
            raise PolicyRefused("POLICY_LOAD_FAILED", f"{exc.code}: {exc.message}") from exc
        if probes is not None:
            self.accelerated = report["accelerated"]
            if not self.accelerated:
                _log.warning("policy %s runs on the interpreter: %s", self.bundle.revision, report["why"])

    async def add(self, child: Child | None = None) -> None:
        """Let a loaded child serve, or start one; raises PolicyRefused when it cannot be loaded."""
        if child is None:
            child = await start_child()
            try:
                await self.load(child, self.bundle.config)
            except BaseException:  # also when the pool retires meanwhile
                child.kill()
                await child.ended()
                raise
        child.on_idle, child.on_lost = self._release, self._replace
        self._children.add(child)
        if child.lost:
            self._replace(child)
        else:
            self._release(child)

    async def accelerate(self, child: Child) -> None:
        """Prove byte code on a child that does not serve; where it holds, children that use it take over.

        Raises PolicyRefused when the child cannot be loaded.
        """
        await self.load(child, self.bundle.config, probes(self.bundle))
        if not self.accelerated:
            child.kill()
            await child.ended()
            return
        replaced = tuple(self._children)
        await self.add(child)
        for _ in replaced[1:]:
            await self.add()
        for old in replaced:
            self._dismiss(old)
        await asyncio.gather(*(old.ended() for old in replaced))

    async def retire(self) -> None:
        """Take no new work, let what runs finish, end the children."""
        self._retired = True
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(PolicyFault("POLICY_NOT_LOADED", "the policy engine is closing"))
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        while self._idle:
            self._idle.popleft().kill()
        await asyncio.gather(*(child.ended() for child in self._children), *self._reaping)

    async def _free_child(self) -> Child:
        while self._idle:
            child = self._idle.popleft()
            if not child.lost:
                return child
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Child] = loop.create_future()
        timer = loop.call_later(self._timeout_s, self._give_up, waiting)
        self._waiting.append(waiting)
        try:
            return await waiting
        finally:
            timer.cancel()

    def _give_up(self, waiting: "asyncio.Future[Child]") -> None:
        if not waiting.done():
            busy = PolicyFault("POLICY_BUSY", f"no policy worker was free within {self._timeout_s:g} s")
            waiting.set_exception(busy)

    def _release(self, child: Child) -> None:
        if self._retired:
            child.kill()
            return
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(child)
                return
        self._idle.append(child)

    def _dismiss(self, child: Child) -> None:
        """End a child as soon as it has answered what it was asked."""
        self._children.discard(child)
        child.on_idle, child.on_lost = Child.kill, self._reap
        if child in self._idle:
            self._idle.remove(child)
            child.kill()

    def _reap(self, child: Child) -> None:
        _background(self._reaping, child.ended())

    def _replace(self, child: Child) -> None:
        self._children.discard(child)
        if child in self._idle:
            self._idle.remove(child)
        self._reap(child)
        if not self._retired:
            _log.warning("policy worker %d ended; starting another", child.pid)
            _background(self._starting, self._respawn())

    async def _respawn(self) -> None:
        """Start a child, again and again at growing intervals: without one everything is denied."""
        for pause in chain(_BACKOFF_S, repeat(_BACKOFF_S[-1])):
            await asyncio.sleep(pause)
            try:
                await self.add()
            except (OSError, PolicyRefused) as exc:
                _log.error("a policy worker could not be started: %s", exc)
            else:
                return


def _background(tasks: set[asyncio.Task[None]], work: Coroutine[None, None, None]) -> None:
    """Run work as a task that is kept until it is done."""
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
