"""A small client of the API server for everybody who is not the gateway: the bed itself, and tests that play others."""

import contextlib
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"


class ApiError(Exception):
    """An answer that was not 2xx."""

    def __init__(self, status: int, answer: Any) -> None:
        super().__init__(f"{status}: {answer.get('message', answer) if isinstance(answer, dict) else answer}")
        self.status = status
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Api:
    """One user at one API server."""

    server: str
    ca: Path
    token: str
    timeout_s: float = 10
    _context: list[ssl.SSLContext] = field(default_factory=list, repr=False)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """Return the JSON of an answer (text where it is none); raise ApiError for every other status than 2xx."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type, "Accept": "application/json"}
        data = None if body is None else json.dumps(body)
        address = urlsplit(self.server).netloc
        with contextlib.closing(
            http.client.HTTPSConnection(address, timeout=self.timeout_s, context=self._tls())
        ) as line:
            line.request(method, path + (f"?{urlencode(query)}" if query else ""), data, headers)
            answer = line.getresponse()
            found = _read(answer.read())
        if not 200 <= answer.status < 300:
            raise ApiError(answer.status, found)
        return found

    def get(self, path: str, **query: str) -> Any:
        """Read one object or a list."""
        return self.request("GET", path, query=query)

    def create(self, path: str, body: Any) -> Any:
        """POST an object to its collection."""
        return self.request("POST", path, body)

    def patch(self, path: str, body: Any, content_type: str = MERGE) -> Any:
        """PATCH an object, by merge unless another type is named."""
        return self.request("PATCH", path, body, content_type=content_type)

    def delete(self, path: str, body: Any = None) -> Any:
        """DELETE an object."""
        return self.request("DELETE", path, body)

    def answers(self, path: str) -> bool:
        """Tell whether a GET succeeds now."""
        try:
            self.get(path)
        except (OSError, ApiError, http.client.HTTPException):
            return False
        return True

    def _tls(self) -> ssl.SSLContext:
        if not self._context:
            self._context.append(ssl.create_default_context(cafile=self.ca))
        return self._context[0]


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")
