"""Numbers from JSON documents over HTTP: {"path": below the base URL, "params": {…}, "pointer": "/data/value"}.

The base URL is configured; a path may not leave it, redirects are not followed, an answer is at most 256 KiB. The
pointer is RFC 6901; where it leads nowhere there is no data (Prometheus answers an empty vector that way).
"""

import json
import re
from collections.abc import Mapping

import httpx2

from gateway.core.canonical import Json, loads_strict
from gateway.errors import TargetFault
from gateway.executor.config import HttpSource
from gateway.executor.telemetry.query import members, number, text

_MAX_BYTES = 262_144
_PATH = re.compile(r"[A-Za-z0-9_.-][A-Za-z0-9_./-]{0,511}")


class HttpTelemetry:
    """One HTTP server behind the Telemetry port."""

    def __init__(self, source: HttpSource) -> None:
        headers = {"authorization": f"Bearer {source.token.reveal()}"} if source.token is not None else {}
        self._base = source.base_url
        self._client = httpx2.AsyncClient(
            headers=headers, timeout=source.timeout_s, follow_redirects=False, trust_env=False
        )

    async def sample(self, query: Mapping[str, Json]) -> float | None:
        """Return the number that the pointer leads to; None when it leads nowhere or to null."""
        members(query, frozenset({"path", "params", "pointer"}))
        params = query.get("params", {})
        if not isinstance(params, Mapping) or not all(isinstance(v, str) for v in params.values()):
            raise TargetFault("QUERY_MALFORMED", "params must map names to texts")
        body = await self._get(_below(self._base, text(query, "path")), dict(params))
        try:
            return number(_at(loads_strict(body), text(query, "pointer")))
        except (json.JSONDecodeError, UnicodeDecodeError, ValueError) as exc:
            raise TargetFault("SAMPLE_NOT_JSON", "the answer is not JSON") from exc

    async def _get(self, url: str, params: Mapping[str, str]) -> bytes:
        body = bytearray()
        try:
            async with self._client.stream("GET", url, params=params) as response:
                if response.status_code != httpx2.codes.OK:
                    raise TargetFault("HTTP_STATUS", f"the server answered {response.status_code}")
                async for data in response.aiter_bytes():
                    body += data
                    if len(body) > _MAX_BYTES:
                        raise TargetFault("HTTP_TOO_LARGE", f"the answer is larger than {_MAX_BYTES} bytes")
        except httpx2.HTTPError as exc:
            raise TargetFault("TARGET_UNREACHABLE", type(exc).__name__) from exc
        return bytes(body)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _below(base: str, path: str) -> str:
    if not _PATH.fullmatch(path) or ".." in path.split("/"):
        raise TargetFault("QUERY_MALFORMED", "path must be relative and stay below the base URL")
    return base + path


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
