"""Settings of an executor, read from one YAML file; secrets come from the file itself or, better, from files of 0600.

    audience: executor/local
    gateway: {address: "unix:/run/countermand/executor.sock"}          # or host:port with token_file, ca_file
    keys: {jwks: keys.json}                                             # the gateway's public keys, pinned here
    limits: {concurrency: 8, output_bytes: 262144}
    scopes:
      orders-db: {tool: postgres, dsn_file: orders.dsn, read_role: countermand_read}
      prod:      {tool: aws, endpoint_url: "https://{prefix}.{region}.amazonaws.com", regions: [eu-west-1],
                  account: "123456789012", access_key_id: AKIA…, secret_access_key_file: aws.key}
      prod-eu:   {tool: kubernetes, server: "https://10.0.0.1:6443", ca_file: eu.crt, token_file: eu.token,
                  identities: {read: {service_account: countermand/countermand-read}}}   # see config_kubernetes.py
      shop-repo: {tool: git, path: /srv/shop.git}
      web-1:     {tool: process, commands: {restart-web: {path: /usr/local/bin/restart-web, cwd: /srv, reads: false}}}
    telemetry:
      orders:    {kind: sql, scope: orders-db, queries: {connections: {sql: "SELECT count(*) FROM pg_stat_activity"}}}
      aws:       {kind: cloudwatch, scope: prod, region: eu-west-1}
      metrics:   {kind: http, base_url: "http://127.0.0.1:9090/"}
      # prometheus, alertmanager, datadog, kubernetes: see config_telemetry

Relative paths start at the folder of the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gateway.executor.config_kubernetes import KubernetesScope
from gateway.executor.config_telemetry import HttpTelemetrySource, KubernetesSource
from gateway.executor.secret import Secret

SqlType = Literal["text", "int", "float"]


@dataclass(frozen=True, slots=True)
class PostgresScope:
    """One database; the DSN's role is the most that any step can do there."""

    dsn: Secret
    read_role: str = ""
    """Reads run as this role (SET ROLE) when set."""
    connect_timeout_s: int = 5
    statement_timeout_ms: int = 10_000
    lock_timeout_ms: int = 2_000
    max_rows: int = 10_000


@dataclass(frozen=True, slots=True)
class AwsScope:
    """One account; nothing is taken from the environment, from ~/.aws or from instance metadata."""

    endpoint_url: str
    """URL of every service; `{prefix}` is the service's endpoint prefix (`monitoring`), `{region}` the region."""
    regions: tuple[str, ...]
    access_key_id: str
    secret_access_key: Secret
    session_token: Secret | None = None
    account: str = ""
    """When set, the credentials are checked once to belong to this account."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """URLs by service name where `endpoint_url` does not fit, such as the global `iam`."""
    connect_timeout_s: int = 3
    read_timeout_s: int = 10


@dataclass(frozen=True, slots=True)
class GitScope:
    """One repository, with a working tree or bare; its own configuration is never read."""

    path: Path
    program: Path = Path("/usr/bin/git")
    timeout_s: int = 20


@dataclass(frozen=True, slots=True)
class Command:
    """A program that a step may run; the word in the step's argv is mapped to `path`."""

    path: Path
    cwd: Path
    reads: bool
    """The program changes nothing: a failure is then known to have had no effect."""
    timeout_s: int = 30
    env: Mapping[str, str] = field(default_factory=dict)
    """The whole environment of the process."""
    cpu_s: int = 60
    memory_mb: int = 1024
    open_files: int = 256


@dataclass(frozen=True, slots=True)
class ProcessScope:
    """One host's programs."""

    commands: Mapping[str, Command]


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A statement that returns one number, with named parameters `%(name)s`."""

    sql: str
    params: Mapping[str, SqlType] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SqlSource:
    """Numbers from a database, by queries that only this file can define."""

    scope: PostgresScope
    queries: Mapping[str, NamedQuery]


@dataclass(frozen=True, slots=True)
class CloudWatchSource:
    """Metrics of one account and region."""

    scope: AwsScope
    region: str


@dataclass(frozen=True, slots=True)
class HttpSource:
    """Numbers from JSON documents below one URL."""

    base_url: str
    token: Secret | None = None
    """Sent as a bearer token."""
    timeout_s: int = 5


Scope = PostgresScope | AwsScope | KubernetesScope | GitScope | ProcessScope
Source = SqlSource | CloudWatchSource | HttpSource | HttpTelemetrySource | KubernetesSource


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """Where to dial; a TCP address beyond this machine needs TLS (`ca_file`)."""

    address: str
    token: Secret | None = None
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class ExecutorConfig:
    """Everything an executor knows before it dials its gateway."""

    audience: str
    gateway: GatewayAddress
    jwks: Path
    """The trusted public keys; read again when the file changes."""
    scopes: Mapping[str, Scope]
    telemetry: Mapping[str, Source] = field(default_factory=dict)
    concurrency: int = 8
    output_bytes: int = 262_144
    """Output of a step beyond this is dropped and marked as truncated."""
    report_patience_s: int = 60
    """How long a result is offered to a gateway that does not answer."""
