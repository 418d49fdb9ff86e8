"""How many alerts are there, by Alertmanager's API v2.

Query: {"measure": "firing" | "fired", "labels": {"alertname": "HighErrors", "namespace": "shop"},
"watchdog": {"alertname": "Watchdog"}, "since_ms": 1764000000000}. `firing` counts the alerts with these labels that
are not over; one that somebody silenced still fires. `fired` counts those that began after `since_ms`.

Zero alerts is good news only from a chain that works: an alert also goes away when its Prometheus stops sending. With
`watchdog` an alert that always fires must be there, else there is no data.
"""

from collections.abc import Mapping
from datetime import datetime

from gateway.core.canonical import Json
from gateway.core.predicate import MAX_MS
from gateway.errors import TargetFault
from gateway.executor.config_telemetry import AlertmanagerSource
from gateway.executor.telemetry.fetch import JsonServer
from gateway.executor.telemetry.query import integer, members, text

_MEMBERS = frozenset({"measure", "labels", "watchdog", "since_ms"})
_MAX_BYTES = 1_048_576


class AlertmanagerTelemetry:
    """One Alertmanager behind the Telemetry port."""

    def __init__(self, source: AlertmanagerSource) -> None:
        headers = {"authorization": f"Bearer {source.token.reveal()}"} if source.token is not None else {}
        self._server = JsonServer(source.base_url, headers, source.timeout_s, _MAX_BYTES)

    async def sample(self, query: Mapping[str, Json]) -> float | None:
        """Return a number of alerts; None when the watchdog is silent."""
        members(query, _MEMBERS)
        measure = text(query, "measure")
        if measure not in {"firing", "fired"}:
            raise TargetFault("QUERY_MALFORMED", "measure must be firing or fired")
        since_ms = integer(query, "since_ms", -1, 0, MAX_MS) if measure == "fired" else -1
        labels = _labels(query, "labels")
        if "watchdog" in query and not await self._alerts(_labels(query, "watchdog")):
            return None
        return float(sum(_began_ms(alert) > since_ms for alert in await self._alerts(labels)))

    async def close(self) -> None:
        """Close the connections."""
        await self._server.close()

    async def _alerts(self, labels: Mapping[str, str]) -> list[Mapping[str, Json]]:
        """Return the alerts that carry all of the labels, silenced and inhibited ones too."""
        shown = [("active", "true"), ("silenced", "true"), ("inhibited", "true"), ("unprocessed", "true")]
        filters = [("filter", f"{name}={_quoted(value)}") for name, value in sorted(labels.items())]
        found = await self._server.get("api/v2/alerts", [*shown, *filters])
        if not isinstance(found, list):
            raise TargetFault("ALERTMANAGER_ANSWER", "the answer is not a list of alerts")
        return [alert for alert in found if _carries(alert, labels)]


def _labels(query: Mapping[str, Json], name: str) -> dict[str, str]:
    given = query.get(name)
    if not isinstance(given, Mapping) or not given or not all(isinstance(v, str) for v in given.values()):
        raise TargetFault("QUERY_MALFORMED", f"{name} must map label names to texts")
    if not all(key.replace("_", "a").isalnum() and key.isascii() for key in given):
        raise TargetFault("QUERY_MALFORMED", f"{name} has a name that is no label name")
    return {str(key): str(value) for key, value in given.items()}


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _carries(alert: Json, labels: Mapping[str, str]) -> bool:
    found = alert.get("labels") if isinstance(alert, Mapping) else None
    if not isinstance(found, Mapping):
        raise TargetFault("ALERTMANAGER_ANSWER", "an alert has no labels")
    return all(found.get(name) == value for name, value in labels.items())


def _began_ms(alert: Mapping[str, Json]) -> int:
    try:
        return int(datetime.fromisoformat(str(alert["startsAt"])).timestamp() * 1000)
    except (KeyError, ValueError) as exc:
        raise TargetFault("ALERTMANAGER_ANSWER", "an alert has no time of its begin") from exc
