"""Strict reading of members of foreign JSON: every surprise is a ValueError that names the member."""

import re
from collections.abc import Mapping, Sequence
from typing import cast

from gateway.core.canonical import Json

_HUGE = 1e300
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,62}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@/-]{0,126}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def members(
    value: Json, what: str, required: frozenset[str], optional: frozenset[str] = frozenset()
) -> Mapping[str, Json]:
    """Return an object that has every required member and no unknown one."""
    found = mapping(value, what)
    missing, unknown = required - found.keys(), found.keys() - required - optional
    if missing:
        raise ValueError(f"{what} lacks {min(missing)!r}")
    if unknown:
        raise ValueError(f"{what} has an unknown member {min(map(str, unknown))!r}")
    return found


def array(value: Json, what: str, limit: int) -> Sequence[Json]:
    """Return an array of at most `limit` elements."""
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{what} is not an array")  # noqa: TRY004  # one error type for malformed JSON
    if len(value) > limit:
        raise ValueError(f"{what} has more than {limit} elements")
    return cast("Sequence[Json]", value)


def integer(value: Json, what: str, low: int, high: int) -> int:
    """Return an integer within [low, high]; true and false are not integers."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{what} is not an integer from {low} to {high}")
    return value


def flag(value: Json, what: str) -> bool:
    """Return a boolean."""
    if not isinstance(value, bool):
        raise ValueError(f"{what} is not true or false")  # noqa: TRY004  # one error type for malformed JSON
    return value


def text(value: Json, what: str, limit: int = 1024) -> str:
    """Return a non-empty string of at most `limit` characters."""
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise ValueError(f"{what} is not a string of 1 to {limit} characters")
    return value


def word(value: Json, what: str) -> str:
    """Return a name: up to 127 letters, digits and `_.:@/-`."""
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise ValueError(f"{what} is not a name")
    return value


def code(value: Json, what: str) -> str:
    """Return a reason code: UPPER_SNAKE, 3 to 63 characters."""
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise ValueError(f"{what} is not a reason code")
    return value


def sha256(value: Json, what: str) -> str:
    """Return `sha256:<64 hex digits>`."""
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise ValueError(f"{what} is not a sha256 digest")
    return value


def mapping(value: Json, what: str) -> Mapping[str, Json]:
    """Return an object whose members are not looked at."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is not an object")  # noqa: TRY004  # one error type for malformed JSON
    return cast("Mapping[str, Json]", value)


def number(value: Json, what: str) -> float:
    """Return a finite number; true and false are not numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_HUGE <= value <= _HUGE:
        raise ValueError(f"{what} is not a number")
    return float(value)
