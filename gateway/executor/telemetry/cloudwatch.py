"""Metrics of AWS CloudWatch by GetMetricData, which never invents a value for a gap.

Query: {"namespace", "metric", "dimensions": {name: value}, "stat": "Average", "period_s": 60, "window_s": 300}.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from gateway.core.canonical import Json
from gateway.errors import TargetFault
from gateway.executor.config import CloudWatchSource
from gateway.executor.targets.aws_client import AwsAccount, AwsCallError, fault
from gateway.executor.telemetry.query import integer, members, number, text
from gateway.ports import Clock

_MEMBERS = frozenset({"namespace", "metric", "dimensions", "stat", "period_s", "window_s"})
_DAY_S = 86_400


class CloudWatchTelemetry:
    """One region's metrics behind the Telemetry port."""

    def __init__(self, source: CloudWatchSource, clock: Clock) -> None:
        self._account = AwsAccount(source.scope)
        self._region = source.region
        self._clock = clock

    async def sample(self, query: Mapping[str, Json]) -> float | None:
        """Return the newest data point of the window; None when there is none."""
        params = _params(query, self._clock.now_ms())
        try:
            answer = await self._account.call("cloudwatch.GetMetricData", self._region, params)
        except AwsCallError as exc:
            raise fault(exc) from exc
        results = answer.get("MetricDataResults", [])
        values = results[0].get("Values", []) if results else []
        return number(values[0]) if values else None

    async def close(self) -> None:
        """Close the connections."""
        self._account.close()


def _params(query: Mapping[str, Json], now_ms: int) -> dict[str, Json]:
    members(query, _MEMBERS)
    dimensions = query.get("dimensions", {})
    if not isinstance(dimensions, Mapping) or not all(isinstance(v, str) for v in dimensions.values()):
        raise TargetFault("QUERY_MALFORMED", "dimensions must map names to texts")
    period = integer(query, "period_s", 60, 1, _DAY_S)
    window = integer(query, "window_s", 300, period, 15 * _DAY_S)
    # The API rounds the end down to the minute; one minute more includes what was measured just now.
    end = datetime.fromtimestamp(now_ms / 1_000, UTC) + timedelta(minutes=1)
    metric = {
        "Namespace": text(query, "namespace"),
        "MetricName": text(query, "metric"),
        "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())],
    }
    return {
        "MetricDataQueries": [
            {"Id": "m", "MetricStat": {"Metric": metric, "Period": period, "Stat": text(query, "stat", "Average")}}
        ],
        "StartTime": end - timedelta(seconds=window + 60),
        "EndTime": end,
        "ScanBy": "TimestampDescending",
        "MaxDatapoints": 500,
    }
