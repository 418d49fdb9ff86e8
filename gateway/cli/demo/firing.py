"""One signed webhook, as Alertmanager sends it when an alert fires."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx2
from standardwebhooks import Webhook

from gateway.cli.demo.process import DemoFault


def fire(gateway: str, secret: bytes, labels: Mapping[str, str], summary: str) -> None:
    """Post the signed webhook of Alertmanager; raises DemoFault when the gateway refuses it."""
    now = datetime.now(UTC)
    print_of = hashlib.sha256(json.dumps(dict(labels), sort_keys=True).encode()).hexdigest()[:16]
    body = json.dumps({
        "version": "4", "status": "firing", "receiver": "countermand", "groupLabels": {}, "commonLabels": dict(labels),
        "alerts": [{
            "status": "firing", "labels": dict(labels), "annotations": {"summary": summary},
            "startsAt": now.isoformat(), "fingerprint": print_of,
        }],
    })  # fmt: skip
    name = f"msg_{hashlib.sha256(body.encode()).hexdigest()[:24]}"
    headers = {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, now, body),
    }
    url = f"{gateway}/v1/webhooks/alertmanager"
    answer = httpx2.post(url, content=body, headers=headers, timeout=5, trust_env=False)
    if answer.status_code != httpx2.codes.OK:
        raise DemoFault(f"the gateway refused the alert: {answer.status_code} {answer.text}")
