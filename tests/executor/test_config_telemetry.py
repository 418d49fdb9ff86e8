"""Telemetry sources of an executor's file: whole URLs, secrets from files, no defaults that data could leak to."""

from pathlib import Path

import pytest

from gateway.errors import ConfigFault
from gateway.executor.config_load import parse
from gateway.executor.config_telemetry import AlertmanagerSource, DatadogSource, KubernetesSource, PrometheusSource

HEAD = "audience: executor/local\ngateway: {address: 'unix:x.sock'}\nkeys: {jwks: keys.json}\n"
CLUSTERS = """
scopes:
  eu: {tool: kubernetes, server: "https://h", ca_file: x, token_file: t, identities: {read: {bootstrap: true}}}
  us: {tool: kubernetes, server: "https://i", ca_file: x, token_file: t, identities: {read: {bootstrap: true}}}
  web-1: {tool: process, commands: {}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "secret").chmod(0o600)
    return tmp_path


def test_every_kind_of_source_is_read(folder: Path) -> None:
    sources = parse(
        HEAD
        + CLUSTERS
        + """
telemetry:
  p: {kind: prometheus, base_url: "http://127.0.0.1:9090/x/", token_file: secret, tenant: a, timeout_s: 3, max_age_s: 9}
  a: {kind: alertmanager, base_url: "http://127.0.0.1:9093/"}
  d: {kind: datadog, base_url: "https://api.datadoghq.eu/", api_key_file: secret, application_key_file: secret}
  all: {kind: kubernetes}
  one: {kind: kubernetes, scopes: [us]}
""",
        folder,
    ).telemetry
    prometheus = sources["p"]
    assert isinstance(prometheus, PrometheusSource)
    assert (prometheus.base_url, prometheus.timeout_s, prometheus.max_age_s) == ("http://127.0.0.1:9090/x/", 3, 9)
    assert prometheus.token is not None
    assert prometheus.token.reveal() == "s3cret"
    assert sources["a"] == AlertmanagerSource("http://127.0.0.1:9093/")
    assert isinstance(sources["d"], DatadogSource)
    every, one = sources["all"], sources["one"]
    assert isinstance(every, KubernetesSource)
    assert isinstance(one, KubernetesSource)
    assert (set(every.scopes), set(one.scopes)) == ({"eu", "us"}, {"us"})


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("{kind: prometheus}", "base_url"),
        ("{kind: prometheus, base_url: 'http://x'}", "base_url"),
        ("{kind: prometheus, base_url: 'ftp://x/'}", "base_url"),
        ("{kind: prometheus, base_url: 'http://user:word@x/'}", "base_url"),
        ("{kind: prometheus, base_url: 'http://x/?y=/'}", "base_url"),
        ("{kind: prometheus, base_url: 'http://x/', max_age_s: 0}", "max_age_s"),
        ("{kind: prometheus, base_url: 'http://x/', proxy: y}", "proxy"),
        ("{kind: datadog, base_url: 'https://x/'}", "api_key"),
        ("{kind: datadog, api_key_file: secret, application_key_file: secret}", "base_url"),
        ("{kind: kubernetes, scopes: [web-1]}", "scopes"),
        ("{kind: kubernetes, scopes: [absent]}", "scopes"),
        ("{kind: graphite}", "kind"),
    ],
)
def test_a_source_that_is_not_whole_is_refused_with_its_place(folder: Path, source: str, place: str) -> None:
    with pytest.raises(ConfigFault, match=f"executor.telemetry.s.{place}"):
        parse(HEAD + CLUSTERS + f"telemetry: {{s: {source}}}", folder)


def test_without_a_cluster_there_is_nothing_to_ask(folder: Path) -> None:
    with pytest.raises(ConfigFault, match=r"telemetry\.s\.scopes"):
        parse(HEAD + "telemetry: {s: {kind: kubernetes}}", folder)
