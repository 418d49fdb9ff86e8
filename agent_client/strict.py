"""Read JSON that others wrote: every surprise is a ValueError that names the member."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any


def loads_strict(data: bytes | str) -> Any:
    """Parse JSON and refuse duplicate keys; raises ValueError."""
    try:
        return json.loads(data, object_pairs_hook=_no_duplicates)
    except RecursionError as exc:
        raise ValueError("JSON is nested too deeply") from exc


def from_base64(encoded: str) -> bytes:
    """Return the bytes of standard base64; raises ValueError for any other spelling of them."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ValueError("not base64") from exc
    if base64.b64encode(data).decode() != encoded:
        raise ValueError("not canonical base64")
    return data


def from_base64_url(encoded: str) -> bytes:
    """Return the bytes of URL-safe base64 without padding (RFC 7515); raises ValueError for any other spelling."""
    if set("+/=") & set(encoded):
        raise ValueError("not URL-safe base64")
    return from_base64(encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4))


def member(holder: Any, name: str) -> Any:
    """Return a member of an object; raises ValueError when there is none."""
    if not isinstance(holder, Mapping) or name not in holder:
        raise ValueError(f"`{name}` is missing")
    return holder[name]


def text(holder: Any, name: str) -> str:
    """Return a member that is a string; raises ValueError."""
    value = member(holder, name)
    if not isinstance(value, str):
        raise ValueError(f"`{name}` is not a string")  # noqa: TRY004 -- one error type for malformed JSON
    return value


def integer(holder: Any, name: str) -> int:
    """Return a member that is an integer; raises ValueError."""
    value = member(holder, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"`{name}` is not an integer")  # noqa: TRY004 -- see text
    return value


def sequence(holder: Any, name: str) -> Sequence[Any]:
    """Return a member that is an array; raises ValueError."""
    value = member(holder, name)
    if not isinstance(value, list):
        raise ValueError(f"`{name}` is not an array")  # noqa: TRY004 -- see text
    return value


def _no_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key occurs twice")
    return result
