"""Webhooks as Alertmanager and a signing relay send them."""

import base64
import hashlib
import hmac
import json
from typing import Any

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()


def alert(fingerprint: str, **members: Any) -> dict[str, Any]:
    """Return one alert of a group."""
    return {
        "status": "firing",
        "labels": {"alertname": "PoolExhausted", "db": "orders"},
        "annotations": {"summary": "orders has no free connections"},
        "startsAt": "2025-11-24T15:59:00.000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.test/graph",
        "fingerprint": fingerprint,
    } | members


def body(*alerts: dict[str, Any]) -> bytes:
    """Return a webhook body, payload version 4."""
    return json.dumps(
        {
            "version": "4",
            "groupKey": "{}",
            "truncatedAlerts": 0,
            "status": "firing",
            "receiver": "countermand",
            "groupLabels": {},
            "commonLabels": {},
            "commonAnnotations": {},
            "externalURL": "http://alertmanager.test",
            "alerts": list(alerts),
        }
    ).encode()


def signed(
    data: bytes, at_ms: int, *, message_id: str = "msg_1", secret: str = SECRET, timestamp: str | None = None
) -> dict[str, str]:
    """Return the headers of a signed message."""
    seconds = str(at_ms // 1000) if timestamp is None else timestamp
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{message_id}.{seconds}.".encode() + data, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
