"""The person on call: a receiver of signed messages, and the hands that deploy the way back."""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

_MAX_BODY = 1_048_576


class Pager:
    """Receives the notifier's webhooks on loopback; a message with a wrong signature is refused and not kept."""

    def __init__(self, secret: bytes) -> None:
        self._webhook = Webhook(secret)
        self._messages: list[Mapping[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    @property
    def url(self) -> str:
        """Return where to send messages."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/page"

    def messages(self) -> list[Mapping[str, Any]]:
        """Return what has arrived so far."""
        return list(self._messages)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def receive(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Check and keep one message; false when its signature is wrong."""
        try:
            self._webhook.verify(body, {k.lower(): v for k, v in headers.items()})
        except WebhookVerificationError:
            return False
        self._messages.append(json.loads(body))
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        pager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name that http.server calls
                """Answer one message."""
                length = min(int(self.headers.get("content-length", 0)), _MAX_BODY)
                kept = pager.receive(self.rfile.read(length), dict(self.headers.items()))
                self.send_response(204 if kept else 401)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the base class
                """Keep the transcript free of access logs."""

        return Handler
