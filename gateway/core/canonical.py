"""Canonical JSON bytes and digests (RFC 8785)."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

import orjson
import rfc8785

# A JSON value whose containers may be frozen (tuples, mapping proxies).
Json = Any
_SAFE_INT = 2**53 - 1


def canonical(value: Json) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    orjson with sorted keys gives the same bytes for ASCII keys, strings, booleans, null and
    integers below 2^53 (measured against rfc8785 on random objects); everything else takes the
    reference implementation.

    Raises ValueError for what has no canonical form (NaN, lone surrogates, integers beyond 2^53 - 1: these travel as
    strings).
    """
    if _orjson_agrees(value):
        try:
            return orjson.dumps(value, default=_unfrozen, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            pass  # a lone surrogate or more than 254 levels: the reference says what to do
    return rfc8785.dumps(thaw(value))


def digest(value: Json) -> str:
    """Return `sha256:<hex>` of the canonical bytes of a JSON value."""
    return digest_bytes(canonical(value))


def digest_bytes(data: bytes) -> str:
    """Return `sha256:<hex>` of bytes as they are."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def freeze(value: Json) -> Json:
    """Return a JSON value whose containers cannot be changed any more."""
    if isinstance(value, Mapping):
        return MappingProxyType({str(k): freeze(v) for k, v in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(v) for v in value)
    return value


def thaw(value: Json) -> Json:
    """Return a JSON value made of plain dicts and lists."""
    if isinstance(value, Mapping):
        return {k: thaw(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [thaw(v) for v in value]
    return value


def loads_strict(data: bytes | str, *, parse_int: Callable[[str], int | float] = int) -> Json:
    """Parse JSON and refuse duplicate keys, NaN and Infinity.

    Raises ValueError for all three and for malformed JSON; RecursionError is reported as ValueError.
    """
    try:
        return json.loads(data, object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_int=parse_int)
    except RecursionError as exc:
        raise ValueError("JSON is nested too deeply") from exc


def double_beyond_safe(text: str) -> int | float:
    """Read an integer beyond 2^53 - 1 as the double that our own canonical bytes wrote so; a `parse_int`."""
    value = int(text)
    return value if -_SAFE_INT <= value <= _SAFE_INT else float(text)


def _no_duplicates(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    result: dict[str, Json] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"duplicate key {key!r}")
        result[key] = value
    return result


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _orjson_agrees(value: Json) -> bool:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return -_SAFE_INT <= cast("int", value) <= _SAFE_INT
    if kind is dict or kind is MappingProxyType:
        for key, member in value.items():
            if type(key) is not str or not key.isascii() or not _orjson_agrees(member):
                return False
        return True
    if kind is list or kind is tuple:
        return all(map(_orjson_agrees, value))
    return isinstance(value, str)  # a member of a StrEnum


def _unfrozen(value: Json) -> Json:
    if isinstance(value, MappingProxyType):
        return dict(cast("Mapping[str, Json]", value))
    raise TypeError(f"{type(value).__name__} is not JSON")
