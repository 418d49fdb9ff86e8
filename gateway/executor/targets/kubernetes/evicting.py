"""Evictions: of the pods that were observed, by their uids, as their disruption budgets allow."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.core.canonical import Json
from gateway.executor import deadline
from gateway.executor.targets.kubernetes.bodies import PLAIN, Body
from gateway.executor.targets.kubernetes.calls import Answer, Api, CallFailed, Failure, Ref, failure_of, lost
from gateway.executor.targets.kubernetes.guard import deletion
from gateway.executor.targets.kubernetes.resolving import read

_FIRST_WAIT_S = 0.5
_MAX_WAIT_S = 5.0
_TELL_S = 2.0
"""So much of the deadline is left for telling what happened."""
_AT_ONCE = 20
_BROKEN = frozenset({500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Victim:
    """One pod."""

    ref: Ref
    uid: str


@dataclass(frozen=True, slots=True)
class Evicted:
    """What became of one pod."""

    victim: Victim
    status: Literal["gone", "refused", "late"]
    code: str = ""
    detail: str = ""


class Evictions:
    """Evict pods until a time; budgets that forbid it are asked again and again."""

    def __init__(self, api: Api, params: Mapping[str, Json], seconds: float) -> None:
        self._api = api
        self._grace = params.get("grace_period_seconds")
        self._plainly = bool(params.get("disable_eviction"))
        self._few = asyncio.Semaphore(_AT_ONCE)
        loop = asyncio.get_running_loop()
        self._until = loop.time() + max(0.0, min(seconds, deadline.left_s() - _TELL_S))
        self._now = loop.time

    async def evict(self, victim: Victim) -> Evicted:
        """Evict one pod and wait until it is gone."""
        async with self._few:
            return await self._evict(victim)

    async def _evict(self, victim: Victim) -> Evicted:
        wait, last = _FIRST_WAIT_S, Failure("not_applied", "DRAIN_TIMEOUT", "the time was over")
        while self._left() > 0:
            try:
                answer = await self._ask(victim)
            except CallFailed as exc:
                last = lost(exc)
            else:
                if answer.ok:
                    return await self._until_gone(victim)
                if answer.status in {404, 409} and await self._is_gone(victim):
                    return Evicted(victim, "gone")
                last = failure_of(answer)
                if answer.status not in {404, 409, 429, *_BROKEN}:
                    return Evicted(victim, "refused", last.code, last.detail)
            wait = await self._pause(wait)
        return Evicted(victim, "late", last.code, last.detail)

    async def _ask(self, victim: Victim) -> Answer:
        options = {"gracePeriodSeconds": self._grace} if self._grace is not None else {}
        body = deletion(options, victim.uid)
        if self._plainly:
            return await self._api.call("DELETE", victim.ref.path, body=body)
        return await self._api.call("POST", f"{victim.ref.path}/eviction", body=eviction(victim, body.body))

    async def _until_gone(self, victim: Victim) -> Evicted:
        wait = _FIRST_WAIT_S
        while self._left() > 0:
            if await self._is_gone(victim):
                return Evicted(victim, "gone")
            wait = await self._pause(wait)
        return Evicted(victim, "late", "DRAIN_TIMEOUT", f"{victim.ref.label} was evicted and is not gone yet")

    async def _is_gone(self, victim: Victim) -> bool:
        """Tell whether a pod is gone; what cannot be read is not."""
        try:
            live = await read(self._api, victim.ref.path)
        except CallFailed:
            return False
        if isinstance(live, Failure):
            return live.code == "TARGET_NOT_FOUND"
        return bool(live["metadata"]["uid"] != victim.uid)

    async def _pause(self, wait: float) -> float:
        await asyncio.sleep(max(0.0, min(wait, self._left())))
        return min(wait * 2, _MAX_WAIT_S)

    def _left(self) -> float:
        left = self._until - self._now()
        return left if math.isfinite(left) else _MAX_WAIT_S


def eviction(victim: Victim, options: Json) -> Body:
    """Return the body of an eviction that holds for one uid."""
    metadata = {"name": victim.ref.name, "namespace": victim.ref.namespace}
    return Body(PLAIN, {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata, "deleteOptions": options})
