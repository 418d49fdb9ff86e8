"""A change that raises the error ratio is rolled back because a real Prometheus says so; no data never commits it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from gateway.adapters.clock import SystemClock
from gateway.cli.demo.monitoring import Prometheus
from gateway.core.canonical import digest
from gateway.executor.config_telemetry import PrometheusSource
from gateway.executor.telemetry.prometheus import PrometheusTelemetry
from gateway.ports_target import Telemetry
from tests.e2e.telemetry import PROVIDER, Constant, Waited, sampled_lab
from tests.fakes.world import Lab
from tests.fixtures_k8s import eventually
from tests.fixtures_prometheus import App
from tests.service.say import records

pytestmark = [pytest.mark.anyio, pytest.mark.alone, pytest.mark.paired]
INTERVAL_MS = 3_000
_ALL = 'sum(increase(http_requests_total{job="$job"}[60s]))'
_BAD = 'sum(increase(http_requests_total{job="$job",code="500"}[60s]))'
RATIO = f"({_BAD} or vector(0)) / {_ALL}"


def check(job: str, **more: Any) -> dict[str, Any]:
    query = {"promql": RATIO, "params": {"job": job}}
    return {"name": "error-ratio", "kind": "not_worse", "limit": 0.05, "provider": PROVIDER, "query": query} | more


@asynccontextmanager
async def asked(url: str) -> AsyncIterator[PrometheusTelemetry]:
    source = PrometheusTelemetry(PrometheusSource(f"{url}/", timeout_s=20), SystemClock())
    try:
        yield source
    finally:
        await source.close()


class Shop:
    """Apps that serve before each sample; Prometheus has scraped what they served when the sample is taken."""

    def __init__(self, server: Prometheus, *apps: App) -> None:
        self.apps = apps
        self.server = server
        self.served = 0
        self.good, self.bad = 10, 0
        self.lab: Lab | None = None
        for app in apps:  # so that the first error is an increase, and that there is a first sample
            app.metrics.requests.labels(app.job, "500")
            eventually(partial(self._counted, app), what="the first request is scraped")

    def serve(self) -> None:
        """Serve requests; where a lab is watched, a bad change in force fails four of ten until it is undone."""
        history = [] if self.lab is None else self.lab.target.history
        good, bad = (6, 4) if history and history[-1][0] == "apply" else (500, 0) if history else (self.good, self.bad)
        for app in self.apps:
            app.serve(good=good, bad=bad)
        self.served += good + bad

    def known(self) -> bool:
        """Tell whether everything that was served has been scraped."""
        return all(self._counted(app) >= self.served + 1 for app in self.apps)

    def _counted(self, app: App) -> float:
        return sum(value for _, value in self.server.query(f'sum(http_requests_total{{job="{app.job}"}})'))

    def watched_by(self, source: Telemetry) -> Waited:
        """Return a source that is asked after each round of requests."""
        return Waited(source, self.serve, known=self.known)


async def rolled_back_within_two_intervals(source: Telemetry, server: Prometheus, app: App) -> None:
    """The scenario, with whatever source; raises AssertionError where the change is not rolled back in time."""
    shop = Shop(server, app)
    async with sampled_lab(shop.watched_by(source), [check(app.job)]) as made:
        shop.lab = made
        view = await made.settled()
        assert view.state == "VERIFYING"
        view = await made.after(2 * INTERVAL_MS + 1, view.id)
        verdicts = [leaf.body["verdict"] for leaf in await records(made, view.id) if leaf.kind.value == "CM1015"]
        assert verdicts[:1] == ["harmed"]
        assert [deed for deed, _, _ in made.target.history] == ["apply", "undo"]
        view = await made.after(3 * INTERVAL_MS, view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_HARMED")


async def test_a_change_that_raises_the_error_ratio_is_rolled_back_within_two_intervals(
    prometheus: Prometheus, scraped: App
) -> None:
    async with asked(prometheus.url) as source:
        await rolled_back_within_two_intervals(source, prometheus, scraped)


async def test_with_verification_stubbed_the_same_scenario_fails(prometheus: Prometheus, scraped: App) -> None:
    with pytest.raises(AssertionError):
        await rolled_back_within_two_intervals(Constant(0.0), prometheus, scraped)


async def test_a_change_that_does_not_is_kept_with_its_samples_and_queries_in_the_log(
    prometheus: Prometheus, scraped: App
) -> None:
    async with asked(prometheus.url) as source:
        telemetry = Shop(prometheus, scraped).watched_by(source)
        async with sampled_lab(telemetry, [check(scraped.job)], window_s=12) as made:
            view = await made.settled()
            view = await made.after(13_000, view.id)
            assert view.state == "COMMITTED"
            leaves = await records(made, view.id)
    [verdict] = [leaf.body for leaf in leaves if leaf.kind.value == "CM1015"]
    [asked_for] = verdict["profiles"]
    assert asked_for["query"] == {"promql": RATIO, "params": {"job": scraped.job}}
    rounds = [leaf.body for leaf in leaves if leaf.kind.value == "CM1014"]
    assert len(rounds) >= 3
    assert {each["profile"] for each in rounds} == {digest(verdict["profiles"])}
    assert all(sample["value"] == 0 for each in rounds for sample in each["samples"])


@pytest.mark.parametrize(("on", "state"), [("undo", "UNDONE"), ("needs_human", "NEEDS_HUMAN")])
async def test_an_empty_vector_never_commits(prometheus: Prometheus, on: str, state: str) -> None:
    never = check("nobody", query={"promql": 'sum(http_requests_total{job="nobody"})'})
    async with asked(prometheus.url) as source, sampled_lab(Waited(source), [never], on_inconclusive=on) as made:
        view = await made.settled()
        view = await made.after(60_000, view.id)
        assert (view.state, view.reason) == (state, "VERIFICATION_INCONCLUSIVE")


@pytest.mark.parametrize(("on", "state"), [("undo", "UNDONE"), ("needs_human", "NEEDS_HUMAN")])
async def test_prometheus_down_is_inconclusive_and_ends_as_the_profile_says(on: str, state: str) -> None:
    checks = [check("web", errors=2)]
    async with asked("http://127.0.0.1:1") as source, sampled_lab(Waited(source), checks, on_inconclusive=on) as made:
        view = await made.settled()
        early = await made.after(5 * INTERVAL_MS, view.id)
        assert early.reason == "VERIFICATION_INCONCLUSIVE", "silence is not waited out"
        view = await made.after(120_000, view.id)
        assert (view.state, view.reason) == (state, "VERIFICATION_INCONCLUSIVE")


async def test_errors_that_untouched_peers_have_too_do_not_roll_back(prometheus: Prometheus, scraped: App) -> None:
    peers = App(scraped.metrics, f"{scraped.job}_peers")
    peers.serve(good=1)
    control = {"promql": RATIO, "params": {"job": peers.job}}
    shop = Shop(prometheus, scraped, peers)
    async with asked(prometheus.url) as source:
        compared = check(scraped.job, control=control, limit=0.3)
        async with sampled_lab(shop.watched_by(source), [compared], window_s=12) as made:
            view = await made.settled()
            shop.good, shop.bad = 5, 5
            view = await made.after(13_000, view.id)
            assert view.state == "COMMITTED"
