"""One cluster's API with the executor's credentials: requests by path, answers as values, raw bytes where they do.

    answer = await cluster.call("PATCH", path, query={"dryRun": "All"}, body=Body(MERGE, {...}))  # Answer(status, body)
    reply = await cluster.fetch(path, query=[("limit", "500")], accept=TABLE)                     # Reply(status, data)

Every status is a value, redirects and faults of the wire are CallFailed, whose `sent` tells whether the request may
have been carried out. No request outlives the deadline of the work; a change with little time left is not begun.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from urllib.parse import urlencode

import orjson

from gateway.core.canonical import Json, thaw
from gateway.executor.config_kubernetes import KubernetesIdentity, KubernetesScope
from gateway.executor.deadline import left_s
from gateway.executor.targets.kubernetes.bodies import PLAIN, Body
from gateway.executor.targets.kubernetes.calls import Answer, CallFailed
from gateway.executor.targets.kubernetes.credentials import Credentials, IdentityClass, Login, secret_text, state_of
from gateway.executor.targets.kubernetes.wire import Flow, Headers, Limits, Reply, Request, Wire

Query = Mapping[str, str] | Iterable[tuple[str, str]]
AGENT = "countermand-executor"
MIN_WRITE_S = 2.0
"""A change is not begun when less time is left: its answer would hardly be heard."""
_OK = 200
_UNAUTHORIZED = 401


class Cluster:
    """One API server; connections are kept and shared by all calls."""

    def __init__(self, scope: KubernetesScope) -> None:
        self.scope = scope
        self._credentials = Credentials(scope, self._send_as)
        self._wires: dict[bool, tuple[str, Wire]] = {}
        self._lock = threading.Lock()

    async def call(
        self, method: str, path: str, *, query: Query | None = None, body: Body | None = None,
        identity: IdentityClass | None = None,
    ) -> Answer:  # fmt: skip
        """Send one request and return its status and JSON; raises CallFailed when there is no answer.

        GET is made as the identity that reads and everything else as the one that writes, unless `identity` says it.
        """
        reply = await self._run(method, path, query, PLAIN, body, identity)
        return Answer(reply.status, _json(reply))

    async def fetch(
        self, path: str, *, query: Query | None = None, accept: str = PLAIN, identity: IdentityClass = "read"
    ) -> Reply:
        """Read a path and return the bytes of the answer as they came; raises CallFailed."""
        return await self._run("GET", path, query, accept, None, identity)

    async def stream(
        self, path: str, *, query: Query | None = None, accept: str = "*/*", seconds: float | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes of a long answer as they come, for some seconds at most.

        Raises CallFailed, and StatusError for a bad status.
        """
        limits = self._limits(write=False, seconds=seconds)
        flow = await asyncio.to_thread(self._open, path, query, accept, limits)
        try:
            if flow.status != _OK:
                data = await asyncio.to_thread(b"".join, flow.pieces)
                raise StatusError(Answer(flow.status, _json(Reply(flow.status, PLAIN, data))))
            while piece := await asyncio.to_thread(next, flow.pieces, b""):
                yield piece
        finally:
            flow.close()

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for _, wire in self._wires.values():
                wire.close()
            self._wires.clear()

    async def _run(
        self, method: str, path: str, query: Query | None, accept: str, body: Body | None,
        identity: IdentityClass | None,
    ) -> Reply:  # fmt: skip
        read = method == "GET"
        limits = self._limits(write=not read)
        headers: Headers = (("Accept", accept), ("User-Agent", AGENT))
        data = None
        if body is not None:
            headers = (*headers, ("Content-Type", body.content_type))
            data = orjson.dumps(thaw(body.body))
        request = Request(method, _target(path, query), headers, data, read=read)
        who = self._credentials.identity(identity or ("read" if read else "write"), _namespace(path))
        return await asyncio.to_thread(self._as, who, lambda login: self._send_as(request, login, limits))

    def _open(self, path: str, query: Query | None, accept: str, limits: Limits) -> Flow:
        headers: Headers = (("Accept", accept), ("User-Agent", AGENT))
        who = self._credentials.identity("read", _namespace(path))
        request = Request("GET", _target(path, query), headers, read=True)
        login = self._credentials.login(who)
        return self._wire(login).stream(_signed(request, login), limits)

    def _as(self, who: KubernetesIdentity, ask: Callable[[Login], Reply]) -> Reply:
        """Ask as an identity; a token that is refused is replaced once. A 401 comes before anything is done."""
        reply = ask(self._credentials.login(who))
        if reply.status == _UNAUTHORIZED and self._credentials.forget(who):
            reply = ask(self._credentials.login(who))
        return reply

    def _send_as(self, request: Request, login: Login, limits: Limits | None = None) -> Reply:
        return self._wire(login).send(_signed(request, login), limits or self._limits(write=False))

    def _wire(self, login: Login) -> Wire:
        """Return the connections that show the bootstrap's certificate, or those that show none."""
        scope, certificate = self.scope, login.certificate and self.scope.client_cert_file is not None
        files = (scope.ca_file, scope.client_cert_file, scope.client_key_file) if certificate else (scope.ca_file,)
        state = state_of(*files)
        with self._lock:
            kept = self._wires.get(certificate)
            if kept is None or kept[0] != state:
                if certificate and scope.client_key_file is not None:
                    secret_text(scope.client_key_file)
                wire = Wire(scope.server, *files)
                self._wires[certificate] = kept = (state, wire)
            return kept[1]

    def _limits(self, *, write: bool, seconds: float | None = None) -> Limits:
        """Return what is left for one request; `seconds` is how long it may take if not as long as any other."""
        left = left_s()
        if left < (MIN_WRITE_S if write else 0.0):
            raise CallFailed("DEADLINE_TOO_NEAR", "a call could outlive the deadline of the work", sent=False)
        scope = self.scope
        total = scope.request_timeout_s if seconds is None else seconds
        return Limits(scope.connect_timeout_s, min(total, left), scope.response_bytes)


class StatusError(Exception):
    """A stream was refused; `answer` says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer


def _signed(request: Request, login: Login) -> Request:
    return Request(request.method, request.target, (*request.headers, *login.headers), request.body, request.read)


def _target(path: str, query: Query | None) -> str:
    pairs = list(query.items() if isinstance(query, Mapping) else query or ())
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _namespace(path: str) -> str | None:
    """Return the namespace that a path is about."""
    _, found, rest = path.partition("/namespaces/")
    return rest.partition("/")[0] if found and "/" in rest else None


def _json(reply: Reply) -> Json:
    """Return the document of an answer; text that is none stands for itself."""
    try:
        return orjson.loads(reply.data)
    except ValueError as exc:
        if reply.status < 300:
            raise CallFailed("K8S_ANSWER_MALFORMED", "the API server's answer is not JSON", sent=True) from exc
        return reply.data.decode("utf-8", "replace")[:500]
