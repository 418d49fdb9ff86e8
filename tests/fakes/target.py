"""An in-memory target: fields by name, every touch written down, and faults on demand."""

from collections.abc import Awaitable, Callable, Mapping

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.core.step import Target as StepTarget
from gateway.core.undo import Way, compare, probed
from gateway.executor.targets import seen
from gateway.ports_target import Applied, Observed, Undone


def set_field(name: str, value: Json, scope: str = "memory") -> Step:
    """Return a step that sets one field."""
    target = StepTarget(scope, "field", f"memory:{scope}/{name}", names=(name,))
    return Step("process", "fields.set", {"argv": ["set"]}, target, {"name": name, "value": value})


class MemoryTarget:
    """Implements the Target port; `meanwhile` runs inside every call, and may raise or hang."""

    def __init__(self, fields: Mapping[str, Json] | None = None) -> None:
        self.fields = dict(fields or {})
        self.history: list[tuple[str, str]] = []
        """(call, field), append-only."""
        self.meanwhile: Callable[[str, Step], Awaitable[None]] = _nothing

    async def observe(self, step: Step) -> Observed:
        name, value, now = await self._enter("observe", step)
        fact = seen.known(step.target.id, 1, {"exists": name in self.fields, "value": now[name]})
        return Observed((fact,), seen.preflight("ok", [seen.change(name, now[name], value)]), now, "exact")

    async def apply(
        self, step: Step, snapshot: Mapping[str, Json], on_chunk: Callable[[bytes], Awaitable[None]]
    ) -> Applied:
        name, value, now = await self._enter("apply", step)
        if now != dict(snapshot):
            return Applied("not_applied", "STATE_CHANGED")
        self.fields[name] = value
        await on_chunk(b"set")
        return Applied("applied", output=b"set", after={name: value})

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        name, value, now = await self._enter("probe", step)
        return Applied(probed(snapshot, {name: value}, now).value, after=now)

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        name, value, now = await self._enter("undo", step)
        way = compare(snapshot, {name: value}, now).way
        if way is Way.CONFLICT:
            return Undone("conflict", "STATE_CHANGED", read_back=now)
        self.fields |= snapshot
        return Undone("undone", read_back={name: self.fields[name]})

    async def close(self) -> None:
        self.history.append(("close", ""))

    async def _enter(self, call: str, step: Step) -> tuple[str, Json, dict[str, Json]]:
        name = str(step.params["name"])
        self.history.append((call, name))
        await self.meanwhile(call, step)
        return name, step.params["value"], {name: self.fields.get(name)}


async def _nothing(call: str, step: Step) -> None:
    del call, step
