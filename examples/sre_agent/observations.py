"""From the text that Countermand returns to typed observations; nothing here talks to anybody."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

Row = Mapping[str, Any]

_INSERT = re.compile(r"\s*INSERT\s+INTO\s+(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Session:
    """One database session."""

    pid: int
    backend_start: str
    user: str
    application: str
    state: str
    waits_for_lock: bool
    query: str
    transaction_s: float
    blocked_by: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock of one session."""

    pid: int
    kind: str
    mode: str
    granted: bool
    relation: str
    advisory_key: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests per second of one service, now and a moment ago."""

    service: str
    before: float
    now: float

    @property
    def growth(self) -> float:
        """Return how many times as much it is now; 1.0 when nothing is known about before."""
        return self.now / self.before if self.before else 1.0


@dataclass(frozen=True, slots=True)
class BlamedLine:
    """Who wrote a line, when, and with which commit."""

    commit: str
    author: str
    time_s: int
    summary: str
    text: str


def rows(text: str) -> list[Row]:
    """Read the rows of a query: one JSON object a line."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def sessions(text: str) -> list[Session]:
    """Read sessions from the rows of `queries.SESSIONS`."""
    return [
        Session(
            int(r["pid"]), str(r["backend_start"]), str(r["usename"]), str(r["application_name"]), str(r["state"]),
            r["wait_event_type"] == "Lock", str(r["query"]), float(r["transaction_s"] or 0), _pids(r["blocked_by"]),
        )
        for r in rows(text)
    ]  # fmt: skip


def locks(text: str) -> list[Lock]:
    """Read locks from the rows of `queries.locks_of`."""
    return [
        Lock(int(r["pid"]), str(r["locktype"]), str(r["mode"]), bool(r["granted"]), str(r["relname"] or ""),
             int(r["classid"] or 0))
        for r in rows(text)
    ]  # fmt: skip


def series(text: str) -> dict[str, list[float]]:
    """Read the answer of get-metric-data: query id → values, oldest first."""
    found: dict[str, list[float]] = {}
    for result in json.loads(text)["MetricDataResults"]:
        points = sorted(zip(result["Timestamps"], result["Values"], strict=True), key=lambda p: str(p[0]))
        found[result["Id"]] = [float(value) for _, value in points]
    return found


def dimension_values(text: str, dimension: str) -> list[str]:
    """Read the answer of list-metrics: the values that one dimension has, sorted."""
    metrics = json.loads(text)["Metrics"]
    return sorted({d["Value"] for m in metrics for d in m["Dimensions"] if d["Name"] == dimension})


def usage_plans(text: str) -> dict[str, str]:
    """Read the answer of get-usage-plans: name → id."""
    return {item["name"]: item["id"] for item in json.loads(text)["items"]}


def traffic(service: str, values: Sequence[float], recent: int = 4) -> Traffic:
    """Compare the newest seconds of a series with everything before them."""
    now, before = values[-recent:], values[:-recent]
    return Traffic(service, fmean(before) if before else 0.0, fmean(now) if now else 0.0)


def inserted_table(query: str) -> str:
    """Return the table that a statement inserts into; empty for other statements."""
    match = _INSERT.match(query)
    return match[1] if match else ""


def grep_hits(text: str) -> list[tuple[str, int, str]]:
    """Read `git grep -n REV`: (path, line number, line)."""
    hits = []
    for line in text.splitlines():
        _, path, number, content = line.split(":", 3)  # the revision comes first
        hits.append((path, int(number), content.strip()))
    return hits


def blamed(text: str) -> BlamedLine:
    """Read one line of `git blame --line-porcelain`."""
    lines = text.splitlines()
    head = {key: value for key, _, value in (line.partition(" ") for line in lines[1:-1])}
    return BlamedLine(lines[0].split()[0], head["author"], int(head["author-time"]), head["summary"], lines[-1].strip())


def _pids(value: Any) -> tuple[int, ...]:
    """Read an array of process ids, as JSON or as PostgreSQL writes it."""
    if isinstance(value, str):
        return tuple(int(pid) for pid in value.strip("{}").split(",") if pid)
    return tuple(int(pid) for pid in value or ())
