"""Messages to people as signed webhooks (standardwebhooks.com), to one configured URL and nowhere else."""

import base64
import binascii
import hashlib
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import httpx2
from standardwebhooks import Webhook

from gateway.core.canonical import Json, canonical
from gateway.errors import ConfigFault, DeliveryFault
from gateway.plugins import Settings, checked
from gateway.ports import Clock
from gateway.private_files import read_private

TIMEOUT_S = 5.0
_PREFIX = "whsec_"
_LEAST_SECRET_BYTES = 24
_DELIVERED = range(200, 300)


class WebhookNotifier:
    """Posts each message as JSON; any 2xx is delivery, everything else (a redirect too) is tried again."""

    def __init__(self, name: str, url: str, secret: bytes, clock: Clock, timeout_s: float = TIMEOUT_S) -> None:
        """Take the shared secret as bytes; raises ConfigFault for a URL that would leave this machine in the clear."""
        self.name = name
        self._url = _safe(name, url)
        self._signer = Webhook(secret)
        self._clock = clock
        self._timeout_s = timeout_s
        self._tls = ssl.create_default_context()

    async def notify(self, message: Mapping[str, Json]) -> None:
        """Deliver one message; a repetition carries the same `webhook-id`, so that receivers can drop it."""
        body = canonical(message)
        headers = self._headers(body)
        # No environment: a proxy or netrc there must not see or sign what we send.
        client = httpx2.AsyncClient(verify=self._tls, timeout=self._timeout_s, follow_redirects=False, trust_env=False)
        try:
            async with client, client.stream("POST", self._url, content=body, headers=headers) as response:
                status = response.status_code
        except httpx2.HTTPError as exc:
            text = f"{self.name} could not be reached: {type(exc).__name__}"
            raise DeliveryFault("WEBHOOK_UNREACHABLE", text, name=self.name) from exc
        if status not in _DELIVERED:
            raise DeliveryFault("WEBHOOK_REFUSED", f"{self.name} answered {status}", name=self.name, status=status)

    def _headers(self, body: bytes) -> dict[str, str]:
        msg_id = "msg_" + hashlib.sha256(body).hexdigest()[:32]
        at = datetime.fromtimestamp(self._clock.now_ms() // 1_000, UTC)
        return {
            "content-type": "application/json",
            "webhook-id": msg_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signer.sign(msg_id, at, body.decode()),
        }


def from_settings(name: str, settings: Settings, clock: Clock) -> WebhookNotifier:
    """Build from {url, secret_file, timeout_s?}; the file (mode 0600) holds `whsec_<base64>`; raises ConfigFault."""
    found = checked(name, settings, {"url": str, "secret_file": str}, {"timeout_s": float})
    secret = _secret(name, read_private(Path(found["secret_file"])))
    return WebhookNotifier(name, found["url"], secret, clock, found.get("timeout_s", TIMEOUT_S))


def _secret(name: str, text: bytes) -> bytes:
    word = text.decode("ascii", "replace").strip()
    try:
        secret = base64.b64decode(word.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not word.startswith(_PREFIX) or len(secret) < _LEAST_SECRET_BYTES:
        text_ = f"the secret of {name} must be {_PREFIX}<base64 of {_LEAST_SECRET_BYTES} bytes or more>"
        raise ConfigFault("WEBHOOK_SECRET", text_, name=name)
    return secret


def _safe(name: str, url: str) -> str:
    """Return the URL if it is https, or http on the loopback interface, and carries no password."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as exc:
        raise ConfigFault("WEBHOOK_URL", f"the url of {name} is malformed", name=name) from exc
    private = parsed.scheme == "https" or (parsed.scheme == "http" and _is_loopback(parsed.host))
    if not private or not parsed.host or parsed.userinfo:
        text = f"the url of {name} must be https (http on loopback only), without user or password"
        raise ConfigFault("WEBHOOK_URL", text, name=name)
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
