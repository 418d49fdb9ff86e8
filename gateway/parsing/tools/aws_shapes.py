"""Values against botocore's shapes: every value in a step's params has been through `conform`.

Typed JSON and text end in the same canonical value: numbers without sign tricks, timestamps as UTC text,
integers beyond 2^53 as strings. A time without a zone is UTC here (clients would take the machine's own).
"""

import base64
import binascii
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from gateway.core.canonical import Json
from gateway.parsing.tables_aws import AwsService
from gateway.parsing.tools.refuse import RefusedError, refuse, show, some

Mode = Literal["typed", "json", "text"]
"""Where a value stands: in a typed step, in JSON on a command line, or as text (a plain argument or shorthand)."""
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?(?:[eE][+-]?[0-9]{1,3})?")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_SAFE = 2**53 - 1
_BITS = {"I": 31, "L": 63}
_MAX_DEPTH = 40


def conform(service: AwsService, reference: str, value: Json, member: str, *, mode: Mode, depth: int = 0) -> Json:
    """Return the canonical form of a value, or raise a refusal."""
    shape = service.shape(reference)
    kind = shape["t"]
    if depth > _MAX_DEPTH:
        raise _wrong(member, "nested less deeply")
    if kind == "s":
        return _structure(service, shape, value, member, mode=mode, depth=depth)
    if kind == "l":
        if mode == "text" and isinstance(value, str):
            value = [value]  # awscli reads `Values=a` as a list of one
        if not isinstance(value, list | tuple):
            raise _wrong(member, "a list")
        _check_size(shape, len(value), member, "elements")
        return [conform(service, shape["e"], item, member, mode=mode, depth=depth + 1) for item in value]
    if kind == "m":
        return _map(service, shape, value, member, mode=mode, depth=depth)
    if kind == "J":
        return value
    return scalar(shape, value, member, mode=mode)


def scalar(shape: Mapping[str, Json], value: Json, member: str, *, mode: Mode) -> Json:
    """Return the canonical form of one scalar, or raise a refusal."""
    match shape["t"]:
        case "S":
            if not isinstance(value, str):
                raise _wrong(member, "text")
            _check_size(shape, len(value), member, "characters")
            return value
        case "B":
            return _boolean(value, member, mode=mode)
        case "I" | "L":
            number = _integer(value, member, bits=_BITS[shape["t"]], mode=mode)
            _check_range(shape, number, member)
            return number if -_SAFE <= number <= _SAFE else str(number)
        case "F":
            decimal = _decimal(value, member, mode=mode)
            _check_range(shape, decimal, member)
            return int(decimal) if decimal.is_integer() and abs(decimal) <= _SAFE else decimal
        case "Z":
            return _timestamp(value, member, mode=mode)
        case _:
            return _blob(value, member, mode=mode)


def _structure(
    service: AwsService, shape: Mapping[str, Json], value: Json, member: str, *, mode: Mode, depth: int
) -> dict[str, Json]:
    members = shape["m"]
    if not isinstance(value, Mapping):
        raise _wrong(member, "an object")
    for name in value:
        if name not in members:
            raise refuse("AWS_MEMBER_UNKNOWN", member=member, name=show(str(name)), known=some(members, str(name)))
    for name in shape.get("r", ()):
        if name not in value:
            raise refuse("AWS_MEMBER_MISSING", name=f"{member}.{name}" if depth else name)
    if shape.get("u") and len(value) != 1:
        raise _wrong(member, "exactly one of its members")
    below = depth + 1
    return {
        n: conform(service, members[n], v, f"{member}.{n}" if depth else n, mode=mode, depth=below)
        for n, v in value.items()
    }


def _map(
    service: AwsService, shape: Mapping[str, Json], value: Json, member: str, *, mode: Mode, depth: int
) -> dict[str, Json]:
    if not isinstance(value, Mapping):
        raise _wrong(member, "an object")
    _check_size(shape, len(value), member, "entries")
    found: dict[str, Json] = {}
    for key, item in value.items():
        conform(service, shape["k"], str(key), f"{member} key", mode="text", depth=depth + 1)
        found[str(key)] = conform(service, shape["v"], item, f"{member}.{show(str(key))}", mode=mode, depth=depth + 1)
    return found


def _boolean(value: Json, member: str, *, mode: Mode) -> bool:
    if isinstance(value, bool):
        return value
    if mode == "text" and isinstance(value, str) and value in {"true", "True", "false", "False"}:
        return value in {"true", "True"}
    raise _wrong(member, "true or false")


def _integer(value: Json, member: str, *, bits: int, mode: Mode) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value) and (mode == "text" or abs(int(value)) > _SAFE):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(member, "a whole number in decimal digits")
    if not -(2**bits) <= value < 2**bits:
        raise _wrong(member, f"a whole number of {bits + 1} bits")
    return value


def _decimal(value: Json, member: str, *, mode: Mode) -> float:
    if mode == "text" and isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300 or not math.isfinite(value):
        raise _wrong(member, "a decimal number")
    return float(value)


def _timestamp(value: Json, member: str, *, mode: Mode) -> str:
    if mode == "text" and isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)
        elif isinstance(value, str) and _TIME.fullmatch(value):
            parsed = datetime.fromisoformat(value)
            moment = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
        else:
            raise _wrong(member, "a time such as 2026-01-31T12:00:00Z or seconds since 1970")
    except (ValueError, OverflowError) as exc:
        raise _wrong(member, "a time such as 2026-01-31T12:00:00Z or seconds since 1970") from exc
    whole = moment.replace(tzinfo=None).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return whole + "Z"


def _blob(value: Json, member: str, *, mode: Mode) -> str:
    if mode != "typed" or not isinstance(value, str):
        raise refuse("AWS_BLOB", member=member)
    try:
        return base64.b64encode(base64.b64decode(value, validate=True)).decode("ascii")
    except (binascii.Error, ValueError) as exc:
        raise _wrong(member, "base64") from exc


def _check_size(shape: Mapping[str, Json], size: int, member: str, unit: str) -> None:
    if size < shape.get("n", 0):
        raise _wrong(member, f"at least {shape['n']} {unit}")
    if size > shape.get("x", size):
        raise _wrong(member, f"at most {shape['x']} {unit}")


def _check_range(shape: Mapping[str, Json], number: float, member: str) -> None:
    if number < shape.get("n", number):
        raise _wrong(member, f"at least {shape['n']}")
    if number > shape.get("x", number):
        raise _wrong(member, f"at most {shape['x']}")


def _wrong(member: str, wanted: str) -> RefusedError:
    return refuse("AWS_VALUE", member=member, wanted=wanted)
