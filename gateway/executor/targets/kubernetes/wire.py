"""HTTP to one API server: TLS, connections that are kept, deadlines and sizes; it knows nothing of Kubernetes' objects.

The TLS layer is that of the `kubernetes` package. Its own configuration is filled here, with nothing from the
environment: no proxies, no kubeconfig, no redirects.
"""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from kubernetes.client.configuration import Configuration
from kubernetes.client.rest import RESTClientObject
from urllib3 import HTTPHeaderDict
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError, SSLError

from gateway.executor.targets.kubernetes.calls import CallFailed

_NOT_SENT = (NewConnectionError, ConnectTimeoutError)
_PIECE = 65_536
_CONNECTIONS = 16
_REDIRECT = range(300, 400)
Headers = tuple[tuple[str, str], ...]
"""Names may repeat: each group of an impersonation is a header of its own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one request may take, and how large its answer may be."""

    connect_s: float
    total_s: float
    """From the first byte sent to the last byte read."""
    size: int


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `target` is path and query."""

    method: str
    target: str
    headers: Headers
    body: bytes | None = None
    read: bool = False
    """It changes nothing: a kept connection that turns out to be closed is not a lost request."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    content_type: str
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flow:
    """An answer that is still coming; its pieces raise CallFailed."""

    status: int
    pieces: Iterator[bytes]
    close: Callable[[], None]


class Wire:
    """Kept connections to one server, with one client certificate or none."""

    def __init__(self, server: str, ca_file: Path, cert: Path | None = None, key: Path | None = None) -> None:
        self._server = server
        settings = Configuration(
            host=server,
            ssl_ca_cert=str(ca_file),
            cert_file=str(cert) if cert else None,
            key_file=str(key) if key else None,
            connection_pool_maxsize=_CONNECTIONS,
            proxy="", no_proxy="*",
        )  # fmt: skip
        self._rest = RESTClientObject(settings)

    def send(self, request: Request, limits: Limits) -> Reply:
        """Send a request and read its answer whole. Raises CallFailed."""
        until = time.monotonic() + limits.total_s
        response = self._begin(request, limits)
        try:
            data = b"".join(self._pieces(response, limits.size, until))
        finally:
            response.release_conn()
        return Reply(response.status, response.headers.get("Content-Type", ""), data, dict(response.headers))

    def stream(self, request: Request, limits: Limits) -> Flow:
        """Send a read and return its answer while it comes. Raises CallFailed."""
        until = time.monotonic() + limits.total_s
        response = self._begin(request, limits)
        return Flow(response.status, self._pieces(response, limits.size, until), lambda: _hang_up(response))

    def close(self) -> None:
        """Close all connections."""
        self._rest.close()

    def _begin(self, request: Request, limits: Limits) -> Any:
        tries = 2 if request.read else 1
        while True:
            tries -= 1
            try:
                return self._open(request, limits)
            except CallFailed as exc:
                if not tries or exc.code != "TARGET_CONNECTION_LOST":
                    raise

    def _open(self, request: Request, limits: Limits) -> Any:
        timeout = urllib3.Timeout(connect=min(limits.connect_s, limits.total_s), read=limits.total_s)
        try:
            response = self._rest.pool_manager.urlopen(
                request.method, self._server + request.target, redirect=False, retries=False, preload_content=False,
                body=request.body, headers=HTTPHeaderDict(request.headers), timeout=timeout,
            )  # fmt: skip
        except (HTTPError, OSError) as exc:
            raise _failed(exc) from exc
        if response.status in _REDIRECT:
            response.close()
            raise CallFailed(
                "K8S_REDIRECT", "the API server answered with a redirect, which is not followed", sent=True
            )
        return response

    def _pieces(self, response: Any, size: int, until: float) -> Iterator[bytes]:
        left = size
        while True:
            try:
                piece = response.read1(_PIECE)
            except (HTTPError, OSError) as exc:
                response.close()
                raise _failed(exc, sent=True) from exc
            if not piece:
                return
            left -= len(piece)
            if left < 0:
                response.close()
                raise CallFailed("K8S_RESPONSE_TOO_LARGE", f"the answer is longer than {size} bytes", sent=True)
            if time.monotonic() > until:
                response.close()
                raise CallFailed("TARGET_TIMEOUT", "the answer did not come in time", sent=True)
            yield piece


def _hang_up(response: Any) -> None:
    """Close a response that another thread may be reading: it wakes up at the end of the connection first."""
    sock = getattr(response.connection, "sock", None)
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
    response.close()


def _failed(exc: Exception, *, sent: bool = False) -> CallFailed:
    """Return what a fault of the connection means; the texts of faults may hold addresses only."""
    if isinstance(exc, _NOT_SENT) and not sent:
        return CallFailed("TARGET_UNREACHABLE", f"the API server cannot be reached: {type(exc).__name__}", sent=False)
    if isinstance(exc, SSLError):
        verified = "CERTIFICATE_VERIFY_FAILED" in str(exc)
        return CallFailed(
            "K8S_TLS", "the API server's certificate is not the configured one", sent=sent or not verified
        )
    if isinstance(exc, ReadTimeoutError | TimeoutError):
        return CallFailed("TARGET_TIMEOUT", "the API server did not answer in time", sent=True)
    return CallFailed("TARGET_CONNECTION_LOST", f"the connection broke: {type(exc).__name__}", sent=True)
