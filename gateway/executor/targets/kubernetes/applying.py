"""Server-side apply under our own field manager: to an object that exists, or to nothing.

An apply cannot be told to make an object or to fail: to one that came in between it adds its fields. The answer tells
(201 made it, 200 did not), and then an apply of nothing takes back out what was added; fields that were there stay with
whoever has them, because ours never take those of others. Where the answer was lost, an object that somebody else may
have made is left to people.
"""

from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.executor.output import OnChunk
from gateway.executor.targets import seen as see
from gateway.executor.targets.kubernetes.bodies import APPLY, Body, Declined
from gateway.executor.targets.kubernetes.calls import (
    MANAGER,
    Answer,
    Api,
    CallFailed,
    Failure,
    Ref,
    failure_of,
    lost,
    refs_of,
)
from gateway.executor.targets.kubernetes.making import Making
from gateway.executor.targets.kubernetes.observing import absent, failed
from gateway.executor.targets.kubernetes.ownership import created_ms, people
from gateway.executor.targets.kubernetes.patching import Patching
from gateway.executor.targets.kubernetes.resolving import read
from gateway.executor.targets.kubernetes.snapshots import Entry
from gateway.ports import Clock
from gateway.ports_target import Applied, Observed, Undone


class Applying(Patching):
    """`apply`: fields of an object that exists, or a new one; never over the fields of another manager."""

    def __init__(self, api: Api, clock: Clock) -> None:
        super().__init__(api, clock)
        self._making = Founding(api, clock)

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


class Founding(Making):
    """Make an object by an apply."""

    async def send(self, step: Step, ref: Ref, body: Body, *, dry: bool) -> Answer:
        """Apply to nothing; what is there by now is left alone. Raises CallFailed."""
        if not dry:
            live = await self._api.call("GET", ref.path)
            if live.status != _ABSENT:
                return _TAKEN if live.ok else live
        return await super().send(step, ref, body, dry=dry)

    def path(self, ref: Ref) -> str:
        """Return where an object is made: an apply names it."""
        return ref.path

    async def made(self, step: Step, entry: Entry, answer: Answer) -> Applied:
        """Return the outcome; where the object was another's, take out again what was added to it."""
        if answer.status == _CREATED or step.params.get("dry_run"):
            return await super().made(step, entry, answer)
        metadata = answer.body["metadata"]
        same = {name: metadata[name] for name in ("name", "namespace", "uid") if name in metadata}
        nothing = {"apiVersion": answer.body["apiVersion"], "kind": answer.body["kind"], "metadata": same}
        try:
            out = await self._api.call(
                "PATCH", entry.ref.path, query={"fieldManager": MANAGER}, body=Body(APPLY, nothing)
            )
        except CallFailed as exc:
            return Applied("unknown", exc.code, exc.detail)
        if not out.ok:
            return Applied("unknown", "K8S_MAKER_UNKNOWN", f"another's object has our fields: {failure_of(out).detail}")
        return Applied("not_applied", "K8S_ALREADY_EXISTS", "an object of this name came in between; it is as it was")

    def foreign(self, entry: Entry, live: Mapping[str, Json]) -> str:
        """Return why another may have made an object: the first who wrote it was not us, or not us alone."""
        born = created_ms(live)
        first = {each.manager for each in people(live) if each.at_ms <= born}
        return "" if first == {MANAGER} else f"{entry.ref.label} has our fields, and another may have made it"


_CREATED, _ABSENT = 201, 404
_TAKEN = Answer(409, {"reason": "AlreadyExists", "message": "an object of this name exists now"})


def _makes(snapshot: Mapping[str, Json]) -> bool:
    return "exists" in snapshot.get("fields", {})
