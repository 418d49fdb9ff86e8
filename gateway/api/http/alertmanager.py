"""Read the webhook body of Alertmanager (payload version 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from gateway.core.canonical import Json, loads_strict
from gateway.errors import InvalidRequest

VERSION: Final = "4"
MAX_ALERTS: Final = 64
_MAX_LABELS: Final = 64
_MAX_TEXT: Final = 512
_REMEDY: Final = "send the webhook body of Alertmanager, payload version 4"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a group."""

    status: Literal["firing", "resolved"]
    fingerprint: str
    title: str
    labels: Mapping[str, str]
    starts_ms: int


def read_alerts(body: bytes) -> tuple[Alert, ...]:
    """Return the alerts of a webhook body; raises InvalidRequest for anything else."""
    try:
        document = _object(loads_strict(body), "body")
        version = document.get("version")
        alerts = document.get("alerts")
        if version != VERSION:
            raise ValueError(f"version is {version!r}, not {VERSION!r}")  # noqa: TRY301 -- one translation below
        if not isinstance(alerts, list) or len(alerts) > MAX_ALERTS:
            raise ValueError(f"alerts is not a list of at most {MAX_ALERTS}")  # noqa: TRY301 -- see above
        return tuple(_alert(_object(alert, "alert")) for alert in alerts)
    except ValueError as exc:
        raise InvalidRequest("WEBHOOK_BODY", str(exc), remedy=_REMEDY) from exc


def _alert(alert: Mapping[str, Json]) -> Alert:
    status = alert.get("status")
    if not isinstance(status, str) or status not in {"firing", "resolved"}:
        raise ValueError("status is neither firing nor resolved")
    labels = _labels(alert.get("labels"))
    return Alert(
        status="firing" if status == "firing" else "resolved",
        fingerprint=_text(alert, "fingerprint"),
        title=_title(labels, alert),
        labels=labels,
        starts_ms=_time_ms(_text(alert, "startsAt")),
    )


def _title(labels: Mapping[str, str], alert: Mapping[str, Json]) -> str:
    """Return the alert's name and summary, in one line."""
    annotations = alert.get("annotations")
    summary = annotations.get("summary") if isinstance(annotations, Mapping) else None
    name = labels.get("alertname", "alert")
    title = f"{name}: {summary}" if isinstance(summary, str) and summary else name
    return "".join(c if c.isprintable() else " " for c in title)[:_MAX_TEXT]


def _labels(value: Json) -> dict[str, str]:
    labels = _object(value, "labels")
    if len(labels) > _MAX_LABELS:
        raise ValueError(f"more than {_MAX_LABELS} labels")
    return {_written(name): _text(labels, name) for name in labels}


def _time_ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("startsAt has no time zone")
    return int(moment.timestamp() * 1000)


def _object(value: Json, what: str) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is not an object")  # noqa: TRY004 -- one error type for malformed JSON
    return value


def _text(holder: Mapping[str, Json], name: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise ValueError(f"{name!r} is not a string of at most {_MAX_TEXT} characters")
    return _written(value)


def _written(text: str) -> str:
    """Return text that has an encoding; half a surrogate pair has none, and could not be recorded."""
    text.encode()
    return text
