"""Reads: a verb's reader writes to the output; there is nothing to observe, probe or undo."""

from collections.abc import Awaitable, Callable, Mapping

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.executor.output import OnChunk, Output
from gateway.executor.targets import seen as see
from gateway.executor.targets.kubernetes import questions
from gateway.executor.targets.kubernetes.answers import ReadError
from gateway.executor.targets.kubernetes.calls import CallFailed
from gateway.executor.targets.kubernetes.describe import describe
from gateway.executor.targets.kubernetes.events import read_events
from gateway.executor.targets.kubernetes.explaining import explain
from gateway.executor.targets.kubernetes.logs import read_logs
from gateway.executor.targets.kubernetes.objects import read_objects
from gateway.executor.targets.kubernetes.operation import Operation, Reading
from gateway.executor.targets.kubernetes.rollout_reads import rollout_history, rollout_status
from gateway.executor.targets.kubernetes.top import top
from gateway.executor.targets.kubernetes.waiting import wait
from gateway.ports_target import Applied, Observed, Undone

Reader = Callable[[Reading, Step, Output], Awaitable[None]]
_READERS: Mapping[str, Reader] = {
    "get": read_objects,
    "list": read_objects,
    "describe": describe,
    "events": read_events,
    "top": top,
    "log": read_logs,
    "rollout_status": rollout_status,
    "rollout_history": rollout_history,
    "wait": wait,
    "cluster.version": questions.version,
    "cluster.info": questions.info,
    "cluster.health": questions.health,
    "cluster.api_resources": questions.api_resources,
    "cluster.api_versions": questions.api_versions,
    "cluster.can_i": questions.can_i,
    "cluster.whoami": questions.whoami,
    "cluster.explain": explain,
}


class Read:
    """One verb that only reads."""

    def __init__(self, reading: Reading, reader: Reader, output_bytes: int) -> None:
        self._reading = reading
        self._reader = reader
        self._output_bytes = output_bytes

    async def observe(self, step: Step) -> Observed:
        """Return that there is nothing to observe."""
        del step
        return see.read_only()

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:
        """Read; what was read before something failed is given too."""
        del snapshot
        output = Output(self._output_bytes, on_chunk)
        try:
            await self._reader(self._reading, step, output)
        except (ReadError, CallFailed) as exc:
            return Applied("not_applied", exc.code, exc.detail, await output.finish(), output.truncated)
        code, detail = (output.ended.code, output.ended.detail) if output.ended is not None else ("", "")
        return Applied("applied", code, detail, output=await output.finish(), truncated=output.truncated)

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Return that a lost read had no effect."""
        del step, snapshot
        return Applied("not_applied", "READ_LOST", "a read leaves nothing behind")

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Return that there is nothing to undo."""
        del step, snapshot
        return Undone("undone", read_back={})


def reads(reading: Reading, output_bytes: int) -> dict[str, Operation]:
    """Return the operations that read, by verb."""
    return {verb: Read(reading, reader, output_bytes) for verb, reader in _READERS.items()}
