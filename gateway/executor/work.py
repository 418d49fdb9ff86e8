"""Do one piece of work: check its grant, ask for leave, touch the targets, tell what happened."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway import crash
from gateway.core.canonical import Json, canonical, loads_strict
from gateway.core.grant import Grant, Opened, Purpose
from gateway.core.statement import Refused
from gateway.core.step import Step
from gateway.errors import TargetFault
from gateway.executor import deadline
from gateway.executor.announce import Catalogue
from gateway.executor.claims import Claims
from gateway.executor.messages import (
    Begun,
    Gateway,
    ObservationSaid,
    ProbeSaid,
    RefusalSaid,
    SamplesSaid,
    StepSaid,
    UndoSaid,
    Work,
)
from gateway.executor.targets import seen
from gateway.ports import Clock
from gateway.ports_target import Applied, Observed, Target, Telemetry, Undone

_LOG = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Served:
    """What this executor can touch and read; a scope serves the steps of its own tool only."""

    targets: Mapping[str, tuple[str, Target]]
    """Scope → (tool, target)."""
    telemetry: Mapping[str, Telemetry]
    catalogues: Mapping[str, Catalogue] = field(default_factory=dict)
    """Scope → what the gateway is told about it, so that it can read proposals for it."""


@dataclass(frozen=True, slots=True)
class _Task:
    """Work whose grant was opened and whose documents were read."""

    work: Work
    steps: Sequence[Step]
    snapshots: Sequence[Mapping[str, Json]]
    checks: Sequence[Mapping[str, Json]]
    grant: Grant


@dataclass(frozen=True, slots=True)
class _Failed:
    """Why a call of a target gave no answer."""

    code: str
    detail: str


class Worker:
    """Everything that one executor does with the work it is sent."""

    def __init__(self, served: Served, claims: Claims, gateway: Gateway, clock: Clock) -> None:
        self._served = served
        self._claims = claims
        self._gateway = gateway
        self._clock = clock
        self._deeds: Mapping[Purpose, Callable[[_Task], Awaitable[None]]] = {
            Purpose.OBSERVE: self._observe,
            Purpose.APPLY: self._apply,
            Purpose.PROBE: self._probe,
            Purpose.SAMPLE: self._sample,
            Purpose.UNDO: self._undo,
        }

    async def do(self, work: Work) -> None:
        """Do a piece of work from its checks to its last report."""
        opened = self._claims.check(work)
        task = opened if isinstance(opened, Refused) else _read(work, opened)
        if isinstance(task, Refused):
            _LOG.warning("work %s of %s refused: %s %s", work.work_id, work.action, task.code, task.detail)
            await self._gateway.report(work, RefusalSaid(task.code, task.detail))
            return
        if work.purpose is Purpose.APPLY:
            crash.point("before_intent", "executor")
        begun = _AT_ONCE if task.grant.leave else await self._gateway.begin(work, task.grant.nonce)
        if work.purpose is Purpose.APPLY:
            crash.point("begin_attempt", "executor")
        if begun.begun:
            self._claims.begun(work)
            # What only looks harms nobody when a call outlives its deadline; nobody waits for it either.
            left = self._left_s(work) if work.purpose in {Purpose.APPLY, Purpose.UNDO} else math.inf
            with deadline.within(left):
                await self._deeds[work.purpose](task)
            return
        _LOG.info("work %s of %s not begun: %s", work.work_id, work.action, begun.reason)
        if begun.lost:
            await self._tell_untouched(task)

    async def _tell_untouched(self, task: _Task) -> None:
        """Tell that nothing was done, in case the gateway wrote an intent whose answer was lost."""
        lost = ("BEGIN_LOST", "leave to begin was not heard; nothing was touched")
        if task.work.purpose is Purpose.APPLY:
            await self._gateway.report(task.work, StepSaid(task.work.first_step, Applied("not_applied", *lost)))
        elif task.work.purpose is Purpose.UNDO:
            await self._gateway.report(task.work, UndoSaid(task.work.first_step, Undone("retry", *lost)))

    async def _observe(self, task: _Task) -> None:
        documents = [await self._observe_step(task, i) for i in range(len(task.steps))]
        baseline = {str(check["name"]): await self._value(task, check) for check in task.checks}
        document = canonical({"steps": documents, "baseline": baseline})
        await self._gateway.report(task.work, ObservationSaid(document))

    async def _observe_step(self, task: _Task, i: int) -> dict[str, Json]:
        step, target = task.steps[i], self._target(task.steps[i])
        found = await self._call(task, lambda: _observed(target, step)) if target else _UNKNOWN
        if isinstance(found, _Failed):
            fact = seen.unknown(step.target.id, self._clock.now_ms(), found.code)
            tried = seen.preflight("failed", code=found.code)
            return _observation(Observed((fact,), tried, {}, "none"))
        return found

    async def _apply(self, task: _Task) -> None:
        crash.point("intent_sent", "executor")
        for i in range(task.work.first_step, len(task.steps)):
            applied = await self._apply_step(task, i)
            crash.point("applied_unreported", "executor")
            proceed = await self._gateway.report(task.work, StepSaid(i, applied))
            if applied.status != "applied" or not proceed:
                return

    async def _apply_step(self, task: _Task, i: int) -> Applied:
        step, target = task.steps[i], self._target(task.steps[i])
        if target is None:
            return Applied("not_applied", _UNKNOWN.code, _UNKNOWN.detail)
        if self._left_s(task.work) <= 0:
            return Applied("not_applied", "DEADLINE_PASSED", "the deadline passed before the step began")

        async def on_chunk(data: bytes) -> None:
            await self._gateway.chunk(task.work, i, data)

        applied = await self._call(task, lambda: target.apply(step, task.snapshots[i], on_chunk))
        return Applied("unknown", applied.code, applied.detail) if isinstance(applied, _Failed) else applied

    async def _probe(self, task: _Task) -> None:
        for i in range(task.work.first_step, len(task.steps)):
            probed = await self._probe_step(task, i)
            if not await self._gateway.report(task.work, ProbeSaid(i, probed)):
                return

    async def _probe_step(self, task: _Task, i: int) -> Applied:
        step, target = task.steps[i], self._target(task.steps[i])
        found = await self._call(task, lambda: target.probe(step, task.snapshots[i])) if target else _UNKNOWN
        return Applied("unknown", found.code, found.detail) if isinstance(found, _Failed) else found

    async def _sample(self, task: _Task) -> None:
        """Ask every check, and read back the fields that came with the work."""
        reads = [self._read_back(task, i) for i, saved in enumerate(task.snapshots) if saved]
        values, fields = await asyncio.gather(
            asyncio.gather(*(self._value(task, check) for check in task.checks)), asyncio.gather(*reads)
        )
        now = self._clock.now_ms()
        samples = [
            {"check": check["name"], "at_ms": now, "value": value}
            for check, value in zip(task.checks, values, strict=True)
        ]
        document = {"samples": samples, "fields": fields}
        await self._gateway.report(task.work, SamplesSaid(canonical(document)))

    async def _read_back(self, task: _Task, i: int) -> dict[str, Json]:
        probed = await self._probe_step(task, i)
        return {"step": i, "status": probed.status, "now": probed.after}

    async def _value(self, task: _Task, check: Mapping[str, Json]) -> float | None:
        """Return the value of a check; whatever goes wrong is no data, and no data is not good news."""
        provider = self._served.telemetry.get(str(check["provider"]))
        if provider is None:
            _LOG.warning("check %s: no telemetry provider %s is configured", check["name"], check["provider"])
            return None
        value = await self._call(task, lambda: provider.sample(check["query"]))
        if isinstance(value, _Failed):
            _LOG.warning("check %s: %s %s", check["name"], value.code, value.detail)
            return None
        return value

    async def _undo(self, task: _Task) -> None:
        crash.point("undo_sent", "executor")
        for i in reversed(range(task.work.first_step + 1)):  # what is above never ran: it is not ours to touch
            undone = await self._undo_step(task, i)
            crash.point("undone_unreported", "executor")
            proceed = await self._gateway.report(task.work, UndoSaid(i, undone))
            if not proceed:  # the gateway goes past reads and what was taken back already
                return

    async def _undo_step(self, task: _Task, i: int) -> Undone:
        step, target = task.steps[i], self._target(task.steps[i])
        if target is None:
            return Undone("retry", _UNKNOWN.code, _UNKNOWN.detail)
        undone = await self._call(task, lambda: target.undo(step, task.snapshots[i]))
        if isinstance(undone, _Failed):
            return Undone("retry", undone.code, undone.detail)
        if undone.status == "impossible" and (await self._probe_step(task, i)).status == "not_applied":
            return Undone("undone", "NEVER_APPLIED", "the step did not run, so there is nothing to take back", {})
        return undone

    def _target(self, step: Step) -> Target | None:
        tool, target = self._served.targets.get(step.target.scope, ("", None))
        return target if tool == step.tool else None

    async def _call(self, task: _Task, ask: Callable[[], Awaitable[T]]) -> T | _Failed:
        """Call a target within the deadline; whatever it raises becomes a value, so that it can be told."""
        try:
            async with asyncio.timeout(max(0.0, self._left_s(task.work))):
                return await ask()
        except TimeoutError:
            return _Failed("DEADLINE_EXCEEDED", "the deadline passed while the target was at work")
        except TargetFault as exc:
            return _Failed(exc.code, exc.message)
        except Exception as exc:  # noqa: BLE001  # a panic in a target must still be told, as unknown
            _LOG.exception("a target failed in work %s of %s", task.work.work_id, task.work.action)
            return _Failed("TARGET_PANIC", type(exc).__name__)

    def _left_s(self, work: Work) -> float:
        return (work.deadline_ms - self._clock.now_ms()) / 1_000


_AT_ONCE = Begun(begun=True)
_UNKNOWN = _Failed("TARGET_UNKNOWN", "this executor has no such scope for this tool")


async def _observed(target: Target, step: Step) -> dict[str, Json]:
    return _observation(await target.observe(step))


def _observation(found: Observed) -> dict[str, Json]:
    """Return one step's part of the observation; raises ValueError when it has no canonical form."""
    document = {
        "facts": list(found.facts),
        "preflight": found.preflight,
        "snapshot": found.snapshot,
        "undo_class": found.undo_class,
    }
    canonical(document)
    return document


def _read(work: Work, opened: Opened) -> _Task | Refused:
    """Read the documents that came with the work; a gateway that writes nonsense is refused like a forger."""
    steps = opened.plan.steps
    try:
        snapshots = loads_strict(work.snapshot)["steps"] if work.snapshot else [{}] * len(steps)
        progress = loads_strict(work.progress)["steps"] if work.progress else [{}] * len(steps)
        checks = loads_strict(work.checks) if work.checks else []
        fit = all(
            len(each) == len(steps) and all(isinstance(s, Mapping) for s in each) for each in (snapshots, progress)
        )
        named = all({"name", "provider", "query"} <= set(check) for check in checks)
    except (ValueError, KeyError, TypeError):
        fit = named = False
    if not fit or not named or not 0 <= work.first_step < len(steps):
        return Refused("WORK_MALFORMED", "snapshot, progress, checks or first step do not fit the plan")
    known = [{**saved, "progress": told} if told else saved for saved, told in zip(snapshots, progress, strict=True)]
    return _Task(work, steps, known, checks, opened.grant)
