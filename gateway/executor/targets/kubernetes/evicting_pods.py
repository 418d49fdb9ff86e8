"""`evict`: named pods through the Eviction API, once; a budget that forbids it is a refusal."""

from gateway.core.step import Step
from gateway.executor.targets.kubernetes.calls import Answer, write_query
from gateway.executor.targets.kubernetes.deleting import Deleting
from gateway.executor.targets.kubernetes.evicting import Victim, eviction
from gateway.executor.targets.kubernetes.guard import deletion
from gateway.executor.targets.kubernetes.snapshots import Entry


class EvictingPods(Deleting):
    """Like a deletion, as far as a disruption budget allows it."""

    async def send(self, step: Step, entry: Entry, version: str | None, *, dry: bool) -> Answer:
        """Send one eviction. Raises CallFailed."""
        grace = step.params.get("grace_period_seconds")
        body = deletion({} if grace is None else {"gracePeriodSeconds": grace}, entry.uid, version)
        victim = Victim(entry.ref, entry.uid)
        query = write_query(step, dry=dry)
        return await self._api.call("POST", f"{entry.ref.path}/eviction", query=query, body=eviction(victim, body.body))
