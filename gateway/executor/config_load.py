"""From the YAML file to ExecutorConfig; raises ConfigFault that names the place of the mistake."""

import ipaddress
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from gateway import strict_yaml
from gateway.errors import ConfigFault
from gateway.executor import config_kubernetes, config_telemetry
from gateway.executor.config import (
    AwsScope,
    CloudWatchSource,
    Command,
    ExecutorConfig,
    GatewayAddress,
    GitScope,
    HttpSource,
    NamedQuery,
    PostgresScope,
    ProcessScope,
    Scope,
    Source,
    SqlSource,
    SqlType,
)
from gateway.executor.config_kubernetes import KubernetesScope
from gateway.executor.section import Section

_DAY_S = 86_400


def load(path: Path) -> ExecutorConfig:
    """Read the settings of an executor from a file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigFault("EXECUTOR_CONFIG", f"{path} cannot be read: {exc}") from exc
    return parse(text, path.resolve().parent)


def parse(text: str, folder: Path) -> ExecutorConfig:
    """Read the settings from YAML; relative paths start at `folder`."""
    try:
        document = strict_yaml.load(text)
    except ValueError as exc:
        raise ConfigFault("EXECUTOR_CONFIG", f"the executor configuration is not YAML: {exc}") from exc
    root = Section(document, "executor", folder)
    scopes = root.each("scopes", _scope)
    limits = root.section("limits")
    keys = root.section("keys")
    config = ExecutorConfig(
        audience=root.text("audience"),
        gateway=_whole(root.section("gateway"), _gateway),
        jwks=keys.path("jwks"),
        scopes=scopes,
        telemetry=root.each("telemetry", lambda part: _source(part, scopes)),
        concurrency=limits.integer("concurrency", 8, 1, 256),
        output_bytes=limits.integer("output_bytes", 262_144, 1_024, 3 * 1_024 * 1_024),
        report_patience_s=limits.integer("report_patience_s", 60, 1, 3_600),
    )
    for part in (keys, limits, root):
        part.done()
    return config


def _whole(part: Section, read: Callable[[Section], GatewayAddress]) -> GatewayAddress:
    value = read(part)
    part.done()
    return value


def _gateway(part: Section) -> GatewayAddress:
    address = part.text("address")
    if address.startswith("unix:"):
        address = f"unix:{part.at(address.removeprefix('unix:'))}"
    ca_file = part.path("ca_file") if part.has("ca_file") else None
    if not address.startswith("unix:") and ca_file is None and not _loopback(address):
        raise part.fault("address", "is beyond this machine: set ca_file to use TLS")
    return GatewayAddress(address, part.secret("token"), ca_file)


def _loopback(address: str) -> bool:
    host = urlsplit(f"//{address}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _scope(part: Section) -> Scope:
    tool = part.text("tool")
    reader = _SCOPES.get(tool)
    if reader is None:
        raise part.fault("tool", f"must be one of {', '.join(sorted(_SCOPES))}")
    return reader(part)


def _postgres(part: Section) -> PostgresScope:
    return PostgresScope(
        dsn=part.need_secret("dsn"),
        read_role=part.text("read_role", ""),
        connect_timeout_s=part.integer("connect_timeout_s", 5, 1, 60),
        statement_timeout_ms=part.integer("statement_timeout_ms", 10_000, 10, 600_000),
        lock_timeout_ms=part.integer("lock_timeout_ms", 2_000, 10, 60_000),
        max_rows=part.integer("max_rows", 10_000, 1, 1_000_000),
    )


def _aws(part: Section) -> AwsScope:
    regions = part.texts("regions")
    if not regions:
        raise part.fault("regions", "must name at least one region")
    endpoints = part.text_map("endpoints")
    endpoint_url = part.text("endpoint_url")
    for url in (endpoint_url, *endpoints.values()):
        if not _is_endpoint(url):
            raise part.fault("endpoint_url", "must be an http or https URL, with {prefix}, {service}, {region} at most")
    return AwsScope(
        endpoint_url=endpoint_url,
        regions=regions,
        access_key_id=part.text("access_key_id"),
        secret_access_key=part.need_secret("secret_access_key"),
        session_token=part.secret("session_token"),
        account=part.text("account", ""),
        endpoints=endpoints,
        connect_timeout_s=part.integer("connect_timeout_s", 3, 1, 60),
        read_timeout_s=part.integer("read_timeout_s", 10, 1, 300),
    )


def _is_endpoint(url: str) -> bool:
    try:
        filled = urlsplit(url.format(prefix="x", service="x", region="x"))
    except (KeyError, IndexError, ValueError):
        return False
    return filled.scheme in {"http", "https"} and bool(filled.netloc)


def _git(part: Section) -> GitScope:
    return GitScope(
        path=_absolute(part, "path"),
        program=_absolute(part, "program", "/usr/bin/git"),
        timeout_s=part.integer("timeout_s", 20, 1, 600),
    )


def _process(part: Section) -> ProcessScope:
    return ProcessScope(part.each("commands", _command))


def _command(part: Section) -> Command:
    return Command(
        path=_absolute(part, "path"),
        cwd=_absolute(part, "cwd"),
        reads=part.flag("reads"),
        timeout_s=part.integer("timeout_s", 30, 1, 3_600),
        env=part.text_map("env"),
        cpu_s=part.integer("cpu_s", 60, 1, _DAY_S),
        memory_mb=part.integer("memory_mb", 1_024, 16, 1_048_576),
        open_files=part.integer("open_files", 256, 8, 65_536),
    )


def _absolute(part: Section, name: str, default: str | None = None) -> Path:
    path = part.path(name, default)
    if not path.is_absolute():
        raise part.fault(name, "must be an absolute path")
    return path


_SCOPES: Mapping[str, Callable[[Section], Scope]] = {
    "postgres": _postgres,
    "aws": _aws,
    "kubernetes": config_kubernetes.read,
    "git": _git,
    "process": _process,
}


_HTTP_SOURCES: Mapping[str, Callable[[Section], Source]] = {
    "prometheus": config_telemetry.prometheus,
    "alertmanager": config_telemetry.alertmanager,
    "datadog": config_telemetry.datadog,
}


def _source(part: Section, scopes: Mapping[str, Scope]) -> Source:
    kind = part.text("kind")
    if kind == "http":
        return _http(part)
    if kind in _HTTP_SOURCES:
        return _HTTP_SOURCES[kind](part)
    if kind == "kubernetes":
        clusters = {name: scope for name, scope in scopes.items() if isinstance(scope, KubernetesScope)}
        return config_telemetry.kubernetes(part, clusters)
    if kind not in {"sql", "cloudwatch"}:
        known = sorted({"http", "kubernetes", "sql", "cloudwatch", *_HTTP_SOURCES})
        raise part.fault("kind", f"must be one of {', '.join(known)}")
    scope = scopes.get(part.text("scope"))
    if kind == "sql" and isinstance(scope, PostgresScope):
        return SqlSource(scope, part.each("queries", _query))
    if kind == "cloudwatch" and isinstance(scope, AwsScope):
        region = part.text("region", scope.regions[0])
        if region not in scope.regions:
            raise part.fault("region", "is not one of the scope's regions")
        return CloudWatchSource(scope, region)
    raise part.fault("scope", f"must name a scope that a {kind} source can use")


def _query(part: Section) -> NamedQuery:
    params = part.text_map("params")
    for name, kind in params.items():
        if kind not in {"text", "int", "float"}:
            raise part.fault(f"params.{name}", "must be text, int or float")
    return NamedQuery(part.text("sql"), cast("dict[str, SqlType]", params))


def _http(part: Section) -> HttpSource:
    url = config_telemetry.base_url(part)
    return HttpSource(url, part.secret("token"), part.integer("timeout_s", 5, 1, 60))
