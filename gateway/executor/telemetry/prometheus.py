"""One number from Prometheus by an instant query.

Query: {"promql": 'sum(rate(http_requests_total{job="$job"}[1m]))', "params": {"job": "web"}, "aggregate": "max",
"max_age_s": 60, "freshness": 'http_requests_total{job="$job"}'}. Params fill the placeholders (`telemetry.promql`). An
empty vector, NaN and an infinity are no data, never zero. Several series are a fault unless `aggregate` says how they
become one number.

A sample older than `max_age_s` is no data: the newest sample of `freshness` is looked at where the query names it, the
server is told to look no further back (`lookback_delta`; Prometheus 2.42 ignores it), and the time of the answer is
compared with this executor's clock.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from gateway.core.canonical import Json
from gateway.errors import TargetFault
from gateway.executor.config_telemetry import PrometheusSource
from gateway.executor.telemetry.fetch import JsonServer
from gateway.executor.telemetry.promql import fill
from gateway.executor.telemetry.query import filling, integer, members, number, text
from gateway.ports import Clock

_MEMBERS = frozenset({"promql", "params", "aggregate", "max_age_s", "freshness"})
_AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = MappingProxyType({
    "sum": sum, "max": max, "min": min, "avg": lambda values: sum(values) / len(values),
})  # fmt: skip
_PAIR = 2


class PrometheusTelemetry:
    """One Prometheus server behind the Telemetry port."""

    def __init__(self, source: PrometheusSource, clock: Clock) -> None:
        headers = {"authorization": f"Bearer {source.token.reveal()}"} if source.token is not None else {}
        if source.tenant:
            headers["x-scope-orgid"] = source.tenant
        self._source = source
        self._server = JsonServer(source.base_url, headers, source.timeout_s)
        self._clock = clock

    async def sample(self, query: Mapping[str, Json]) -> float | None:
        """Return the one value that the query has now; None when there is none, or none that is fresh."""
        members(query, _MEMBERS)
        promql, params = text(query, "promql"), filling(query)
        max_age_s = integer(query, "max_age_s", self._source.max_age_s, 1, 3_600)
        fold = _fold(query)
        if "freshness" in query:
            age = await self._ask(f"time() - max(timestamp({fill(text(query, 'freshness'), params)}))", max_age_s)
            if not age or age[0] > max_age_s:
                return None
        values = await self._ask(fill(promql, params), max_age_s)
        if not values:
            return None
        if len(values) > 1 and fold is None:
            raise TargetFault("PROMETHEUS_SERIES_MANY", f"the query has {len(values)} series and names no aggregate")
        return values[0] if fold is None else fold(values)

    async def _ask(self, promql: str, max_age_s: int) -> list[float]:
        """Return the values of a query now; none at all when one of them is missing or old."""
        params = {"query": promql, "timeout": f"{self._source.timeout_s}s", "lookback_delta": f"{max_age_s}s"}
        found = _result(await self._server.get("api/v1/query", params))
        oldest = self._clock.now_ms() / 1000 - max_age_s
        values = [value for at, value in found if at >= oldest and value is not None]
        return values if len(values) == len(found) else []

    async def close(self) -> None:
        """Close the connections."""
        await self._server.close()


def _fold(query: Mapping[str, Json]) -> Callable[[Sequence[float]], float] | None:
    if "aggregate" not in query:
        return None
    fold = _AGGREGATES.get(text(query, "aggregate"))
    if fold is None:
        raise TargetFault("QUERY_MALFORMED", f"aggregate must be one of {', '.join(sorted(_AGGREGATES))}")
    return fold


def _result(answer: Json) -> list[tuple[float, float | None]]:
    """Return (time in seconds, value) of each series; raises TargetFault for anything but a whole answer."""
    if not isinstance(answer, Mapping) or answer.get("status") != "success":
        raise TargetFault("PROMETHEUS_ANSWER", "the server did not answer with success")
    if answer.get("warnings"):
        raise TargetFault("PROMETHEUS_PARTIAL", "the server warns that the answer may be partial")
    data = answer.get("data")
    kind, result = (data.get("resultType"), data.get("result")) if isinstance(data, Mapping) else (None, None)
    if kind == "scalar":
        return [_point(result)]
    if kind == "vector" and isinstance(result, list):
        return [_point(each.get("value") if isinstance(each, Mapping) else None) for each in result]
    raise TargetFault("PROMETHEUS_ANSWER", "the query is neither a scalar nor an instant vector")


def _point(value: Json) -> tuple[float, float | None]:
    if not isinstance(value, list) or len(value) != _PAIR:
        raise TargetFault("PROMETHEUS_ANSWER", "a series has no value")
    at = number(value[0])
    if at is None:
        raise TargetFault("PROMETHEUS_ANSWER", "a series has no time")
    return at, number(value[1])
