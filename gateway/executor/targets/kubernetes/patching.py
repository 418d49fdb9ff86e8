"""Changes of fields of objects that exist: scale, set, patch, label, annotate, cordon, taint, pause, resume, subjects.

Observed by a dry run of the very request; written only to the object and the state that was observed; taken back by a
JSON patch that tests the fields we changed.
"""

from collections.abc import Mapping, Sequence

from gateway.core.canonical import Json
from gateway.core.effect import Undo, weakest
from gateway.core.step import Step
from gateway.executor.output import OnChunk
from gateway.executor.targets import seen as see
from gateway.executor.targets.kubernetes import summing
from gateway.executor.targets.kubernetes.bodies import Body, Declined, body_of
from gateway.executor.targets.kubernetes.calls import Api, CallFailed, Failure, failure_of, lost, moved
from gateway.executor.targets.kubernetes.difference import difference
from gateway.executor.targets.kubernetes.facts import Around, around, facts_of
from gateway.executor.targets.kubernetes.guard import guarded
from gateway.executor.targets.kubernetes.observing import FIGHTS, absent, failed, observed, target_id
from gateway.executor.targets.kubernetes.resolving import Found, find_all, read
from gateway.executor.targets.kubernetes.snapshots import Entry, entries_of
from gateway.executor.targets.kubernetes.undoing import fought, undo_class
from gateway.executor.targets.kubernetes.writing import (
    TRIES,
    Restored,
    Written,
    ignored_by,
    look,
    restore,
    send,
    sub_path,
    trimmed,
    write,
)
from gateway.ports import Clock
from gateway.ports_target import Applied, Observed, Undone

UNOBSERVED = Applied("not_applied", "SNAPSHOT_MISSING", "the step was not observed")


class Patching:
    """Change fields, exactly or not at all."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    async def observe(self, step: Step) -> Observed:
        """Read the objects and try the change on each."""
        try:
            found = await find_all(self._api, step)
            if isinstance(found, Failure):
                return absent(step, self._clock.now_ms(), found)
            return await self._try_all(step, found)
        except CallFailed as exc:
            return absent(step, self._clock.now_ms(), lost(exc))

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:  # noqa: ARG002
        """Write the objects one by one; the first that fails ends it."""
        if "objects" not in snapshot:
            return UNOBSERVED
        entries = entries_of(snapshot)
        done = await summing.one_by_one(
            entries, lambda entry: write(self._api, step, entry, lambda live: self.body(step, entry, live))
        )
        return summing.applied(step, entries, done)

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Compare the fields with what was tried and what was there before."""
        if "objects" not in snapshot or step.params.get("dry_run"):
            return Applied("not_applied", "NOTHING_DONE", "there is nothing that could have been changed")
        entries = entries_of(snapshot)
        try:
            return summing.looked(entries, [await self.look(step, entry) for entry in entries])
        except CallFailed as exc:
            return Applied("unknown", exc.code, exc.detail)

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Restore the objects that were changed, in reverse order."""
        if step.params.get("dry_run"):
            return Undone("undone", "NOTHING_DONE", "a dry run changes nothing", {})
        if "objects" not in snapshot:
            return Undone("impossible", "SNAPSHOT_MISSING", "the step was not observed")
        entries = entries_of(snapshot)
        try:
            return await summing.take_back(
                entries, lambda entry: self.restore(step, entry), lambda entry: self.look(step, entry)
            )
        except CallFailed as exc:
            return Undone("retry", exc.code, exc.detail)

    def body(self, step: Step, entry: Entry, live: Mapping[str, Json]) -> Body | Declined:  # noqa: ARG002
        """Return the body for one live object."""
        return body_of(step, live, self._clock.now_ms())

    async def look(self, step: Step, entry: Entry) -> Written:
        """Tell whether one object was written. Raises CallFailed."""
        return await look(self._api, step, entry)

    async def restore(self, step: Step, entry: Entry) -> Restored:
        """Take one object's change back. Raises CallFailed."""
        return await restore(self._api, step, entry)

    async def entry(self, step: Step, found: Found) -> Entry | Failure | Declined:
        """Return what the change would do to one object, by a dry run. Raises CallFailed."""
        bare = Entry(found.ref, found.uid, secret=found.document.get("kind") == "Secret")
        return await self.tried(step, bare, found)

    async def tried(self, step: Step, bare: Entry, found: Found) -> Entry | Failure | Declined:
        """Return an entry with the fields that a dry run changes. Raises CallFailed."""
        path = sub_path(step, found.ref.path)
        live: Mapping[str, Json] | Failure = found.document if path == found.ref.path else await read(self._api, path)
        for _ in range(TRIES):
            if isinstance(live, Failure):
                return live
            body = self.body(step, bare, live)
            if isinstance(body, Declined):
                return body
            answer = await send(self._api, step, path, guarded(body, live), dry=True)
            if answer.ok:
                change = trimmed(difference(live, answer.body, ignored_by(step)))
                return Entry(bare.ref, bare.uid, change, bare.secret, bare.extra)
            if not moved(answer):
                return failure_of(answer)
            live = await read(self._api, path)
        return Failure("not_applied", "K8S_CONFLICT", f"the object was changed {TRIES} times while it was read")

    async def _try_all(self, step: Step, found: Sequence[Found]) -> Observed:
        near: dict[str | None, Around] = {}
        facts: list[Mapping[str, Json]] = []
        entries: list[Entry] = []
        refused: Failure | Declined | None = None
        undo, fights = Undo.EXACT, False
        for each in found:
            if each.ref.namespace not in near:
                near[each.ref.namespace] = await around(self._api, each.ref.namespace)
            value = await facts_of(self._api, each.document, near[each.ref.namespace])
            facts.append(see.known(target_id(step, each.ref), self._clock.now_ms(), value))
            entry = await self.entry(step, each) if refused is None else refused
            if not isinstance(entry, Entry):
                refused = refused or entry
                continue
            entries.append(entry)
            undo = weakest((undo, undo_class(step, each.document, entry)))
            fights = fights or fought(value, entry)
        if refused is not None:
            return failed(facts, refused, len(found))
        if fights:
            undo = weakest((undo, Undo.COMPENSATING))
        return observed(facts, entries, undo, code=FIGHTS if fights else "")
