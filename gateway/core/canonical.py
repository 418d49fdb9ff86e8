"""Canonical JSON bytes and digests (RFC 8785)."""

import gc
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from types import MappingProxyType
from typing import Any, cast

import orjson
import rfc8785

# A JSON value whose containers may be frozen (tuples, mapping proxies).
Json = Any
_SAFE_INT = 2**53 - 1
_SCALARS = frozenset({str, int, bool, float, type(None)})
"""Types that need no look inside; asked first, because most of a document is of them."""
_PLAIN = _SCALARS - {float}
"""Types that orjson writes as RFC 8785 says, or refuses."""
_OBJECTS = frozenset({dict, MappingProxyType})
_CONTAINERS = _OBJECTS | {list, tuple}
_KNOWN = _PLAIN | _CONTAINERS
_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


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
            data = orjson.dumps(value, default=_unfrozen, option=_SORTED)
        except TypeError:
            data = b""  # a lone surrogate, an integer beyond 2^53 - 1, more than 254 levels: see the reference
        if data and (data.isascii() or _ascii_keys(value)):
            return data
    return rfc8785.dumps(thaw(value))


def digest(value: Json) -> str:
    """Return `sha256:<hex>` of the canonical bytes of a JSON value."""
    return digest_bytes(canonical(value))


def digest_bytes(data: bytes) -> str:
    """Return `sha256:<hex>` of bytes as they are."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def freeze(value: Json) -> Json:
    """Return a JSON value whose containers cannot be changed any more."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is dict or isinstance(value, Mapping):
        return MappingProxyType({str(k): freeze(v) for k, v in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(map(freeze, value))
    return value


def thaw(value: Json) -> Json:
    """Return a JSON value made of plain dicts and lists."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is dict or kind is MappingProxyType or isinstance(value, Mapping):
        return {k: thaw(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return list(map(thaw, value))
    return value


def loads_strict(data: bytes | str, *, parse_int: Callable[[str], int | float] = int) -> Json:
    """Parse JSON in UTF-8 and refuse duplicate keys, NaN and Infinity.

    Raises ValueError for all three, for other encodings and for malformed JSON; RecursionError is reported as
    ValueError.
    """
    try:
        text = data.decode() if isinstance(data, bytes) else data  # json.loads would guess UTF-16 and UTF-32
        return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_int=parse_int)
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
    """Tell whether orjson writes what RFC 8785 says, but for the order of keys beyond ASCII.

    It refuses integers beyond 2^53 - 1 and lone surrogates itself. This runs over every document of every decision, so
    it goes level by level; what the collector follows from a container is all that is in it, found without byte code.
    """
    level = [value]
    while level:
        kinds = {*map(type, level)}
        if not kinds <= _KNOWN and not all(issubclass(kind, str) for kind in kinds - _KNOWN):
            return False  # but a member of a StrEnum is written as text
        level = gc.get_referents(*compress(level, map(_CONTAINERS.__contains__, map(type, level))))
    return True


def _ascii_keys(value: Json) -> bool:
    """Tell whether all keys of a value that orjson wrote are ASCII: UTF-8 and UTF-16 sort them alike."""
    waiting = [value]
    for item in waiting:  # grows while it is walked
        kind = type(item)
        if kind in _OBJECTS:
            if not "".join(item).isascii():
                return False
            waiting.extend(item.values())
        elif kind in _CONTAINERS:
            waiting.extend(item)
    return True


def _unfrozen(value: Json) -> Json:
    if isinstance(value, MappingProxyType):
        return dict(cast("Mapping[str, Json]", value))
    raise TypeError(f"{type(value).__name__} is not JSON")
