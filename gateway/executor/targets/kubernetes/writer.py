"""The cluster as changes see it: all of a change, its reads too, is made as the identity that writes."""

from collections.abc import Mapping

from gateway.executor.targets.kubernetes.bodies import Body
from gateway.executor.targets.kubernetes.calls import Answer
from gateway.executor.targets.kubernetes.client import Cluster


class Writer:
    """One cluster with the write identity."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Body | None = None
    ) -> Answer:
        """Send one request; raises CallFailed when there is no answer."""
        return await self._cluster.call(method, path, query=query, body=body, identity="write")
