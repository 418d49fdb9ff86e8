"""Settings of one Kubernetes cluster, and how they are read.

    prod-eu:
      tool: kubernetes
      server: https://10.0.0.1:6443
      ca_file: prod-eu.crt
      token_file: /var/run/secrets/countermand/token          # or client_cert_file and client_key_file
      identities:
        read:  {service_account: countermand/countermand-read}
        write: {service_account: countermand/countermand-write}
      namespaces:
        shop: {write: {service_account: shop/countermand-write}}

Nothing comes from the environment, from ~/.kube/config or from the pod that an executor may run in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gateway.executor.section import Section

_TOKEN_S = 600
"""The shortest life that an API server gives a token."""
_MB = 1_048_576


@dataclass(frozen=True, slots=True)
class KubernetesIdentity:
    """Whom requests of one class are made as; without any of the members: the bootstrap credential itself."""

    service_account: str = ""
    """`NAMESPACE/NAME`: a short-lived token is asked for (TokenRequest), and nothing else is sent."""
    impersonate: str = ""
    """A user; the bootstrap credential needs the verb `impersonate` on it and on the groups."""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KubernetesIdentities:
    """The identities of one namespace, or of all that have none of their own."""

    read: KubernetesIdentity | None = None
    write: KubernetesIdentity | None = None


@dataclass(frozen=True, slots=True)
class KubernetesScope:
    """One cluster."""

    server: str
    ca_file: Path
    token_file: Path | None = None
    """The bootstrap credential; read again when the file changes."""
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    identities: KubernetesIdentities = field(default_factory=KubernetesIdentities)
    namespaces: Mapping[str, KubernetesIdentities] = field(default_factory=dict)
    token_seconds: int = _TOKEN_S
    connect_timeout_s: int = 3
    request_timeout_s: int = 30
    response_bytes: int = 64 * _MB
    """A longer answer is refused while it is read."""
    discovery_s: int = 300
    """How long the kinds that the cluster serves are kept before they are asked for again."""
    follow_s: int = 60
    """The longest that `logs --follow` follows; it ends earlier where the attempt's own time is over."""


def read(part: Section) -> KubernetesScope:
    """Read the settings of a cluster; raises ConfigFault."""
    server = part.text("server").rstrip("/")
    if not _is_server(server):
        raise part.fault("server", "must be an https URL without path, query or user")
    scope = KubernetesScope(
        server=server,
        ca_file=part.path("ca_file"),
        token_file=_file(part, "token_file"),
        client_cert_file=_file(part, "client_cert_file"),
        client_key_file=_file(part, "client_key_file"),
        identities=_whole(part.section("identities")),
        namespaces=part.each("namespaces", _identities),
        token_seconds=part.integer("token_seconds", _TOKEN_S, _TOKEN_S, 3_600),
        connect_timeout_s=part.integer("connect_timeout_s", 3, 1, 60),
        request_timeout_s=part.integer("request_timeout_s", 30, 1, 300),
        response_bytes=part.integer("response_bytes", 64 * _MB, _MB, 1_024 * _MB),
        discovery_s=part.integer("discovery_s", 300, 5, 86_400),
        follow_s=part.integer("follow_s", 60, 1, 600),
    )
    _check(part, scope)
    return scope


def _check(part: Section, scope: KubernetesScope) -> None:
    if (scope.client_cert_file is None) != (scope.client_key_file is None):
        raise part.fault("client_cert_file", "and client_key_file belong together")
    if (scope.token_file is None) == (scope.client_cert_file is None):
        raise part.fault("token_file", "or client_cert_file must be set, and not both")
    if scope.identities.read is None:
        raise part.fault("identities", "must say whom reads are made as: read: {service_account: NAMESPACE/NAME}")


def _is_server(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(parts.hostname) and url == f"https://{parts.netloc}" and "@" not in url


def _file(part: Section, name: str) -> Path | None:
    return part.path(name) if part.has(name) else None


def _whole(part: Section) -> KubernetesIdentities:
    found = _identities(part)
    part.done()
    return found


def _identities(part: Section) -> KubernetesIdentities:
    return KubernetesIdentities(_identity(part, "read"), _identity(part, "write"))


def _identity(part: Section, name: str) -> KubernetesIdentity | None:
    """Read one identity; `bootstrap: true` says that the bootstrap credential itself is meant."""
    if not part.has(name):
        return None
    one = part.section(name)
    found = KubernetesIdentity(one.text("service_account", ""), one.text("impersonate", ""), one.texts("groups"))
    said = bool(found.service_account) + bool(found.impersonate) + one.flag("bootstrap", default=False)
    if said != 1:
        raise part.fault(name, "must have one of service_account, impersonate or bootstrap: true")
    namespace, slash, account = found.service_account.partition("/")
    if found.service_account and not (namespace and slash and account and "/" not in account):
        raise one.fault("service_account", "must be NAMESPACE/NAME")
    if found.groups and not found.impersonate:
        raise one.fault("groups", "go with impersonate")
    one.done()
    return found
