"""The alert: watches the metric as Alertmanager would, and sends one signed webhook when it crosses the limit."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.cli.demo import aws
from gateway.cli.demo.firing import fire
from gateway.cli.demo.process import DemoFault
from gateway.cli.demo.workload import NAMESPACE_DATABASE

LIMIT = 24
"""Connections above which somebody is woken up."""
_POLL_S = 0.25


def wait_and_fire(url: str, gateway: str, secret: bytes, timeout_s: float) -> float:
    """Wait until the metric is above the limit, post the alert, return the value; raises DemoFault if it never is."""
    end = time.monotonic() + timeout_s
    with aws.client(url, "cloudwatch") as metrics:
        while time.monotonic() < end:
            value = _newest(metrics)
            if value is not None and value > LIMIT:
                labels = {"alertname": "DatabaseConnectionsHigh", "severity": "critical", "instance": aws.DATABASE}
                fire(gateway, secret, labels, f"{value:.0f} connections to {aws.DATABASE}, more than {LIMIT}")
                return value
            time.sleep(_POLL_S)
    raise DemoFault(f"the database never had more than {LIMIT} connections: the fault did not break it")


def _newest(metrics: Any) -> float | None:
    """Return the newest value of DatabaseConnections that CloudWatch has, or None."""
    now = datetime.now(UTC)
    found = metrics.get_metric_statistics(
        Namespace=NAMESPACE_DATABASE, MetricName="DatabaseConnections", Period=1, Statistics=["Maximum"],
        Dimensions=[{"Name": "DBInstanceIdentifier", "Value": aws.DATABASE}],
        StartTime=now - timedelta(seconds=5), EndTime=now + timedelta(seconds=2),
    )["Datapoints"]  # fmt: skip
    points = sorted(found, key=lambda point: point["Timestamp"])
    return float(points[-1]["Maximum"]) if points else None
