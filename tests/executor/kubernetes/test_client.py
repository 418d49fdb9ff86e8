"""The client against a server that plays tricks: who it is, what it believes, how long and how much it reads."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.executor import deadline
from gateway.executor.config_kubernetes import KubernetesIdentities, KubernetesIdentity, KubernetesScope
from gateway.executor.targets.kubernetes.bodies import PLAIN, Body
from gateway.executor.targets.kubernetes.calls import CallFailed
from gateway.executor.targets.kubernetes.client import Cluster, StatusError

pytestmark = pytest.mark.anyio
READER = KubernetesIdentity(service_account="ops/reader")
WRITER = KubernetesIdentity(impersonate="bob", groups=("dev", "night"))
OBJECT = Body(PLAIN, {"kind": "Pod"})
Answer = tuple[int, dict[str, str], bytes]


class Server:
    """Answers as told and writes down what it was asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, Any]] = []
        self.tokens = 0
        self.given = 201
        """Status with which a token is answered."""
        self.answer: Callable[[str, str, Any], Answer] = lambda *_: (200, {}, b'{"kind": "Pod"}')
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def who(self) -> list[str]:
        return [headers["Authorization"] for _, path, headers in self.seen if not path.endswith("/token")]

    def _handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805  # the handler has its own self
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _do(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.seen.append((self.command, self.path, self.headers))
                if self.path.endswith("/token"):
                    server.tokens += 1
                    made = {"status": {"token": f"t{server.tokens}"}, "spec": {"expirationSeconds": 600}}
                    status, headers, data = server.given, {}, json.dumps(made).encode()
                else:
                    status, headers, data = server.answer(self.command, self.path, self.headers)
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(data))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815  # the names http.server calls

            def log_message(self, *_: object) -> None: ...

        return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def scope(server: Server, tmp_path: Path) -> KubernetesScope:
    for name in ("token", "ca.crt"):
        (tmp_path / name).write_text("boot")
        (tmp_path / name).chmod(0o600)
    who = KubernetesIdentities(READER, WRITER)
    return KubernetesScope(server.url, tmp_path / "ca.crt", tmp_path / "token", identities=who)


async def failed(cluster: Cluster, method: str = "GET", body: Body | None = None) -> tuple[str, bool]:
    with pytest.raises(CallFailed) as caught:
        await cluster.call(method, "/api/v1/pods", body=body)
    return caught.value.code, caught.value.sent


def asleep_until(awake: threading.Event) -> Callable[[str, str, Any], Answer]:
    def answer(*_: object) -> Answer:
        awake.wait(5)
        return 200, {}, b"{}"

    return answer


async def test_a_read_is_made_with_a_short_token_that_is_kept(server: Server, scope: KubernetesScope) -> None:
    cluster = Cluster(scope)
    for _ in range(3):
        await cluster.call("GET", "/api/v1/pods")
    assert server.tokens == 1
    assert server.seen[0][:2] == ("POST", "/api/v1/namespaces/ops/serviceaccounts/reader/token")
    assert server.seen[0][2]["Authorization"] == "Bearer boot"
    assert server.who() == ["Bearer t1"] * 3


async def test_a_token_that_is_refused_is_replaced_once(server: Server, scope: KubernetesScope) -> None:
    def only(good: str) -> Callable[[str, str, Any], Answer]:
        return lambda _, __, headers: (200 if headers["Authorization"] == good else 401, {}, b"{}")

    cluster = Cluster(scope)
    server.answer = only("Bearer t2")
    assert (await cluster.call("GET", "/api/v1/pods")).status == 200
    server.answer = only("Bearer nobody")
    assert (await cluster.call("GET", "/api/v1/pods")).status == 401
    assert server.tokens == 3


async def test_a_write_is_made_by_impersonation_with_every_group(server: Server, scope: KubernetesScope) -> None:
    await Cluster(scope).call("POST", "/api/v1/pods", body=OBJECT)
    headers = server.seen[0][2]
    assert (headers["Authorization"], headers["Impersonate-User"]) == ("Bearer boot", "bob")
    assert headers.get_all("Impersonate-Group") == ["dev", "night"]


async def test_a_namespace_has_its_own_identity(server: Server, scope: KubernetesScope) -> None:
    shop = {"shop": KubernetesIdentities(KubernetesIdentity(impersonate="shopkeeper"))}
    cluster = Cluster(replace(scope, namespaces=shop))
    await cluster.call("GET", "/api/v1/namespaces/shop/pods/a")
    await cluster.call("GET", "/api/v1/namespaces/other/pods/a")
    await cluster.call("GET", "/api/v1/namespaces/shop")
    asked = [headers["Impersonate-User"] for _, path, headers in server.seen if not path.endswith("/token")]
    assert asked == ["shopkeeper", None, None]


async def test_a_scope_without_an_identity_that_writes_only_reads(server: Server, scope: KubernetesScope) -> None:
    cluster = Cluster(replace(scope, identities=KubernetesIdentities(READER)))
    assert await failed(cluster, "PATCH", OBJECT) == ("K8S_NO_WRITE_IDENTITY", False)
    assert server.seen == []


async def test_the_bootstrap_token_is_read_again_when_its_file_changes(server: Server, scope: KubernetesScope) -> None:
    cluster = Cluster(replace(scope, identities=KubernetesIdentities(KubernetesIdentity())))
    await cluster.call("GET", "/api/v1/pods")
    assert scope.token_file is not None
    scope.token_file.write_text("newer\n")
    await cluster.call("GET", "/api/v1/pods")
    assert server.who() == ["Bearer boot", "Bearer newer"]


async def test_a_token_file_that_others_may_read_is_not_used(server: Server, scope: KubernetesScope) -> None:
    assert scope.token_file is not None
    scope.token_file.chmod(0o644)
    assert await failed(Cluster(scope)) == ("K8S_CREDENTIAL_FILE", False)
    assert server.seen == []


async def test_nothing_comes_from_the_environment(
    server: Server, scope: KubernetesScope, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    assert (await Cluster(scope).call("GET", "/api/v1/pods")).status == 200
    assert len(server.seen) == 2


async def test_a_redirect_is_not_followed(server: Server, scope: KubernetesScope) -> None:
    server.answer = lambda *_: (307, {"Location": f"{server.url}/elsewhere"}, b"")
    assert await failed(Cluster(scope)) == ("K8S_REDIRECT", True)
    assert [path for _, path, _ in server.seen if "elsewhere" in path] == []


async def test_an_answer_that_is_too_long_is_not_read_to_its_end(server: Server, scope: KubernetesScope) -> None:
    server.answer = lambda *_: (200, {}, b"x" * 300_000)
    assert await failed(Cluster(replace(scope, response_bytes=100_000))) == ("K8S_RESPONSE_TOO_LARGE", True)


async def test_every_status_is_a_value(server: Server, scope: KubernetesScope) -> None:
    cluster = Cluster(scope)
    for status in (200, 404, 409, 422, 429, 500, 503):
        server.answer = lambda *_, status=status: (status, {"Retry-After": "1"}, b'{"reason": "X"}')
        assert (await cluster.call("PATCH", "/api/v1/pods", body=OBJECT)).status == status


async def test_an_answer_that_is_not_json_is_a_fault(server: Server, scope: KubernetesScope) -> None:
    server.answer = lambda *_: (200, {}, b"<html>")
    assert await failed(Cluster(scope)) == ("K8S_ANSWER_MALFORMED", True)


async def test_a_server_that_is_away_was_not_asked(scope: KubernetesScope) -> None:
    cluster = Cluster(replace(scope, server="http://127.0.0.1:1"))
    assert await failed(cluster, "POST", OBJECT) == ("TARGET_UNREACHABLE", False)


async def test_a_server_that_does_not_answer_may_have_done_it(server: Server, scope: KubernetesScope) -> None:
    asleep = threading.Event()
    server.answer = lambda *_: ((asleep.wait(5) and 200) or 200, {}, b"{}")
    cluster = Cluster(replace(scope, request_timeout_s=1))
    assert await failed(cluster, "POST", OBJECT) == ("TARGET_TIMEOUT", True)
    asleep.set()


async def test_no_request_outlives_the_deadline_of_the_work(server: Server, scope: KubernetesScope) -> None:
    asleep = threading.Event()
    server.answer = lambda *_: ((asleep.wait(5) and 200) or 200, {}, b"{}")
    began = time.monotonic()
    with deadline.within(0.5):
        assert (await failed(Cluster(scope)))[0] == "TARGET_TIMEOUT"
    assert time.monotonic() - began < 4
    asleep.set()


async def test_a_change_is_not_begun_when_little_time_is_left(server: Server, scope: KubernetesScope) -> None:
    with deadline.within(1.0):
        assert await failed(Cluster(scope), "POST", OBJECT) == ("DEADLINE_TOO_NEAR", False)
    assert server.seen == []


async def test_a_token_that_is_not_given_is_a_refusal_and_nothing_was_done(
    server: Server, scope: KubernetesScope
) -> None:
    server.given = 403
    assert await failed(Cluster(scope)) == ("K8S_TOKEN_REFUSED", False)
    assert server.who() == []


async def test_a_stream_gives_what_comes_and_refuses_a_bad_status(server: Server, scope: KubernetesScope) -> None:
    cluster = Cluster(scope)
    server.answer = lambda *_: (200, {}, b"line\n" * 40_000)
    pieces = [piece async for piece in cluster.stream("/api/v1/namespaces/a/pods/b/log")]
    assert b"".join(pieces) == b"line\n" * 40_000
    assert len(pieces) > 1
    server.answer = lambda *_: (400, {}, b'{"message": "no such container"}')
    with pytest.raises(StatusError) as caught:
        assert [piece async for piece in cluster.stream("/api/v1/namespaces/a/pods/b/log")] == []
    assert caught.value.answer.status == 400
