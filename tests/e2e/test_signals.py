"""What users see, as shipped in config/signals: turned on by a site, asked at a real Prometheus and Alertmanager."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, start_http_server

from gateway import strict_yaml
from gateway.adapters.bundle import read_bundle
from gateway.adapters.clock import SystemClock
from gateway.adapters.policy_document import Documents
from gateway.adapters.policy_regorus import engine_of
from gateway.cli.demo.monitoring import Alertmanager, Prometheus
from gateway.executor.config_telemetry import AlertmanagerSource, PrometheusSource
from gateway.executor.telemetry.alertmanager import AlertmanagerTelemetry
from gateway.executor.telemetry.prometheus import PrometheusTelemetry
from tests.e2e.telemetry import Waited
from tests.executor.kubernetes.lab import KubeLab, executor_scope, kube_lab
from tests.executor.kubernetes.rows import deployment
from tests.fakes.mini_bundle import POLICIES
from tests.fixtures_k8s import Cluster, eventually
from tools.policy_cases import cases

pytestmark = [pytest.mark.anyio, pytest.mark.alone, pytest.mark.paired]
SHIPPED = POLICIES / "countermand" / "config" / "signals" / "data.yaml"
SIGNALS: dict[str, Any] = strict_yaml.load(SHIPPED.read_text())
PROFILE = SIGNALS["profiles"]["service-signals"]
INTERVAL_MS = PROFILE["interval_s"] * 1_000


def overlay(folder: Path, *added: dict[str, Any]) -> Path:
    """Write the file of a site that turned the signals on, as docs/kubernetes.md says."""
    (folder / "signals").mkdir()
    site = SIGNALS | {"added": {"kubernetes": list(added)}}
    (folder / "signals" / "data.yaml").write_text(strict_yaml.dump(site))
    return folder


def profiles(case: str, site: Path | None = None) -> list[str]:
    """Return the profiles that the shipped policy names for a case, with a site's overlay or without."""
    bundle = read_bundle(POLICIES, site)
    documents = Documents(bundle)
    data, steps = documents.encode(dict(cases())[case])
    answer = documents.answer(engine_of(bundle).evaluate(data), steps)
    return sorted(each["verify"]["profile"] for each in answer.obligations if each["code"] == "VERIFY")


def test_nothing_is_asked_of_prometheus_until_a_site_says_what_it_measures(tmp_path: Path) -> None:
    assert profiles("k8s_image") == ["workload-health"]
    assert profiles("k8s_image", overlay(tmp_path)) == ["workload-health"]


def test_a_site_that_measures_its_services_has_them_asked_too(tmp_path: Path) -> None:
    site = overlay(tmp_path, {"profile": "service-signals", "operations": ["*.set_image"], "namespaces": ["*"]})
    assert profiles("k8s_image", site) == ["service-signals", "workload-health"]
    assert profiles("k8s_scale", site) == ["workload-health"]


class Service:
    """A service that Prometheus scrapes with the labels of a namespace and a name, good until it is told otherwise."""

    def __init__(self, prometheus: Prometheus, namespace: str, name: str) -> None:
        registry = CollectorRegistry()
        self.requests = Counter("http_requests", "Requests by status.", ["code"], registry=registry)
        self.requests.labels("500")  # the first error is an increase, not a new series
        self.server, self.thread = start_http_server(0, addr="127.0.0.1", registry=registry)
        self.prometheus, self.match = prometheus, f'{{namespace="{namespace}",service="{name}"}}'
        self.bad = 0
        self.served = 0
        labels = {"namespace": namespace, "service": name}
        prometheus.scrape(f"job_{secrets.token_hex(4)}", [self.server.server_port], labels)

    def serve(self) -> None:
        for code, number in (("200", 100 - self.bad), ("500", self.bad)):
            if number:
                self.requests.labels(code).inc(number)
        self.served += 100

    def known(self) -> bool:
        found = self.prometheus.query(f"sum(http_requests_total{self.match})")
        return bool(found) and found[0][1] >= self.served

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def web(prometheus: Prometheus, namespace: str) -> Iterator[Service]:
    with contextlib.closing(Service(prometheus, namespace, "web")) as made:
        made.serve()
        eventually(made.known, what="the service is scraped")
        made.serve()
        eventually(made.known, what="the service is scraped again, so that there is a rate")
        yield made


@asynccontextmanager
async def signalled(
    cluster: Cluster, namespace: str, folder: Path, prometheus: Prometheus, alertmanager: Alertmanager,
    before: Any = lambda: None, known: Any = lambda: True,
) -> AsyncIterator[KubeLab]:  # fmt: skip
    """Run a lab on the cluster that verifies by the shipped profile."""
    ratio = PrometheusTelemetry(PrometheusSource(f"{prometheus.url}/", timeout_s=20), SystemClock())
    alerts = AlertmanagerTelemetry(AlertmanagerSource(f"{alertmanager.url}/"))
    asked, told = Waited(ratio, before, known=known), Waited(alerts)
    alertmanager.fire({"alertname": "Watchdog"})
    eventually(lambda: any(a["labels"]["alertname"] == "Watchdog" for a in alertmanager.alerts()), what="the watchdog")
    async with kube_lab(executor_scope(cluster, folder), namespace) as made:
        at_work = made.clock._busy
        made.clock._busy = lambda: at_work() or asked.busy() or told.busy()
        made.providers |= {"prometheus": asked, "alertmanager": told}
        made.tasks[-1].cancel()
        made.attach()
        made.policy.obligations = [{"code": "VERIFY", "verify": {"profile": "service-signals", **PROFILE}}]
        await made.clock.settle()
        yield made
    await ratio.close()
    await alerts.close()


def image(cluster: Cluster, path: str) -> str:
    return str(cluster.admin.get(path)["spec"]["template"]["spec"]["containers"][0]["image"])


COMMAND = "kubectl -n {ns} set image deployment/web web=shop/web:2"


async def test_a_release_whose_requests_fail_is_taken_back_within_two_intervals(
    cluster: Cluster, namespace: str, tmp_path: Path, prometheus: Prometheus, alertmanager: Alertmanager, web: Service
) -> None:
    path = deployment(cluster, namespace)

    def serve() -> None:
        web.bad = 40 if image(cluster, path) == "shop/web:2" else 0
        web.serve()

    asked = (prometheus, alertmanager, serve, web.known)
    async with signalled(cluster, namespace, tmp_path, *asked) as lab:
        view = await lab.kubectl(COMMAND.format(ns=namespace))
        assert view.state == "VERIFYING"
        view = await lab.after(2 * INTERVAL_MS + 1, view.id)
        assert image(cluster, path) == "shop/web:1.0"
        assert view.reason == "VERIFICATION_HARMED"


async def test_a_release_that_serves_as_before_is_kept(
    cluster: Cluster, namespace: str, tmp_path: Path, prometheus: Prometheus, alertmanager: Alertmanager, web: Service
) -> None:
    path = deployment(cluster, namespace)
    async with signalled(cluster, namespace, tmp_path, prometheus, alertmanager, web.serve, web.known) as lab:
        view = await lab.kubectl(COMMAND.format(ns=namespace))
        view = await lab.after(PROFILE["window_s"] * 1_000 + 1, view.id)
        assert (view.state, view.reason) == ("COMMITTED", "")
    assert image(cluster, path) == "shop/web:2"


async def test_a_service_that_nobody_measures_is_inconclusive_and_never_committed(
    cluster: Cluster, namespace: str, tmp_path: Path, prometheus: Prometheus, alertmanager: Alertmanager
) -> None:
    path = deployment(cluster, namespace)
    async with signalled(cluster, namespace, tmp_path, prometheus, alertmanager) as lab:
        view = await lab.kubectl(COMMAND.format(ns=namespace))
        view = await lab.after(PROFILE["window_s"] * 2_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_INCONCLUSIVE")
    assert image(cluster, path) == "shop/web:1.0"


async def test_an_alert_of_the_namespace_that_fires_after_the_change_takes_it_back(
    cluster: Cluster, namespace: str, tmp_path: Path, prometheus: Prometheus, alertmanager: Alertmanager, web: Service
) -> None:
    path = deployment(cluster, namespace)
    async with signalled(cluster, namespace, tmp_path, prometheus, alertmanager, web.serve, web.known) as lab:
        view = await lab.kubectl(COMMAND.format(ns=namespace))
        assert view.state == "VERIFYING"
        alertmanager.fire({"alertname": "CheckoutBurns", "namespace": namespace})
        fired = partial(_fires, alertmanager, namespace)
        eventually(fired, what="the alert is known")
        view = await lab.after(2 * INTERVAL_MS + 1, view.id)
        assert view.reason == "VERIFICATION_HARMED"
    assert image(cluster, path) == "shop/web:1.0"


def _fires(alertmanager: Alertmanager, namespace: str) -> bool:
    return any(each["labels"].get("namespace") == namespace for each in alertmanager.alerts())
