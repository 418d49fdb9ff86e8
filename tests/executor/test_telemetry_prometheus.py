"""Samples from a real Prometheus: no data is never a number, and a number is never of another series."""

import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.adapters.clock import SystemClock
from gateway.cli.demo.monitoring import Prometheus
from gateway.errors import TargetFault
from gateway.executor.config_telemetry import PrometheusSource
from gateway.executor.secret import Secret
from gateway.executor.telemetry.prometheus import PrometheusTelemetry
from tests.executor.answers import answering
from tests.fixtures_k8s import eventually
from tests.fixtures_prometheus import App

pytestmark = pytest.mark.anyio
RATIO = 'sum(http_requests_total{job="$job",code="500"}) / sum(http_requests_total{job="$job"})'
TOTAL = 'http_requests_total{job="$job"}'


@asynccontextmanager
async def sampler(url: str, **more: Any) -> AsyncIterator[PrometheusTelemetry]:
    found = PrometheusTelemetry(PrometheusSource(f"{url}/", **more), SystemClock())
    try:
        yield found
    finally:
        await found.close()


async def sample(server: Prometheus, query: Mapping[str, Any]) -> float | None:
    async with sampler(server.url) as found:
        return await found.sample(query)


async def refused(url: str, query: Mapping[str, Any]) -> str:
    async with sampler(url) as found:
        with pytest.raises(TargetFault) as caught:
            await found.sample(query)
    return caught.value.code


def seen(server: Prometheus, app: App, code: str = "200") -> None:
    eventually(lambda: server.query(f'http_requests_total{{job="{app.job}",code="{code}"}}'))


async def test_one_series_is_its_value(prometheus: Prometheus, scraped: App) -> None:
    seen(prometheus, scraped)
    assert await sample(prometheus, {"promql": TOTAL, "params": {"job": scraped.job}}) == 1
    assert await sample(prometheus, {"promql": "scalar(vector(7))"}) == 7


async def test_before_the_first_error_there_is_no_data(prometheus: Prometheus, scraped: App) -> None:
    seen(prometheus, scraped)
    ratio = {"promql": RATIO, "params": {"job": scraped.job}}
    assert await sample(prometheus, ratio) is None
    scraped.serve(good=2, bad=1)
    seen(prometheus, scraped, "500")
    assert await sample(prometheus, ratio) == 0.25


@pytest.mark.parametrize("promql", ["vector(0) / vector(0)", "vector(1) / vector(0)", "scalar(absent_metric)"])
async def test_what_is_no_finite_number_is_no_data(prometheus: Prometheus, promql: str) -> None:
    assert await sample(prometheus, {"promql": promql}) is None


async def test_several_series_are_a_fault_unless_an_aggregate_is_named(prometheus: Prometheus, scraped: App) -> None:
    scraped.serve(good=2, bad=6)
    seen(prometheus, scraped, "500")
    query = {"promql": TOTAL, "params": {"job": scraped.job}}
    assert await refused(prometheus.url, query) == "PROMETHEUS_SERIES_MANY"
    for aggregate, value in (("sum", 9), ("max", 6), ("min", 3), ("avg", 4.5)):
        assert await sample(prometheus, query | {"aggregate": aggregate}) == value
    assert await refused(prometheus.url, query | {"aggregate": "median"}) == "QUERY_MALFORMED"


async def test_a_parameter_is_only_a_label_value(prometheus: Prometheus, scraped: App) -> None:
    seen(prometheus, scraped)
    injected = {"promql": TOTAL, "params": {"job": f'x"}} or http_requests_total{{job="{scraped.job}'}}
    assert await sample(prometheus, injected) is None


async def test_a_series_that_is_not_written_any_more_is_no_data(prometheus: Prometheus) -> None:
    name = f"recorded_{secrets.token_hex(4)}"
    prometheus.rules(name, [{"name": name, "rules": [{"record": name, "expr": "vector(1)"}]}])
    eventually(lambda: prometheus.query(name))
    assert await sample(prometheus, {"promql": name}) == 1
    prometheus.rules(name, [])
    eventually(lambda: not prometheus.query(name), what="the series is stale")
    assert await sample(prometheus, {"promql": name}) is None


async def test_the_server_is_told_how_far_to_look_back() -> None:
    with answering({"/api/v1/query": vector((time.time(), "1"))}) as url:
        async with sampler(url, max_age_s=60) as found:
            await found.sample({"promql": "up"})
    assert dict(url.queries[0])["lookback_delta"] == "60s"


async def test_a_number_made_of_old_samples_is_no_data(prometheus: Prometheus, scraped: App) -> None:
    series = f'http_requests_total{{job="{scraped.job}"}}'
    eventually(lambda: prometheus.query(f"{series} offset 4s"), what="the series is four seconds old")
    query = {"promql": TOTAL, "params": {"job": scraped.job}, "max_age_s": 3}
    assert await sample(prometheus, query | {"freshness": TOTAL}) == 1
    assert await sample(prometheus, query | {"freshness": f"{TOTAL} offset 4s"}) is None
    assert await sample(prometheus, query | {"freshness": "absent_metric"}) is None


async def test_an_expression_that_prometheus_refuses_is_a_fault(prometheus: Prometheus) -> None:
    assert await refused(prometheus.url, {"promql": "sum("}) == "HTTP_STATUS"
    assert await refused(prometheus.url, {"promql": "up[5m]"}) == "PROMETHEUS_ANSWER"
    assert await refused(prometheus.url, {"promql": "up", "quary": "x"}) == "QUERY_MALFORMED"
    assert await refused(prometheus.url, {"promql": "up", "params": {"job": ["x"]}}) == "QUERY_MALFORMED"
    assert await refused("http://127.0.0.1:1", {"promql": "up"}) == "TARGET_UNREACHABLE"


def vector(*values: tuple[float, str], **more: Any) -> dict[str, Any]:
    result = [{"metric": {}, "value": list(value)} for value in values]
    return {"status": "success", "data": {"resultType": "vector", "result": result}} | more


async def test_an_old_answer_is_no_data_and_a_partial_one_a_fault() -> None:
    now = time.time()
    with answering({"/api/v1/query": vector((now, "4"))}) as url:
        async with sampler(url) as found:
            assert await found.sample({"promql": "up"}) == 4
    with answering({"/api/v1/query": vector((now - 300, "4"))}) as url:
        async with sampler(url, max_age_s=60) as found:
            assert await found.sample({"promql": "up"}) is None
            assert await found.sample({"promql": "up", "max_age_s": 900}) == 4
    with answering({"/api/v1/query": vector((now, "4"), warnings=["a store did not answer"])}) as url:
        assert await refused(url, {"promql": "up"}) == "PROMETHEUS_PARTIAL"
    with answering({"/api/v1/query": vector((now, "4"), (now, "NaN"))}) as url:
        async with sampler(url) as found:
            assert await found.sample({"promql": "up", "aggregate": "sum"}) is None


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "error"},
        [],
        {"status": "success"},
        {"status": "success", "data": {"resultType": "vector", "result": [{}]}},
        {"status": "success", "data": {"resultType": "vector", "result": [{"value": [None, "1"]}]}},
        {"status": "success", "data": {"resultType": "vector", "result": [{"value": [1]}]}},
    ],
)
async def test_an_answer_of_another_shape_is_a_fault(answer: Any) -> None:
    with answering({"/api/v1/query": answer}) as url:
        assert await refused(url, {"promql": "up"}) == "PROMETHEUS_ANSWER"


async def test_token_and_tenant_are_sent_and_redirects_are_not_followed() -> None:
    with answering({"/api/v1/query": vector((time.time(), "1"))}) as url:
        async with sampler(url, token=Secret("s3cret"), tenant="shop") as found:
            await found.sample({"promql": "up"})
    assert url.headers[0]["authorization"] == "Bearer s3cret"
    assert url.headers[0]["x-scope-orgid"] == "shop"
    with answering({"/api/v1/query": 302}) as url:
        assert await refused(url, {"promql": "up"}) == "HTTP_STATUS"
