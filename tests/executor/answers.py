"""A protocol fake on loopback: it answers paths with fixed JSON and remembers what it was asked."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class FakeUrl(str):
    """The base URL without a slash at its end, with what arrived there."""

    __slots__ = ("headers", "queries")
    headers: list[dict[str, str]]
    """Of each request, with lower-case names."""
    queries: list[list[tuple[str, str]]]


@contextmanager
def answering(documents: Mapping[str, Any]) -> Iterator[FakeUrl]:
    """Serve documents by path; an integer is a bare status, anything else 200 with its JSON."""
    headers: list[dict[str, str]] = []
    queries: list[list[tuple[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            headers.append({name.lower(): value for name, value in self.headers.items()})
            queries.append(parse_qsl(parts.query))
            answer = documents.get(parts.path, 404)
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b"" if isinstance(answer, int) else json.dumps(answer).encode())

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = FakeUrl(f"http://127.0.0.1:{server.server_port}")
    url.headers, url.queries = headers, queries
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
