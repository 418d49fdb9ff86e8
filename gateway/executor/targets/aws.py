"""One AWS account: any operation of a step; the way back for those in the table of changes."""

from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.core.effect import Undo
from gateway.core.step import Step
from gateway.core.undo import Fields, Probed, Way, compare, probed
from gateway.executor.config import AwsScope
from gateway.executor.output import OnChunk, Output
from gateway.executor.targets import seen as see
from gateway.executor.targets.aws_change import Change, Seen
from gateway.executor.targets.aws_client import AwsAccount, AwsCallError, fault
from gateway.executor.targets.aws_describe import look_of
from gateway.executor.targets.aws_rds import DbInstanceSettings
from gateway.executor.targets.aws_request import render, split
from gateway.executor.targets.aws_usage_plan import UsagePlanThrottle
from gateway.ports import Clock
from gateway.ports_target import Applied, Observed, Undone

# An operation with such a name is observed as a read. This cannot make one of it: the gateway takes the weaker of
# this undo class and the one that IAM's access levels gave it.
_READS = ("BatchGet", "Describe", "Filter", "Get", "List", "Lookup", "Query", "Scan", "Search", "Select")
_CHANGES: Mapping[str, Change] = {c.operation: c for c in (UsagePlanThrottle(), DbInstanceSettings())}


class AwsTarget:
    """An account behind the Target port."""

    def __init__(self, scope: AwsScope, clock: Clock, output_bytes: int) -> None:
        self._account = AwsAccount(scope)
        self._clock = clock
        self._output_bytes = output_bytes

    async def observe(self, step: Step) -> Observed:
        """Read the object and the fields that the step sets."""
        if step.operation.partition(".")[2].startswith(_READS):
            return see.read_only()
        change = _CHANGES.get(step.operation)
        try:
            if change is None:
                return await self._look(step)
            found = await self._see(change, step)
        except AwsCallError as exc:
            raise fault(exc) from exc
        if found is None:
            return self._absent(step)
        fact = see.known(step.target.id, self._clock.now_ms(), found.value)
        wanted = change.wanted(step.params)
        if wanted is None:
            return Observed((fact,), see.preflight("not_available", code="NOT_REVERSIBLE"), {}, Undo.NONE.value)
        old = {path: found.fields.get(path) for path in wanted}
        changes = [see.change(path, old[path], new) for path, new in wanted.items()]
        known = not found.busy and change.inverse(step.params, old, found.fields) is not None
        undo = Undo.COMPENSATING if known else Undo.NONE
        snapshot = {"fields": old, "busy": found.busy}
        return Observed((fact,), see.preflight("ok", changes, code=found.busy), snapshot, undo.value)

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:
        """Call the operation once; a change of the table only while the object still is as it was observed."""
        change = _CHANGES.get(step.operation)
        try:
            if change is not None and change.wanted(step.params) is not None:
                moved = await self._moved(change, step, snapshot)
                if moved is not None:
                    return moved
        except AwsCallError as exc:
            return Applied("not_applied", exc.code, exc.detail)
        try:
            answer = await self._account.call(step.operation, step.target.region, step.params)
        except AwsCallError as exc:
            return Applied("unknown" if exc.sent else "not_applied", exc.code, exc.detail)
        output = Output(self._output_bytes, on_chunk)
        await output.add(render(answer, split(step.params)[1].query, self._output_bytes))
        after = await self._after(change, step) if change is not None else None
        return Applied("applied", output=await output.finish(), truncated=output.truncated, after=after)

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Compare the object with what was wanted and what was there before."""
        change = _CHANGES.get(step.operation)
        wanted = change.wanted(step.params) if change is not None else None
        if change is None or wanted is None or "fields" not in snapshot:
            return Applied("unknown", "NO_PROBE", "this operation leaves nothing to compare")
        try:
            found = await self._see(change, step)
        except AwsCallError as exc:
            raise fault(exc) from exc
        if found is None:
            return Applied("unknown", "TARGET_GONE", "the object does not exist any more")
        now = {path: found.fields.get(path) for path in wanted}
        told = probed(snapshot["fields"], wanted, now)
        return Applied(told.value, "STATE_CHANGED" if told is Probed.UNKNOWN else "", after=now)

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Set the old fields if they still hold what we wrote, and read them back."""
        change = _CHANGES.get(step.operation)
        wanted = change.wanted(step.params) if change is not None else None
        if change is None or wanted is None or "fields" not in snapshot:
            return Undone("impossible", "NO_WAY_BACK", f"there is no way back from {step.operation}")
        try:
            return await self._restore(change, step, wanted, snapshot["fields"])
        except AwsCallError as exc:
            return Undone("retry", exc.code, exc.detail)

    async def close(self) -> None:
        """Close the connections of all clients."""
        self._account.close()

    async def _restore(self, change: Change, step: Step, wanted: Fields, old: Fields) -> Undone:
        found = await self._see(change, step)
        if found is None:
            return Undone("conflict", "TARGET_GONE", "the object does not exist any more")
        now = {path: found.fields.get(path) for path in wanted}
        compared = compare(old, wanted, now)
        if compared.way is Way.ALREADY:
            return Undone("undone", read_back=now)
        if compared.way is Way.CONFLICT:
            return Undone("conflict", "STATE_CHANGED", f"edited since: {', '.join(compared.edited)}", now)
        params = change.inverse(step.params, compared.restore, found.fields)
        if params is None:
            return Undone("conflict", "NOT_RESTORABLE", "the old fields cannot be set without changing others", now)
        await self._account.call(step.operation, step.target.region, params)
        back = await self._after(change, step)
        if back is None or compare(old, wanted, back).way is not Way.ALREADY:
            # The API is eventually consistent: the next try tells whether this was an old answer or another's edit.
            return Undone("retry", "READ_BACK_DIFFERS", "the fields are not the old ones after the undo", back)
        return Undone("undone", read_back=back)

    async def _see(self, change: Change, step: Step) -> Seen | None:
        try:
            answers = [
                await self._account.call(operation, step.target.region, params)
                for operation, params in change.reads(step.params)
            ]
        except AwsCallError as exc:
            if exc.error in change.missing:
                return None
            raise
        return change.seen(tuple(answers))

    async def _moved(self, change: Change, step: Step, snapshot: Mapping[str, Json]) -> Applied | None:
        """Return why the step must not run: the object is not as it was observed."""
        if "fields" not in snapshot:
            return Applied("not_applied", "SNAPSHOT_MISSING", "the step was not observed")
        found = await self._see(change, step)
        now = {} if found is None else {path: found.fields.get(path) for path in snapshot["fields"]}
        if found is None or now != dict(snapshot["fields"]) or found.busy != snapshot["busy"]:
            return Applied("not_applied", "STATE_CHANGED", "the object is not as it was observed", after=now)
        return None

    async def _after(self, change: Change, step: Step) -> dict[str, Json] | None:
        """Return the fields as they are now; None when they cannot be read."""
        wanted = change.wanted(step.params)
        try:
            found = await self._see(change, step)
        except AwsCallError:
            return None  # the call itself succeeded; verification reads again
        if found is None or wanted is None:
            return None
        return {path: found.fields.get(path) for path in wanted}

    async def _look(self, step: Step) -> Observed:
        now, way = self._clock.now_ms(), look_of(step.operation, step.params)
        if way is None:
            return see.unobserved(step.target.id, now, "NO_DESCRIBE")
        look, name = way
        try:
            found = look.find(await self._account.call(look.read, step.target.region, look.ask(name)))
        except AwsCallError as exc:
            if exc.error not in look.missing:
                raise
            found = []
        if not found:
            return self._absent(step)
        shown = found[0] if len(found) == 1 else {"objects": found}
        fact = see.known(step.target.id, now, {"exists": True} | shown)
        tried = see.preflight("not_available", targets=len(found), code="NOT_REVERSIBLE")
        return Observed((fact,), tried, {}, Undo.NONE.value)

    def _absent(self, step: Step) -> Observed:
        fact = see.known(step.target.id, self._clock.now_ms(), {"exists": False})
        return Observed((fact,), see.preflight("failed", code="TARGET_NOT_FOUND"), {}, Undo.NONE.value)
