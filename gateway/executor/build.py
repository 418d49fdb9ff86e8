"""From settings to targets and telemetry; a technology's library is imported only when a scope needs it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from gateway.executor.announce import Catalogue, Discovered
from gateway.executor.config import (
    AwsScope,
    CloudWatchSource,
    ExecutorConfig,
    GitScope,
    HttpSource,
    PostgresScope,
    ProcessScope,
    Scope,
    Source,
    SqlSource,
)
from gateway.executor.config_kubernetes import KubernetesScope
from gateway.executor.config_telemetry import (
    AlertmanagerSource,
    DatadogSource,
    HttpTelemetrySource,
    KubernetesSource,
    PrometheusSource,
)
from gateway.executor.work import Served
from gateway.ports import Clock
from gateway.ports_target import Target, Telemetry

if TYPE_CHECKING:
    from gateway.executor.telemetry.alertmanager import AlertmanagerTelemetry
    from gateway.executor.telemetry.datadog import DatadogTelemetry
    from gateway.executor.telemetry.prometheus import PrometheusTelemetry

Close = Callable[[], Awaitable[None]]


@asynccontextmanager
async def serving(config: ExecutorConfig, clock: Clock) -> AsyncIterator[Served]:
    """Build everything that is configured, and close it afterwards."""
    async with AsyncExitStack() as stack:
        targets, catalogues = {}, {}
        for name, scope in config.scopes.items():
            tool, target = _target(scope, clock, config.output_bytes)
            stack.push_async_callback(target.close)
            targets[name] = (tool, target)
            if isinstance(scope, KubernetesScope) and isinstance(target, Discovered):
                catalogues[name] = Catalogue(target.discovery, scope.discovery_s)
        telemetry = {}
        for name, source in config.telemetry.items():
            telemetry[name], close = _telemetry(source, clock)
            if close is not None:
                stack.push_async_callback(close)
        yield Served(targets, telemetry, catalogues)


def _target(scope: Scope, clock: Clock, output_bytes: int) -> tuple[str, Target]:
    match scope:
        case PostgresScope():
            from gateway.executor.targets.postgres import PostgresTarget

            return "postgres", PostgresTarget(scope, clock, output_bytes)
        case AwsScope():
            from gateway.executor.targets.aws import AwsTarget

            return "aws", AwsTarget(scope, clock, output_bytes)
        case KubernetesScope():
            from gateway.executor.targets.kubernetes.target import KubernetesTarget

            return "kubernetes", KubernetesTarget(scope, clock, output_bytes)
        case GitScope():
            from gateway.executor.targets.git import GitTarget

            return "git", GitTarget(scope, output_bytes)
        case ProcessScope():
            from gateway.executor.targets.process import ProcessTarget

            return "process", ProcessTarget(scope, clock, output_bytes)


def _telemetry(source: Source, clock: Clock) -> tuple[Telemetry, Close | None]:
    match source:
        case SqlSource():
            from gateway.executor.telemetry.sql import SqlTelemetry

            return SqlTelemetry(source), None
        case CloudWatchSource():
            from gateway.executor.telemetry.cloudwatch import CloudWatchTelemetry

            cloudwatch = CloudWatchTelemetry(source, clock)
            return cloudwatch, cloudwatch.close
        case HttpSource():
            from gateway.executor.telemetry.http import HttpTelemetry

            http = HttpTelemetry(source)
            return http, http.close
        case PrometheusSource() | AlertmanagerSource() | DatadogSource():
            server = _of_server(source, clock)
            return server, server.close
        case KubernetesSource():
            from gateway.executor.telemetry.kubernetes import KubernetesTelemetry

            clusters = KubernetesTelemetry(source)
            return clusters, clusters.close


def _of_server(
    source: HttpTelemetrySource, clock: Clock
) -> "PrometheusTelemetry | AlertmanagerTelemetry | DatadogTelemetry":
    match source:
        case PrometheusSource():
            from gateway.executor.telemetry.prometheus import PrometheusTelemetry

            return PrometheusTelemetry(source, clock)
        case AlertmanagerSource():
            from gateway.executor.telemetry.alertmanager import AlertmanagerTelemetry

            return AlertmanagerTelemetry(source)
        case DatadogSource():
            from gateway.executor.telemetry.datadog import DatadogTelemetry

            return DatadogTelemetry(source, clock)
