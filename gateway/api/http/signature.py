"""Signed webhooks, after the Standard Webhooks specification (symmetric signatures, `v1`).

The sender shares a secret `whsec_<base64 of 24 to 64 bytes>` and sends three headers:

    webhook-id: msg_…                     unique per message, the same when it is sent again
    webhook-timestamp: 1764000000         Unix seconds
    webhook-signature: v1,<base64 of HMAC-SHA256(secret, "<id>.<timestamp>.<body>")> [v1,…]

Why this form: it binds the time and an id to the body, it rotates (several signatures, several secrets), and
senders have ready libraries for it. Alertmanager itself cannot sign; a relay beside it does.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.errors import ConfigFault, Unauthenticated

WINDOW_S: Final = 300
PREFIX: Final = "whsec_"
MIN_SECRET_BYTES: Final = 24
_MAX_ID: Final = 128
_SECONDS: Final = re.compile(r"[0-9]{1,12}")
# A secret in rotation needs two.
_MAX_SIGNATURES: Final = 8


@dataclass(frozen=True, slots=True)
class Signed:
    """A message whose signature holds."""

    id: str
    at_s: int


def parse_secret(text: str) -> bytes:
    """Return the key of a `whsec_…` secret; raises ConfigFault when it is none or too short."""
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error as exc:
        raise _bad_secret() from exc
    if not text.startswith(PREFIX) or len(key) < MIN_SECRET_BYTES:
        raise _bad_secret()
    return key


def check(secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_s: float) -> Signed:
    """Return the id and time of a signed message; raises Unauthenticated with the first check that fails.

    `headers` has lower-case names.
    """
    # 1. The three headers are there.
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    message_id, timestamp, signatures = (headers.get(name, "") for name in names)
    if not message_id or not timestamp or not signatures or len(message_id) > _MAX_ID:
        raise _refused("WEBHOOK_UNSIGNED", f"`{', '.join(names)}` are needed")
    # 2. A signature over exactly these bytes, by one of our secrets.
    signed = f"{message_id}.{timestamp}.".encode() + body
    given = [s.partition(",") for s in signatures.split(" ")[:_MAX_SIGNATURES]]
    expected = [base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()) for secret in secrets]
    good = [hmac.compare_digest(e, sig.encode()) for version, _, sig in given if version == "v1" for e in expected]
    if not any(good):
        raise _refused("WEBHOOK_SIGNATURE", "no signature matches")
    # 3. The time, now that it is known to be the sender's, is near ours.
    if not _SECONDS.fullmatch(timestamp) or abs(int(timestamp) - now_s) > WINDOW_S:
        raise _refused("WEBHOOK_TIME", f"the timestamp is more than {WINDOW_S} s from the gateway's clock")
    return Signed(message_id, int(timestamp))


def _refused(code: str, message: str) -> Unauthenticated:
    return Unauthenticated(code, message, remedy="sign the body as Standard Webhooks v1 with the shared secret")


def _bad_secret() -> ConfigFault:
    return ConfigFault(
        "WEBHOOK_SECRET_INVALID",
        f"a webhook secret is `{PREFIX}` and the base64 of at least {MIN_SECRET_BYTES} bytes",
        remedy="generate one with `openssl rand -base64 32`",
    )
