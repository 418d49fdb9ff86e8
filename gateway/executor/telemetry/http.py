"""Numbers from JSON documents over HTTP: {"path": below the base URL, "params": {…}, "pointer": "/data/value"}.

The base URL is configured; a path may not leave it, redirects are not followed, an answer is at most 256 KiB. The
pointer is RFC 6901; where it leads nowhere there is no data (Prometheus answers an empty vector that way).
"""

from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.errors import TargetFault
from gateway.executor.config import HttpSource
from gateway.executor.telemetry.fetch import JsonServer
from gateway.executor.telemetry.query import members, number, text


class HttpTelemetry:
    """One HTTP server behind the Telemetry port."""

    def __init__(self, source: HttpSource) -> None:
        headers = {"authorization": f"Bearer {source.token.reveal()}"} if source.token is not None else {}
        self._server = JsonServer(source.base_url, headers, source.timeout_s)

    async def sample(self, query: Mapping[str, Json]) -> float | None:
        """Return the number that the pointer leads to; None when it leads nowhere or to null."""
        members(query, frozenset({"path", "params", "pointer"}))
        params = query.get("params", {})
        if not isinstance(params, Mapping) or not all(isinstance(v, str) for v in params.values()):
            raise TargetFault("QUERY_MALFORMED", "params must map names to texts")
        return number(_at(await self._server.get(text(query, "path"), params), text(query, "pointer")))

    async def close(self) -> None:
        """Close the connections."""
        await self._server.close()


def _at(document: Json, pointer: str) -> Json:
    """Follow an RFC 6901 pointer; None where it leads nowhere."""
    found = document
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(key)
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found
