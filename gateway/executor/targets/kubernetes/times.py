"""Ages and times as kubectl shows them."""

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3_600, 86_400, 31_536_000


def age(stamp: str, now: datetime | None = None) -> str:
    """Return how long ago an RFC 3339 time was: `5s`, `3m28s`, `2d4h`; `<unknown>` for none."""
    then = moment(stamp)
    if then is None:
        return "<unknown>"
    return human(int(((now or datetime.now(UTC)) - then).total_seconds()))


def moment(stamp: str) -> datetime | None:
    """Return an RFC 3339 time."""
    try:
        return datetime.fromisoformat(stamp)
    except ValueError:
        return None


def human(seconds: int) -> str:
    """Return a duration with at most two units, the second one only while it matters."""
    if seconds < -1:
        return "<invalid>"
    seconds = max(seconds, 0)
    for upto, small, unit, below in (
        (2 * _MINUTE, 1, "s", 0), (10 * _MINUTE, _MINUTE, "m", 1), (3 * _HOUR, _MINUTE, "m", 0),
        (8 * _HOUR, _HOUR, "h", _MINUTE), (2 * _DAY, _HOUR, "h", 0), (8 * _DAY, _DAY, "d", _HOUR),
        (2 * _YEAR, _DAY, "d", 0), (8 * _YEAR, _YEAR, "y", _DAY),
    ):  # fmt: skip
        if seconds < upto:
            rest = seconds % small // below if below else 0
            return f"{seconds // small}{unit}" + (f"{rest}{_NEXT[unit]}" if rest else "")
    return f"{seconds // _YEAR}y"


_NEXT = {"m": "s", "h": "m", "d": "h", "y": "d"}


def stamp_text(stamp: str) -> str:
    """Return a time as `Tue, 24 Nov 2026 10:51:30 +0000`."""
    then = moment(stamp)
    return then.strftime("%a, %d %b %Y %H:%M:%S %z") if then else stamp
