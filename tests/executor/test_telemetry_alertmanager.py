"""Alerts counted at a real Alertmanager: a silence is no end, and silence of the chain is no good news."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.cli.demo.monitoring import Alertmanager, ask
from gateway.core.predicate import MAX_MS
from gateway.errors import TargetFault
from gateway.executor.config_telemetry import AlertmanagerSource
from gateway.executor.telemetry.alertmanager import AlertmanagerTelemetry
from tests.executor.answers import answering
from tests.fixtures_k8s import eventually

pytestmark = pytest.mark.anyio
OVER = "2020-01-01T00:00:00Z"


@pytest.fixture
def name() -> str:
    return f"alert_{secrets.token_hex(4)}"


async def count(url: str, query: Mapping[str, Any]) -> float | None:
    found = AlertmanagerTelemetry(AlertmanagerSource(f"{url}/"))
    try:
        return await found.sample(query)
    finally:
        await found.close()


async def refused(url: str, query: Mapping[str, Any]) -> str:
    with pytest.raises(TargetFault) as caught:
        await count(url, query)
    return caught.value.code


def firing(name: str, **labels: str) -> dict[str, Any]:
    return {"measure": "firing", "labels": {"alertname": name, **labels}}


async def test_an_alert_is_counted_until_it_is_resolved(alertmanager: Alertmanager, name: str) -> None:
    assert await count(alertmanager.url, firing(name)) == 0
    alertmanager.fire({"alertname": name, "namespace": "shop"})
    eventually(lambda: name in {a["labels"]["alertname"] for a in alertmanager.alerts()})
    assert await count(alertmanager.url, firing(name)) == 1
    assert await count(alertmanager.url, firing(name, namespace="shop")) == 1
    assert await count(alertmanager.url, firing(name, namespace="other")) == 0
    alertmanager.fire({"alertname": name, "namespace": "shop"}, ends=OVER)
    eventually(lambda: name not in {a["labels"]["alertname"] for a in alertmanager.alerts()})
    assert await count(alertmanager.url, firing(name)) == 0


async def test_an_alert_that_somebody_silenced_still_fires(alertmanager: Alertmanager, name: str) -> None:
    alertmanager.fire({"alertname": name})
    silence = {
        "matchers": [{"name": "alertname", "value": name, "isRegex": False}],
        "startsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60)),
        "createdBy": "test",
        "comment": "test",
    }
    ask(alertmanager.port, "POST", "/api/v2/silences", silence)

    def state() -> list[str]:
        return [a["status"]["state"] for a in alertmanager.alerts() if a["labels"]["alertname"] == name]

    eventually(lambda: state() == ["suppressed"], what="the alert is silenced")
    assert await count(alertmanager.url, firing(name)) == 1


async def test_only_alerts_that_began_later_are_new(alertmanager: Alertmanager, name: str) -> None:
    alertmanager.fire({"alertname": name, "pod": "a"})
    eventually(lambda: name in {a["labels"]["alertname"] for a in alertmanager.alerts()})
    before, later = 0, int(time.time() * 1000) + 60_000
    fired = {"measure": "fired", "labels": {"alertname": name}}
    assert await count(alertmanager.url, fired | {"since_ms": before}) == 1
    assert await count(alertmanager.url, fired | {"since_ms": later}) == 0
    assert await count(alertmanager.url, fired | {"since_ms": MAX_MS}) == 0, "a change that is still to come"


async def test_without_the_watchdog_there_is_no_data(alertmanager: Alertmanager, name: str) -> None:
    watched = firing(name) | {"watchdog": {"alertname": f"Watchdog_{name}"}}
    assert await count(alertmanager.url, watched) is None
    alertmanager.fire({"alertname": f"Watchdog_{name}"})
    eventually(lambda: f"Watchdog_{name}" in {a["labels"]["alertname"] for a in alertmanager.alerts()})
    assert await count(alertmanager.url, watched) == 0


@pytest.mark.parametrize("value", ['x"', "a\\", 'x",alertname="Watchdog', "a\nb", "Größe"])
async def test_a_label_value_is_only_a_value(alertmanager: Alertmanager, name: str, value: str) -> None:
    alertmanager.fire({"alertname": name, "value": value})
    eventually(lambda: name in {a["labels"]["alertname"] for a in alertmanager.alerts()})
    assert await count(alertmanager.url, firing(name, value=value)) == 1
    assert await count(alertmanager.url, firing(f"{name}x", value=value)) == 0


@pytest.mark.parametrize(
    "query",
    [
        {"measure": "resolved", "labels": {"alertname": "x"}},
        {"measure": "firing"},
        {"measure": "firing", "labels": {}},
        {"measure": "firing", "labels": {"a b": "x"}},
        {"measure": "firing", "labels": {"a": 1}},
        {"measure": "fired", "labels": {"a": "x"}},
        {"measure": "firing", "labels": {"a": "x"}, "filter": "y"},
    ],
)
async def test_a_query_that_is_not_understood_is_refused(query: dict[str, Any]) -> None:
    assert await refused("http://127.0.0.1:1", query) == "QUERY_MALFORMED"


async def test_an_alertmanager_that_is_down_is_a_fault_and_not_zero() -> None:
    assert await refused("http://127.0.0.1:1", firing("x")) == "TARGET_UNREACHABLE"
    with answering({"/api/v2/alerts": 503}) as url:
        assert await refused(url, firing("x")) == "HTTP_STATUS"
    answers: list[Any] = [{"alerts": []}, ["x"], [{"labels": None}], [{"labels": {"alertname": "x"}}]]
    for answer in answers:
        with answering({"/api/v2/alerts": answer}) as url:
            assert await refused(url, firing("x")) == "ALERTMANAGER_ANSWER"


async def test_a_server_that_ignores_the_filter_does_not_count_other_alerts() -> None:
    other = {"labels": {"alertname": "y"}, "startsAt": "2025-01-01T00:00:00.000Z"}
    with answering({"/api/v2/alerts": [other, other | {"labels": {"alertname": "x"}}]}) as url:
        assert await count(url, firing("x")) == 1
