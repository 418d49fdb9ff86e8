"""A loopback proxy in front of the real API server that does wrong what a test tells it to."""

import http.client
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.fixtures_k8s import Cluster

REASONS = {
    401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 422: "Invalid", 429: "TooManyRequests",
    500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout",
}  # fmt: skip


@dataclass
class Fault:
    """What happens to requests that match; dry runs never do, except where `dry` says so."""

    method: str
    path: str
    """Searched in the path."""
    status: int = 0
    """Answered; 0 leaves the server's own answer."""
    forward: bool = False
    """The request reaches the server, whatever is answered."""
    drop: bool = False
    """The connection is closed in place of an answer."""
    hold_s: float = 0.0
    """How long the answer is kept back."""
    first: Callable[[], object] = lambda: None
    """Done before the request is looked at."""
    times: int = 1_000
    skip: int = 0
    """So many matching requests pass before."""
    seen: int = field(default=0, init=False)

    def takes(self, method: str, target: str, body: bytes) -> bool:
        dry = "dryRun=All" in target or b'"dryRun"' in body
        if method != self.method or dry or not re.search(self.path, urlsplit(target).path):
            return False
        self.seen += 1
        return self.skip < self.seen <= self.skip + self.times


class Proxy:
    """The proxy; `faults` may be changed while it runs."""

    def __init__(self, cluster: Cluster) -> None:
        self.faults: list[Fault] = []
        self.down = False
        self.lock = threading.Lock()
        self.server = urlsplit(cluster.server).netloc
        self.context = ssl.create_default_context(cafile=cluster.ca)
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def fault_of(self, method: str, target: str, body: bytes) -> Fault | None:
        with self.lock:
            return next((each for each in self.faults if each.takes(method, target, body)), None)

    def serve(self) -> None:
        self._http.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def proxied(cluster: Cluster, *faults: Fault) -> Iterator[Proxy]:
    """Run a proxy with some faults."""
    proxy = Proxy(cluster)
    proxy.faults += faults
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.proxy.down:
            self.close_connection = True
            return
        fault = self.proxy.fault_of(self.command, self.path, body)
        if fault is None:
            self._tell(*self._forward(body))
            return
        fault.first()
        status, data = 0, b""
        if fault.forward or not (fault.status or fault.drop or fault.hold_s):
            status, data = self._forward(body)
        if fault.hold_s:
            time.sleep(fault.hold_s)
        if fault.drop:
            self.close_connection = True
            return
        if fault.status:
            status, data = fault.status, json.dumps(failure(fault.status)).encode()
        with suppress(OSError):
            self._tell(status or 504, data or json.dumps(failure(504)).encode())

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        line = http.client.HTTPSConnection(self.proxy.server, timeout=20, context=self.proxy.context)
        try:
            headers = {name: value for name, value in self.headers.items() if name not in {"Host", "Connection"}}
            line.request(self.command, self.path, body or None, headers)
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()

    def _tell(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None: ...

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815  # names of http.server


def failure(status: int) -> dict[str, Any]:
    """Return a Status as the API server writes it."""
    return {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": status,
        "reason": REASONS[status], "message": f"the proxy answers {status}",
    }  # fmt: skip
