"""`generate_series`: accepted where its length can be told from the text alone, as a query that fills gaps has it."""

import re
from datetime import date

from gateway.parsing.result import Refusal
from gateway.parsing.tools.postgres_tokens import Token, render

SERIES = "generate_series"
MAX_ROWS = 10_000
_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800, "month": 2_678_400}
_UNIT = "|".join(_SECONDS)
_NUMBER = re.compile(r"(- ?)?([0-9]{1,9})")
_NOW = r"(?:now\(\)|current_date|current_timestamp)"
_BASE = rf"(?:{_NOW}|date_trunc\('(?:{_UNIT})', {_NOW}\))(?:::(?:date|timestamp|timestamptz))?"
_STEP = re.compile(rf"(?:interval '([1-9][0-9]{{0,3}}) ({_UNIT})s?'|'([1-9][0-9]{{0,3}}) ({_UNIT})s?'::interval)")
_TERM = rf" [+-] (?:{_STEP.pattern}|[0-9]{{1,4}})"
_MOMENT = re.compile(rf"({_BASE})((?:{_TERM}){{0,3}})")
_DAY = re.compile(
    r"(?:'(2[0-9]{3}-[0-9]{2}-[0-9]{2})(?: [0-2][0-9]:[0-5][0-9](?::[0-5][0-9])?)?'::(?:date|timestamp|timestamptz)"
    r"|(?:date|timestamp|timestamptz) '(2[0-9]{3}-[0-9]{2}-[0-9]{2})(?: [0-2][0-9]:[0-5][0-9](?::[0-5][0-9])?)?')"
)
_DAYS = re.compile(r" [+-] ([0-9]{1,4})")


def check_series(tokens: tuple[Token, ...], index: int, end: int, *, again: bool) -> Refusal | None:
    """Refuse a call unless it is known to give few rows; `tokens[index]` is its name, `tokens[end]` its `)`."""
    arguments = [render(part) for part in _split(tokens[index + 2 : end])]
    rows = _numbers(arguments) if all(map(_NUMBER.fullmatch, arguments)) else _moments(arguments)
    return (
        None if rows is not None and rows <= MAX_ROWS and not again else Refusal("SQL_SERIES", args={"max": MAX_ROWS})
    )


def _split(tokens: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """Split at the commas that stand in no parentheses."""
    parts: list[tuple[Token, ...]] = []
    start = depth = 0
    for index, token in enumerate(tokens):
        if token.kind != "mark":
            continue
        depth += (token.text in "([") - (token.text in ")]")
        if token.text == "," and not depth:
            parts.append(tokens[start:index])
            start = index + 1
    return [*parts, tokens[start:]]


def _numbers(arguments: list[str]) -> int | None:
    values = [int(text.replace(" ", "")) for text in arguments]
    if len(values) not in {2, 3} or values[2:] == [0]:
        return None
    return abs(values[1] - values[0]) // abs([*values, 1][2]) + 1


def _moments(arguments: list[str]) -> int | None:
    """Return an upper bound of the rows between two moments near now; months are taken as 31 days."""
    if len(arguments) != 3:
        return None
    first, last = (_MOMENT.fullmatch(text) for text in arguments[:2])
    step = _STEP.fullmatch(arguments[2])
    days = [_day(text) for text in arguments[:2]]
    if step is not None and days[0] is not None and days[1] is not None:
        return (abs(days[1] - days[0]) + 1) * _SECONDS["day"] * 31 // (_length(step) * 27) + 2
    if first is None or last is None or step is None:
        return None
    apart = 0 if first[1] == last[1] else _slack(first[1]) + _slack(last[1])
    return (apart + _span(first[2]) + _span(last[2])) * 31 // (_length(step) * 27) + 2


def _day(text: str) -> int | None:
    """Return the number of the day of a literal date or time."""
    match = _DAY.fullmatch(text)
    try:
        return date.fromisoformat(match[1] or match[2]).toordinal() if match else None
    except ValueError:
        return None


def _slack(base: str) -> int:
    """Return how far from now a moment can be: it is cut to a day or to the unit that it names."""
    found = re.search(r"date_trunc\('(\w+)'", base)
    return (_SECONDS[found[1]] if found else 0) + _SECONDS["day"]


def _span(terms: str) -> int:
    named = sum(_length(each) for each in _STEP.finditer(terms))
    return named + sum(int(each[1]) * _SECONDS["day"] for each in _DAYS.finditer(terms))


def _length(interval: re.Match[str]) -> int:
    amount, unit = (interval[1], interval[2]) if interval[1] else (interval[3], interval[4])
    return int(amount) * _SECONDS[unit]
