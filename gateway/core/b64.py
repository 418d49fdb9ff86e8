"""Base64 with one spelling per value: another spelling of the same bytes is refused."""

import base64
import binascii


def encode(data: bytes) -> str:
    """Return standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def decode(text: str) -> bytes:
    """Read standard base64 with padding; raises ValueError for any other spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ValueError("not base64") from exc
    if encode(data) != text:
        raise ValueError("not canonical base64")
    return data


def encode_url(data: bytes) -> str:
    """Return URL-safe base64 without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_url(text: str) -> bytes:
    """Read URL-safe base64 without padding; raises ValueError for any other spelling."""
    if set("+/=") & set(text):
        raise ValueError("not URL-safe base64")
    return decode(text.translate({ord("-"): "+", ord("_"): "/"}) + "=" * (-len(text) % 4))
