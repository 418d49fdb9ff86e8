"""The settings of an executor: what is misspelt, missing or open to others is refused at its place."""

from pathlib import Path

import pytest

from gateway.errors import ConfigFault
from gateway.executor import config as shapes
from gateway.executor.claims import TrustedKeys
from gateway.executor.config_kubernetes import KubernetesIdentity
from gateway.executor.config_load import load, parse

CLUSTER = "scopes: {{c: {{tool: kubernetes, server: 'https://h', ca_file: x, {}}}}}"
HEAD = "audience: executor/local\ngateway: {address: 'unix:/run/x.sock'}\nkeys: {jwks: keys.json}\n"
WHOLE = """
audience: executor/local
gateway: {address: "gateway.example:7443", token_file: token, ca_file: ca.pem}
keys: {jwks: keys.json}
limits: {concurrency: 3, output_bytes: 2048, report_patience_s: 5}
scopes:
  orders-db: {tool: postgres, dsn_file: token, read_role: reader, statement_timeout_ms: 500}
  prod: {tool: aws, endpoint_url: "https://{prefix}.{region}.aws.test", regions: [eu-west-1], account: "1",
         access_key_id: AKIA, secret_access_key_file: token, endpoints: {iam: "https://iam.aws.test"}}
  eu: {tool: kubernetes, server: "https://10.0.0.1:6443/", ca_file: eu.crt, token_file: token,
       identities: {read: {service_account: countermand/reader}}, namespaces: {shop: {write: {bootstrap: true}}}}
  repo: {tool: git, path: /srv/repo}
  web: {tool: process, commands: {restart: {path: /bin/true, cwd: /, reads: false, env: {LANG: C}}}}
telemetry:
  orders: {kind: sql, scope: orders-db, queries: {n: {sql: "SELECT %(x)s", params: {x: int}}}}
  metrics: {kind: cloudwatch, scope: prod}
  prometheus: {kind: http, base_url: "http://127.0.0.1:9090/", token_file: token}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("hunter2\n")
    (tmp_path / "token").chmod(0o600)
    return tmp_path


def fault(text: str, folder: Path) -> str:
    with pytest.raises(ConfigFault) as caught:
        parse(text, folder)
    return caught.value.message


def test_every_setting_is_read_and_no_secret_is_ever_shown(folder: Path) -> None:
    (folder / "executor.yaml").write_text(WHOLE)
    config = load(folder / "executor.yaml")
    eu = config.scopes["eu"]
    assert isinstance(eu, shapes.KubernetesScope)
    assert eu.server == "https://10.0.0.1:6443"
    assert eu.identities.read == KubernetesIdentity(service_account="countermand/reader")
    assert eu.namespaces["shop"].write == KubernetesIdentity()
    orders, prod, web = config.scopes["orders-db"], config.scopes["prod"], config.scopes["web"]
    assert isinstance(orders, shapes.PostgresScope)
    assert isinstance(prod, shapes.AwsScope)
    assert isinstance(web, shapes.ProcessScope)
    assert orders.dsn.reveal() == "hunter2"
    assert prod.endpoints == {"iam": "https://iam.aws.test"}
    assert web.commands["restart"].env == {"LANG": "C"}
    assert (config.concurrency, config.output_bytes, config.jwks) == (3, 2048, folder / "keys.json")
    assert isinstance(config.telemetry["metrics"], shapes.CloudWatchSource)
    assert config.telemetry["metrics"].region == "eu-west-1"
    assert "hunter2" not in repr(config) + str(config) + f"{config}"


def test_the_example_in_the_docstring_is_a_valid_file(folder: Path) -> None:
    example = (shapes.__doc__ or "").split("\n\n")[1].replace("orders.dsn", "token").replace("aws.key", "token")
    assert len(parse(example, folder).scopes) == 5


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- a list", "executor"),
        ("audience: [", "not YAML"),
        (HEAD.replace("audience: executor/local\n", ""), "executor.audience"),
        (HEAD + "shell: bash", "executor.shell"),
        (HEAD + "limits: {concurrency: 0}", "executor.limits.concurrency"),
        (HEAD + "limits: {concurrency: true}", "executor.limits.concurrency"),
        (HEAD + "scopes: {a b: {tool: git, path: /}}", "executor.scopes.a b"),
        (HEAD + "scopes: {a: {tool: ssh}}", "executor.scopes.a.tool"),
        (HEAD + CLUSTER.format("token_file: token").replace("https", "http"), "executor.scopes.c.server"),
        (HEAD + CLUSTER.format("token_file: token").replace("//h", "//h/p"), "executor.scopes.c.server"),
        (HEAD + CLUSTER.format("token_file: token"), "executor.scopes.c.identities"),
        (HEAD + CLUSTER.format("identities: {read: {bootstrap: true}}"), "executor.scopes.c.token_file"),
        (HEAD + CLUSTER.format("client_cert_file: x"), "executor.scopes.c.client_cert_file"),
        (HEAD + CLUSTER.format("identities: {read: {}}"), "executor.scopes.c.identities.read"),
        (HEAD + CLUSTER.format("identities: {read: {impersonate: a, bootstrap: true}}"), "c.identities.read"),
        (HEAD + CLUSTER.format("identities: {read: {service_account: a}}"), "c.identities.read.service_account"),
        (HEAD + CLUSTER.format("identities: {read: {bootstrap: true, groups: [a]}}"), "c.identities.read.groups"),
        (HEAD + "scopes: {a: {tool: postgres}}", "executor.scopes.a.dsn"),
        (HEAD + "scopes: {a: {tool: postgres, dsn: x, dsn_file: y}}", "executor.scopes.a.dsn"),
        (HEAD + "scopes: {a: {tool: git, path: /, pagr: cat}}", "executor.scopes.a.pagr"),
        (HEAD + "scopes: {a: {tool: aws, regions: [x], access_key_id: a, secret_access_key: b}}", "a.endpoint_url"),
        (HEAD + "scopes: {a: {tool: aws, endpoint_url: aws.test, regions: [x], access_key_id: a}}", "a.endpoint_url"),
        (HEAD + "scopes: {a: {tool: aws, endpoint_url: 'https://{zone}.test', regions: [x]}}", "a.endpoint_url"),
        (HEAD + "scopes: {a: {tool: process, commands: {x: {path: /bin/x, cwd: /}}}}", "commands.x.reads"),
        (HEAD + "telemetry: {a: {kind: sql, scope: absent, queries: {}}}", "executor.telemetry.a.scope"),
        (HEAD + "telemetry: {a: {kind: graphite}}", "executor.telemetry.a.kind"),
        (HEAD + "telemetry: {a: {kind: http, base_url: 'http://x/y'}}", "executor.telemetry.a.base_url"),
        (HEAD.replace("unix:/run/x.sock", "gateway.example:7443"), "executor.gateway.address"),
        (HEAD.replace("unix:/run/x.sock", "10.0.0.1:7443"), "executor.gateway.address"),
    ],
)
def test_a_mistake_is_named_by_its_place(folder: Path, text: str, place: str) -> None:
    assert place in fault(text, folder)


@pytest.mark.parametrize("address", ["127.0.0.1:7443", "[::1]:7443", "localhost:7443"])
def test_this_machine_may_be_dialled_without_tls(folder: Path, address: str) -> None:
    assert parse(HEAD.replace("unix:/run/x.sock", address), folder).gateway.address == address


def test_a_secret_that_others_can_read_is_refused(folder: Path) -> None:
    (folder / "token").chmod(0o640)
    assert "0640" in fault(HEAD + "scopes: {a: {tool: postgres, dsn_file: token}}", folder)


def test_keys_that_cannot_be_read_stop_the_executor_at_its_start(folder: Path) -> None:
    for content in (None, "{}", '{"keys": []}'):
        if content is not None:
            (folder / "keys.json").write_text(content)
        with pytest.raises(ConfigFault) as caught:
            TrustedKeys(folder / "keys.json")
        assert caught.value.code == "EXECUTOR_KEYS"
