"""Datadog's metrics query API v1, against a PROTOCOL FAKE on loopback: the answers are as its documentation shows them.

No request leaves the machine; whether the real site answers so is not tested here.
"""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.adapters.clock import SystemClock
from gateway.errors import TargetFault
from gateway.executor.config_telemetry import DatadogSource
from gateway.executor.secret import Secret
from gateway.executor.telemetry.datadog import DatadogTelemetry
from tests.executor.answers import answering

pytestmark = pytest.mark.anyio
PATH = "/api/v1/query"
ERRORS = {"query": "sum:http.errors{service:$service}.as_rate()", "params": {"service": "web"}}


def series(*points: tuple[float, float | None]) -> dict[str, Any]:
    now = time.time()
    rows = [[(now - age) * 1000, value] for age, value in points]
    return {"metric": "http.errors", "scope": "service:web", "interval": 10, "pointlist": rows}


def ok(*found: dict[str, Any]) -> dict[str, Any]:
    return {"status": "ok", "res_type": "time_series", "series": list(found), "from_date": 0, "to_date": 0}


async def ask(url: str, query: Mapping[str, Any]) -> float | None:
    source = DatadogSource(f"{url}/", Secret("api"), Secret("app"), max_age_s=120)
    found = DatadogTelemetry(source, SystemClock())
    try:
        return await found.sample(query)
    finally:
        await found.close()


async def refused(url: str, query: Mapping[str, Any]) -> str:
    with pytest.raises(TargetFault) as caught:
        await ask(url, query)
    return caught.value.code


async def test_the_newest_point_that_is_not_null_counts() -> None:
    with answering({PATH: ok(series((50, 3.0), (40, 4.0), (30, None)))}) as url:
        assert await ask(url, ERRORS) == 4.0
    (asked,) = url.queries
    query = dict(asked)
    assert query["query"] == "sum:http.errors{service:web}.as_rate()"
    assert int(query["to"]) - int(query["from"]) == 300
    assert (url.headers[0]["dd-api-key"], url.headers[0]["dd-application-key"]) == ("api", "app")


@pytest.mark.parametrize("found", [ok(), ok(series()), ok(series((10, None))), ok(series((200, 5.0)))])
async def test_no_series_no_point_or_an_old_one_is_no_data(found: dict[str, Any]) -> None:
    with answering({PATH: found}) as url:
        assert await ask(url, ERRORS) is None


async def test_several_series_are_a_fault() -> None:
    with answering({PATH: ok(series((10, 1.0)), series((10, 2.0)))}) as url:
        assert await refused(url, ERRORS) == "DATADOG_SERIES_MANY"


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "error", "error": "rate limit"},
        {"status": "ok", "error": "partial", "series": []},
        {"status": "ok"},
        ok({"pointlist": None}),
        ok({"pointlist": [[1]]}),
        ok({"pointlist": [[None, 1]]}),
        [],
    ],
)
async def test_an_answer_of_another_shape_is_a_fault(answer: Any) -> None:
    with answering({PATH: answer}) as url:
        assert await refused(url, ERRORS) == "DATADOG_ANSWER"


@pytest.mark.parametrize("value", ["web} by {host", "a b", "", "*,env:prod", "wéb"])
async def test_a_parameter_is_only_a_tag(value: str) -> None:
    assert await refused("http://127.0.0.1:1", ERRORS | {"params": {"service": value}}) == "QUERY_MALFORMED"


async def test_a_query_that_is_not_understood_is_refused_and_a_site_that_is_down_is_a_fault() -> None:
    nowhere = "http://127.0.0.1:1"
    assert await refused(nowhere, {"query": "avg:x{$a}"}) == "QUERY_MALFORMED"
    assert await refused(nowhere, ERRORS | {"from": 1}) == "QUERY_MALFORMED"
    assert await refused(nowhere, {"query": "x" * 5000}) == "QUERY_MALFORMED"
    assert await refused(nowhere, ERRORS) == "TARGET_UNREACHABLE"
    with answering({PATH: 403}) as url:
        assert await refused(url, ERRORS) == "HTTP_STATUS"
