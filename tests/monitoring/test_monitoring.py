"""The Prometheus of the tests is a real one: it scrapes each second, and its alerts reach Alertmanager."""

import secrets

from gateway.cli.demo.monitoring import Alertmanager, Prometheus
from tests.fixtures_k8s import eventually
from tests.fixtures_prometheus import App, Metrics


def test_what_an_app_counts_is_scraped_with_its_job(prometheus: Prometheus, scraped: App) -> None:
    scraped.serve(good=6)
    counted = f'http_requests_total{{job="{scraped.job}"}} == 7'
    ((labels, value),) = eventually(lambda: prometheus.query(counted))
    assert (labels["code"], value) == ("200", 7)


def test_apps_are_told_apart_by_their_jobs(prometheus: Prometheus, metrics: Metrics, scraped: App) -> None:
    other = App(metrics, f"{scraped.job}_other")
    other.serve(good=5)
    for app, served in ((scraped, 1), (other, 5)):
        ((_, value),) = eventually(lambda app=app: prometheus.query(f'http_requests_total{{job="{app.job}"}}'))
        assert value == served


def test_before_the_first_error_the_ratio_has_no_data(prometheus: Prometheus, scraped: App) -> None:
    eventually(lambda: prometheus.query(f'http_requests_total{{job="{scraped.job}"}}'))
    errors = f'sum(http_requests_total{{job="{scraped.job}",code="500"}})'
    assert prometheus.query(f'{errors} / sum(http_requests_total{{job="{scraped.job}"}})') == []


def test_an_alert_fires_reaches_alertmanager_and_ends(
    prometheus: Prometheus, alertmanager: Alertmanager, scraped: App
) -> None:
    errors = f'sum(increase(http_requests_total{{job="{scraped.job}",code="500"}}[3s])) > 0'
    prometheus.rules(scraped.job, [{"name": scraped.job, "rules": [{"alert": scraped.job, "expr": errors}]}])

    def fires_under_fault() -> bool:
        scraped.serve(good=1, bad=1)
        return scraped.job in _active(alertmanager)

    eventually(fires_under_fault, what="the alert fires")
    eventually(lambda: scraped.job not in _active(alertmanager), what="the alert ends")


def test_an_alert_that_is_posted_is_active_until_its_end(alertmanager: Alertmanager) -> None:
    name = f"posted_{secrets.token_hex(4)}"
    alertmanager.fire({"alertname": name})
    eventually(lambda: name in _active(alertmanager))
    alertmanager.fire({"alertname": name}, ends="2020-01-01T00:00:00Z")
    eventually(lambda: name not in _active(alertmanager))


def _active(alertmanager: Alertmanager) -> set[str]:
    return {alert["labels"]["alertname"] for alert in alertmanager.alerts()}
