"""Settings of the telemetry sources that are reached over HTTP, and of a cluster's own word; and how they are read.

    telemetry:
      prometheus:   {kind: prometheus, base_url: "http://127.0.0.1:9090/", token_file: prometheus.token}
      alertmanager: {kind: alertmanager, base_url: "http://127.0.0.1:9093/"}
      datadog:      {kind: datadog, base_url: "https://api.datadoghq.eu/", api_key_file: dd.api,
                     application_key_file: dd.app}
      kubernetes:   {kind: kubernetes, scopes: [prod-eu]}      # without scopes: every cluster of this executor

A base URL is written whole and ends in a slash; nothing comes from the environment and no proxy is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.executor.config_kubernetes import KubernetesScope
from gateway.executor.secret import Secret
from gateway.executor.section import Section


@dataclass(frozen=True, slots=True)
class PrometheusSource:
    """Instant queries of one Prometheus, or of what speaks its API (Thanos, Mimir, VictoriaMetrics)."""

    base_url: str
    """The URL that `api/v1/query` is below."""
    token: Secret | None = None
    """Sent as a bearer token."""
    tenant: str = ""
    """Sent as `X-Scope-OrgID`."""
    timeout_s: int = 5
    max_age_s: int = 120
    """A sample older than this is no data, unless a query says less or more."""


@dataclass(frozen=True, slots=True)
class AlertmanagerSource:
    """The alerts of one Alertmanager."""

    base_url: str
    """The URL that `api/v2/alerts` is below."""
    token: Secret | None = None
    """Sent as a bearer token."""
    timeout_s: int = 5


@dataclass(frozen=True, slots=True)
class DatadogSource:
    """Metrics of one Datadog site."""

    base_url: str
    """The site's API, such as `https://api.datadoghq.eu/`."""
    api_key: Secret
    application_key: Secret
    timeout_s: int = 10
    max_age_s: int = 180
    """A point older than this is no data, unless a query says less or more."""


@dataclass(frozen=True, slots=True)
class KubernetesSource:
    """What clusters say about their own objects, read as the scope's identity for reads."""

    scopes: Mapping[str, KubernetesScope]
    """The clusters that may be asked."""


HttpTelemetrySource = PrometheusSource | AlertmanagerSource | DatadogSource


def prometheus(part: Section) -> PrometheusSource:
    """Read a Prometheus source; raises ConfigFault."""
    return PrometheusSource(
        base_url=base_url(part),
        token=part.secret("token"),
        tenant=part.text("tenant", ""),
        timeout_s=part.integer("timeout_s", 5, 1, 60),
        max_age_s=part.integer("max_age_s", 120, 1, 3_600),
    )


def alertmanager(part: Section) -> AlertmanagerSource:
    """Read an Alertmanager source; raises ConfigFault."""
    return AlertmanagerSource(base_url(part), part.secret("token"), part.integer("timeout_s", 5, 1, 60))


def datadog(part: Section) -> DatadogSource:
    """Read a Datadog source; raises ConfigFault."""
    return DatadogSource(
        base_url=base_url(part),
        api_key=part.need_secret("api_key"),
        application_key=part.need_secret("application_key"),
        timeout_s=part.integer("timeout_s", 10, 1, 60),
        max_age_s=part.integer("max_age_s", 180, 1, 86_400),
    )


def kubernetes(part: Section, clusters: Mapping[str, KubernetesScope]) -> KubernetesSource:
    """Read which of the configured clusters may be asked; raises ConfigFault."""
    names = part.texts("scopes") or tuple(clusters)
    unknown = sorted(set(names) - clusters.keys())
    if unknown or not names:
        raise part.fault("scopes", "must name scopes of the tool kubernetes")
    return KubernetesSource({name: clusters[name] for name in names})


def base_url(part: Section) -> str:
    """Read the URL that all requests of a source stay below; raises ConfigFault."""
    url = part.text("base_url")
    parts = urlsplit(url)
    plain = not parts.query and not parts.fragment and "@" not in parts.netloc
    if parts.scheme not in {"http", "https"} or not parts.hostname or not url.endswith("/") or not plain:
        raise part.fault("base_url", "must be an http or https URL that ends in a slash")
    return url
