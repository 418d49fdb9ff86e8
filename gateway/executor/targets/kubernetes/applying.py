"""Server-side apply under our own field manager: to an object that exists, or to nothing."""

from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.executor.output import OnChunk
from gateway.executor.targets import seen as see
from gateway.executor.targets.kubernetes.bodies import Declined
from gateway.executor.targets.kubernetes.calls import Api, CallFailed, Failure, lost, refs_of
from gateway.executor.targets.kubernetes.making import Making
from gateway.executor.targets.kubernetes.observing import absent, failed
from gateway.executor.targets.kubernetes.patching import Patching
from gateway.executor.targets.kubernetes.resolving import read
from gateway.ports import Clock
from gateway.ports_target import Applied, Observed, Undone


class Applying(Patching):
    """`apply`: fields of an object that exists, or a new one; never over the fields of another manager."""

    def __init__(self, api: Api, clock: Clock) -> None:
        super().__init__(api, clock)
        self._making = Making(api, clock)

    async def observe(self, step: Step) -> Observed:
        """Try the change, or the creation."""
        if step.params.get("force_conflicts"):
            why = Declined("K8S_FORCE_REFUSED", "fields of another manager are never taken; leave force_conflicts out")
            return failed([see.unknown(step.target.id, self._clock.now_ms(), why.code)], why)
        try:
            (ref,) = refs_of(step)
            live = await read(self._api, ref.path)
        except CallFailed as exc:
            return absent(step, self._clock.now_ms(), lost(exc))
        if isinstance(live, Failure) and live.code == "TARGET_NOT_FOUND":
            return await self._making.observe(step)
        return await super().observe(step)

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:
        """Apply to what was observed: an object, or nothing."""
        if _makes(snapshot):
            return await self._making.apply(step, snapshot, on_chunk)
        return await super().apply(step, snapshot, on_chunk)

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Look at the object."""
        return await (self._making.probe if _makes(snapshot) else super().probe)(step, snapshot)

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Restore the fields, or delete what was made."""
        return await (self._making.undo if _makes(snapshot) else super().undo)(step, snapshot)


def _makes(snapshot: Mapping[str, Json]) -> bool:
    return "exists" in snapshot.get("fields", {})
