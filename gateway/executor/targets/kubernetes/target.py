"""One Kubernetes cluster behind the Target port: an operation for each verb."""

from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.errors import TargetFault
from gateway.executor.config_kubernetes import KubernetesScope
from gateway.executor.output import OnChunk
from gateway.executor.targets.kubernetes.answers import ReadError
from gateway.executor.targets.kubernetes.calls import CallFailed
from gateway.executor.targets.kubernetes.changes import changes
from gateway.executor.targets.kubernetes.client import Cluster
from gateway.executor.targets.kubernetes.discovery import Kinds
from gateway.executor.targets.kubernetes.operation import Operation, Reading
from gateway.executor.targets.kubernetes.reads import reads
from gateway.executor.targets.kubernetes.writer import Writer
from gateway.ports import Clock
from gateway.ports_target import Applied, Observed, Undone


class KubernetesTarget:
    """A cluster; its connections and tokens are shared by all steps."""

    def __init__(self, scope: KubernetesScope, clock: Clock, output_bytes: int) -> None:
        self._clock = clock
        self._cluster = Cluster(scope)
        self._kinds = Kinds(self._cluster)
        looked = reads(Reading(self._cluster, self._kinds), output_bytes)
        self._operations: Mapping[str, Operation] = {**looked, **changes(Writer(self._cluster), clock)}

    async def observe(self, step: Step) -> Observed:
        """Read facts, preflight and snapshot."""
        return await self._operation(step).observe(step)

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:
        """Run the operation once."""
        if _verb(step) not in self._operations:
            return Applied("not_applied", "OPERATION_UNKNOWN", f"this executor cannot do {step.operation}")
        return await self._operation(step).apply(step, snapshot, on_chunk)

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Tell whether a lost attempt was applied."""
        return await self._operation(step).probe(step, snapshot)

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Restore the snapshot if our values still stand."""
        return await self._operation(step).undo(step, snapshot)

    async def discovery(self) -> bytes:
        """Return the document of what the cluster serves now (core.discovery); raises TargetFault."""
        try:
            await self._kinds.all(fresh=True)
            return await self._kinds.document()
        except (ReadError, CallFailed) as exc:
            raise TargetFault(exc.code, exc.detail) from exc

    async def close(self) -> None:
        """Close all connections."""
        self._cluster.close()

    def _operation(self, step: Step) -> Operation:
        operation = self._operations.get(_verb(step))
        if operation is None:
            raise TargetFault("OPERATION_UNKNOWN", f"this executor cannot do {step.operation}")
        return operation


def _verb(step: Step) -> str:
    """Return the verb of an operation; a question to the cluster keeps its prefix, as `cluster.version`."""
    resource, _, verb = step.operation.rpartition(".")
    return step.operation if resource == "cluster" else verb
