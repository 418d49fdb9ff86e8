"""One number from Datadog by the metrics query API v1 (`GET /api/v1/query`).

Query: {"query": "avg:http.errors{service:$service}", "params": {"service": "web"}, "window_s": 300, "max_age_s": 120}.
A param is a tag's value: letters, digits and `_-./:` only, as Datadog itself allows. The newest point that is not null
counts, unless it is older than `max_age_s`. Several series are a fault: let the query aggregate them.

The site is configured whole (`https://api.datadoghq.eu/`): there is no default that metrics could leak to.
"""

import re
from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.errors import TargetFault
from gateway.executor.config_telemetry import DatadogSource
from gateway.executor.telemetry.fetch import JsonServer
from gateway.executor.telemetry.query import filling, integer, members, number, text
from gateway.ports import Clock

_MEMBERS = frozenset({"query", "params", "window_s", "max_age_s"})
_TOKEN = re.compile(r"\$([a-z][a-z0-9_]*)")
_TAG = re.compile(r"[A-Za-z0-9_./:-]{1,200}")
_MAX_QUERY = 4_096
_PAIR = 2


class DatadogTelemetry:
    """One Datadog site behind the Telemetry port."""

    def __init__(self, source: DatadogSource, clock: Clock) -> None:
        headers = {"dd-api-key": source.api_key.reveal(), "dd-application-key": source.application_key.reveal()}
        self._source = source
        self._server = JsonServer(source.base_url, headers, source.timeout_s)
        self._clock = clock

    async def sample(self, query: Mapping[str, Json]) -> float | None:
        """Return the newest point of the one series; None when there is none that is fresh."""
        members(query, _MEMBERS)
        asked = _filled(text(query, "query"), filling(query))
        window_s = integer(query, "window_s", 300, 1, 86_400)
        max_age_s = integer(query, "max_age_s", self._source.max_age_s, 1, 86_400)
        now_s = self._clock.now_ms() // 1000
        params = {"from": str(now_s - window_s), "to": str(now_s), "query": asked}
        points = _points(await self._server.get("api/v1/query", params))
        fresh = [(at, value) for at, value in points if value is not None and at >= (now_s - max_age_s) * 1000]
        return max(fresh)[1] if fresh else None

    async def close(self) -> None:
        """Close the connections."""
        await self._server.close()


def _filled(template: str, values: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        filled = values.get(found[1], "")
        if not _TAG.fullmatch(filled):
            raise TargetFault("QUERY_MALFORMED", f"the placeholder {found[1]} has no value that is a tag")
        return filled

    if len(template) > _MAX_QUERY:
        raise TargetFault("QUERY_MALFORMED", f"a query has at most {_MAX_QUERY} characters")
    return _TOKEN.sub(value, template)


def _points(answer: Json) -> list[tuple[float, float | None]]:
    """Return (time in ms, value) of the one series; raises TargetFault for anything but a whole answer."""
    if not isinstance(answer, Mapping) or answer.get("status") != "ok" or answer.get("error"):
        raise TargetFault("DATADOG_ANSWER", "the server did not answer with ok")
    series = answer.get("series")
    if not isinstance(series, list):
        raise TargetFault("DATADOG_ANSWER", "the answer has no series")
    if not series:
        return []
    if len(series) > 1:
        raise TargetFault("DATADOG_SERIES_MANY", f"the query has {len(series)} series: aggregate them")
    points = series[0].get("pointlist") if isinstance(series[0], Mapping) else None
    if not isinstance(points, list):
        raise TargetFault("DATADOG_ANSWER", "the series has no points")
    return [_point(point) for point in points]


def _point(point: Json) -> tuple[float, float | None]:
    at = number(point[0]) if isinstance(point, list) and len(point) == _PAIR else None
    if at is None:
        raise TargetFault("DATADOG_ANSWER", "a point is not a time and a value")
    return at, number(point[1])
