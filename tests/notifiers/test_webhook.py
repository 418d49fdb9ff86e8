import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.adapters.clock import SystemClock
from gateway.errors import ConfigFault, DeliveryFault
from gateway.notifiers import open_notifiers
from gateway.notifiers.webhook import WebhookNotifier
from tests.fakes.clock import VirtualClock

pytestmark = pytest.mark.anyio

SECRET = bytes(range(32))
MESSAGE = {"action": "act_1", "text": "ended 3 sessions – zürich"}


class Receiver:
    """A real HTTP server on loopback that keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 204
        self.headers: dict[str, str] = {}
        self.answering = threading.Event()
        self.answering.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                receiver.answering.wait(30)
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - the server finds it by this name

            def log_message(self, *_: Any) -> None:
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/on-call"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.answering.set()
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def notifier(url: str, timeout_s: float = 5.0) -> WebhookNotifier:
    return WebhookNotifier("on-call", url, SECRET, SystemClock(), timeout_s)


async def test_a_message_arrives_as_json_with_a_signature_that_receivers_can_check(receiver: Receiver) -> None:
    await notifier(receiver.url).notify(MESSAGE)
    ((path, headers, body),) = receiver.got
    assert path == "/hooks/on-call"
    assert headers["content-type"] == "application/json"
    assert Webhook(SECRET).verify(body, headers) == MESSAGE
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"3", b"4"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(bytes(32)).verify(body, headers)


async def test_a_repetition_carries_the_same_id_and_another_message_another(receiver: Receiver) -> None:
    for message in (MESSAGE, dict(reversed(MESSAGE.items())), {**MESSAGE, "action": "act_2"}):
        await notifier(receiver.url).notify(message)
    first, again, other = (headers["webhook-id"] for _, headers, _ in receiver.got)
    assert first == again != other


async def test_the_time_of_the_signature_is_the_gateways(receiver: Receiver) -> None:
    await WebhookNotifier("on-call", receiver.url, SECRET, VirtualClock(start_ms=1_234_567)).notify(MESSAGE)
    assert receiver.got[0][1]["webhook-timestamp"] == "1234"


@pytest.mark.parametrize("status", [200, 202, 204, 299])
async def test_any_2xx_is_delivery(receiver: Receiver, status: int) -> None:
    receiver.status = status
    await notifier(receiver.url).notify(MESSAGE)


@pytest.mark.parametrize("status", [301, 400, 401, 410, 429, 500, 503])
async def test_any_other_answer_is_to_be_tried_again(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(DeliveryFault) as fault:
        await notifier(receiver.url).notify(MESSAGE)
    assert (fault.value.code, fault.value.args_["status"]) == ("WEBHOOK_REFUSED", status)


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 307, {"location": receiver.url + "/elsewhere"}
    with pytest.raises(DeliveryFault):
        await notifier(receiver.url).notify(MESSAGE)
    assert [path for path, _, _ in receiver.got] == ["/hooks/on-call"]


async def test_an_answer_that_does_not_come_in_time_is_to_be_tried_again(receiver: Receiver) -> None:
    receiver.answering.clear()
    with pytest.raises(DeliveryFault) as fault:
        await notifier(receiver.url, timeout_s=0.1).notify(MESSAGE)
    assert fault.value.code == "WEBHOOK_UNREACHABLE"


async def test_a_receiver_that_is_not_there_is_to_be_tried_again(receiver: Receiver) -> None:
    receiver.server.socket.close()
    with pytest.raises(DeliveryFault) as fault:
        await notifier(receiver.url).notify(MESSAGE)
    assert fault.value.code == "WEBHOOK_UNREACHABLE"


async def test_a_proxy_of_the_environment_is_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    await notifier(receiver.url).notify(MESSAGE)
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "http://10.0.0.1/x",
        "http://127.0.0.1.example/x",
        "https://user:pw@hooks.example/x",
        "file:///etc/passwd",
        "hooks.example/x",
        "https://",
        "",
        "https://[::1/x",
    ],
)
def test_a_url_that_would_carry_the_message_in_the_clear_or_nowhere_is_refused(url: str) -> None:
    with pytest.raises(ConfigFault) as fault:
        notifier(url)
    assert fault.value.code == "WEBHOOK_URL"


@pytest.mark.parametrize("url", ["https://hooks.example/x", "http://localhost:1/x", "http://[::1]:1/x"])
def test_https_and_loopback_are_accepted(url: str) -> None:
    assert notifier(url).name == "on-call"


def secret_file(folder: Path, text: str, mode: int = 0o600) -> str:
    path = folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


async def test_it_is_opened_by_name_from_the_configuration(receiver: Receiver, tmp_path: Path) -> None:
    secret = secret_file(tmp_path, "whsec_" + base64.b64encode(SECRET).decode() + "\n")
    settings = {"type": "webhook", "url": receiver.url, "secret_file": secret, "timeout_s": 2}
    (found,) = open_notifiers({"on-call": settings}, SystemClock())
    await found.notify(MESSAGE)
    assert found.name == "on-call"
    assert json.loads(receiver.got[0][2]) == MESSAGE
    Webhook(SECRET).verify(receiver.got[0][2], receiver.got[0][1])


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("whsec_" + "A" * 44, 0o644),
        ("A" * 44, 0o600),
        ("whsec_AAAA", 0o600),
        ("whsec_not base64 but long enough to be one", 0o600),
        ("", 0o600),
    ],
)
def test_a_secret_that_is_weak_malformed_or_public_is_refused(tmp_path: Path, text: str, mode: int) -> None:
    settings = {"url": "https://hooks.example/x", "secret_file": secret_file(tmp_path, text, mode)}
    with pytest.raises(ConfigFault) as fault:
        open_notifiers({"webhook": settings}, SystemClock())
    assert not text or text not in str(fault.value)


def test_a_notifier_that_is_enabled_and_missing_stops_the_start() -> None:
    with pytest.raises(ConfigFault) as fault:
        open_notifiers({"pigeon": {}}, SystemClock())
    assert fault.value.code == "PLUGIN_MISSING"
