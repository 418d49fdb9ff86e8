"""A real Prometheus and Alertmanager for tests: one of each a session; tests use job and alert names of their own."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, start_http_server

from gateway.cli.demo.monitoring import Alertmanager, Prometheus, find, running_alertmanager, running_prometheus


class Metrics:
    """One page that Prometheus scrapes for all apps of a session.

    A target that is named later is scraped 5 s later only, so apps come and go on this page under a job of their own.
    """

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.requests = Counter("http_requests", "Requests by status.", ["job", "code"], registry=registry)
        self._server, self._thread = start_http_server(0, addr="127.0.0.1", registry=registry)

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass(frozen=True, slots=True)
class App:
    """Something that is scraped under a job of its own; the test says how many requests there were."""

    metrics: Metrics
    job: str

    def serve(self, good: int, bad: int = 0) -> None:
        """Count requests that were answered with 200, and with 500."""
        self.metrics.requests.labels(self.job, "200").inc(good)
        if bad:
            self.metrics.requests.labels(self.job, "500").inc(bad)


def program(name: str) -> Path:
    """Return a program, or skip the test; where it must be there (CI), fail."""
    found = find(name)
    if found is None:
        missing = f"{name} is not there: make monitoring"
        if os.environ.get("COUNTERMAND_REQUIRE_MONITORING"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture(scope="session")
def alertmanager() -> Iterator[Alertmanager]:
    with running_alertmanager(program("prometheus-alertmanager")) as server:
        yield server


@pytest.fixture(scope="session")
def metrics() -> Iterator[Metrics]:
    with contextlib.closing(Metrics()) as page:
        yield page


@pytest.fixture(scope="session")
def prometheus(alertmanager: Alertmanager, metrics: Metrics) -> Iterator[Prometheus]:
    """One server that scrapes `metrics` each second and sends its alerts to `alertmanager`."""
    with running_prometheus(program("prometheus"), alertmanager) as server:
        server.scrape("apps", [metrics.port])
        yield server


@pytest.fixture
def scraped(prometheus: Prometheus, metrics: Metrics) -> App:
    """An app that nobody has seen yet, with one request served."""
    del prometheus
    app = App(metrics, f"job_{secrets.token_hex(4)}")
    app.serve(good=1)
    return app
