"""Fetch one JSON document below a configured URL: bounded, without redirects, without anything from the environment."""

import json
import re
from collections.abc import Mapping, Sequence

import httpx2

from gateway.core.canonical import Json, loads_strict
from gateway.errors import TargetFault

MAX_BYTES = 262_144
_PATH = re.compile(r"[A-Za-z0-9_.-][A-Za-z0-9_./-]{0,511}")
Params = Mapping[str, str] | Sequence[tuple[str, str]]


class JsonServer:
    """One server that answers JSON; `base_url` ends in a slash."""

    def __init__(self, base_url: str, headers: Mapping[str, str], timeout_s: float, max_bytes: int = MAX_BYTES) -> None:
        self._base = base_url
        self._max_bytes = max_bytes
        self._client = httpx2.AsyncClient(
            headers=dict(headers), timeout=timeout_s, follow_redirects=False, trust_env=False
        )

    async def get(self, path: str, params: Params = ()) -> Json:
        """Return the document at a path below the base URL; raises TargetFault."""
        if not _PATH.fullmatch(path) or ".." in path.split("/"):
            raise TargetFault("QUERY_MALFORMED", "path must be relative and stay below the base URL")
        body = await self._body(self._base + path, tuple(params.items() if isinstance(params, Mapping) else params))
        try:
            return loads_strict(body)
        except (json.JSONDecodeError, UnicodeDecodeError, ValueError) as exc:
            raise TargetFault("SAMPLE_NOT_JSON", "the answer is not JSON") from exc

    async def _body(self, url: str, params: tuple[tuple[str, str], ...]) -> bytes:
        body = bytearray()
        try:
            async with self._client.stream("GET", url, params=params) as response:
                if response.status_code != httpx2.codes.OK:
                    raise TargetFault("HTTP_STATUS", f"the server answered {response.status_code}")
                async for data in response.aiter_bytes():
                    body += data
                    if len(body) > self._max_bytes:
                        raise TargetFault("HTTP_TOO_LARGE", f"the answer is larger than {self._max_bytes} bytes")
        except httpx2.HTTPError as exc:
            raise TargetFault("TARGET_UNREACHABLE", type(exc).__name__) from exc
        return bytes(body)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
