"""Samples from a real PostgreSQL, a real HTTP server and the AWS API; a gap is never a value."""

import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.adapters.clock import SystemClock
from gateway.core.canonical import Json
from gateway.errors import TargetFault
from gateway.executor.config import CloudWatchSource, HttpSource, NamedQuery, PostgresScope, SqlSource
from gateway.executor.secret import Secret
from gateway.executor.telemetry.cloudwatch import CloudWatchTelemetry
from gateway.executor.telemetry.http import HttpTelemetry
from gateway.executor.telemetry.query import number
from gateway.executor.telemetry.sql import SqlTelemetry
from tests.fixtures_aws import REGION, Aws
from tests.fixtures_pg import Postgres

pytestmark = pytest.mark.anyio
QUERIES = {
    "one": NamedQuery("SELECT 1.5"),
    "nothing": NamedQuery("SELECT 1 WHERE false"),
    "null": NamedQuery("SELECT NULL::int"),
    "text": NamedQuery("SELECT 'many'"),
    "writes": NamedQuery("CREATE TABLE sampled ()"),
    "by_role": NamedQuery(
        "SELECT count(*) FROM pg_roles WHERE rolname = %(role)s AND %(n)s > 0", {"role": "text", "n": "int"}
    ),
}


def sql(postgres: Postgres) -> SqlTelemetry:
    return SqlTelemetry(SqlSource(PostgresScope(Secret(postgres.dsn)), QUERIES))


async def refused(sampler: SqlTelemetry | CloudWatchTelemetry | HttpTelemetry, query: Mapping[str, Json]) -> str:
    with pytest.raises(TargetFault) as caught:
        await sampler.sample(query)
    return caught.value.code


async def test_a_named_query_gives_its_number(postgres: Postgres) -> None:
    assert await sql(postgres).sample({"name": "one"}) == 1.5
    assert await sql(postgres).sample({"name": "by_role", "params": {"role": "postgres", "n": 1}}) == 1


@pytest.mark.parametrize("name", ["nothing", "null"])
async def test_a_query_without_a_value_is_no_data(postgres: Postgres, name: str) -> None:
    assert await sql(postgres).sample({"name": name}) is None


async def test_a_parameter_is_only_a_value(postgres: Postgres) -> None:
    injected = {"role": "postgres' OR '1'='1", "n": 1}
    assert await sql(postgres).sample({"name": "by_role", "params": injected}) == 0


async def test_a_query_that_is_not_exactly_what_is_configured_is_refused(postgres: Postgres) -> None:
    sampler = sql(postgres)
    assert await refused(sampler, {"name": "absent"}) == "QUERY_UNKNOWN"
    assert await refused(sampler, {"sql": "SELECT 1"}) == "QUERY_MALFORMED"
    assert await refused(sampler, {"name": "one", "sql": "SELECT 1"}) == "QUERY_MALFORMED"
    assert await refused(sampler, {"name": "one", "params": {"role": "x"}}) == "QUERY_MALFORMED"
    assert await refused(sampler, {"name": "by_role", "params": {"role": "x", "n": "many"}}) == "QUERY_MALFORMED"
    assert await refused(sampler, {"name": "text"}) == "SAMPLE_NOT_A_NUMBER"
    assert await refused(sampler, {"name": "writes"}) == "READ_ONLY_VIOLATED"


async def test_the_newest_data_point_of_a_metric_is_taken(aws: Aws) -> None:
    now = datetime.now(UTC).timestamp()
    put = aws.client("cloudwatch").put_metric_data
    for age, value in ((240, 10.0), (120, 20.0), (1, 30.0)):
        stamp = datetime.fromtimestamp(now - age, UTC)
        dimensions = [{"Name": "Database", "Value": "orders"}]
        datum = {"MetricName": "Connections", "Dimensions": dimensions, "Timestamp": stamp, "Value": value}
        put(Namespace="Shop", MetricData=[datum])
    sampler = CloudWatchTelemetry(CloudWatchSource(aws.scope(), REGION), SystemClock())
    query = {"namespace": "Shop", "metric": "Connections", "dimensions": {"Database": "orders"}, "stat": "Maximum"}
    assert await sampler.sample(query) == 30.0
    assert await sampler.sample(query | {"dimensions": {"Database": "absent"}}) is None
    assert await sampler.sample(query | {"metric": "Absent"}) is None
    assert await refused(sampler, query | {"period": 60}) == "QUERY_MALFORMED"
    assert await refused(sampler, query | {"dimensions": ["Database"]}) == "QUERY_MALFORMED"
    assert await refused(sampler, query | {"period_s": 0}) == "QUERY_MALFORMED"
    await sampler.close()


async def test_an_api_that_cannot_be_reached_is_a_fault_and_not_a_value() -> None:
    source = CloudWatchSource(Aws("http://127.0.0.1:1").scope(account=""), REGION)
    sampler = CloudWatchTelemetry(source, SystemClock())
    assert await refused(sampler, {"namespace": "Shop", "metric": "Connections"}) == "TARGET_UNREACHABLE"
    await sampler.close()


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = _DOCUMENTS.get(self.path)
        self.send_response(302 if self.path == "/api/moved" else 200 if body is not None else 404)
        if self.path == "/api/moved":
            self.send_header("location", "/api/value")
        self.end_headers()
        self.wfile.write((body or "").replace("TOKEN", str(self.headers["authorization"])).encode())

    def log_message(self, *args: object) -> None:
        del args


_DOCUMENTS = {
    "/api/value": '{"data": {"value": 7, "a/b": [1, {"c": "2.5"}]}}',
    "/api/query?query=up": '{"data": {"result": [{"value": [1, "0.4"]}]}}',
    "/api/empty": '{"data": {"result": []}}',
    "/api/token": '{"token": "TOKEN"}',
    "/api/broken": "{",
    "/api/large": '"' + "x" * 300_000 + '"',
    "/api/nan": '{"value": "NaN"}',
}


@pytest.fixture
def http() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/api/"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_pointer_leads_to_a_number(http: str) -> None:
    sampler = HttpTelemetry(HttpSource(http))
    assert await sampler.sample({"path": "value", "pointer": "/data/value"}) == 7
    assert await sampler.sample({"path": "value", "pointer": "/data/a~1b/1/c"}) == 2.5
    prometheus = {"path": "query", "params": {"query": "up"}, "pointer": "/data/result/0/value/1"}
    assert await sampler.sample(prometheus) == 0.4
    await sampler.close()


@pytest.mark.parametrize(
    ("path", "pointer"), [("empty", "/data/result/0/value/1"), ("nan", "/value"), ("value", "/x/y")]
)
async def test_a_pointer_that_leads_nowhere_is_no_data(http: str, path: str, pointer: str) -> None:
    sampler = HttpTelemetry(HttpSource(http))
    assert await sampler.sample({"path": path, "pointer": pointer}) is None
    await sampler.close()


async def test_what_is_not_a_small_json_answer_is_a_fault(http: str) -> None:
    sampler = HttpTelemetry(HttpSource(http))
    for path, code in {
        "absent": "HTTP_STATUS", "moved": "HTTP_STATUS", "broken": "SAMPLE_NOT_JSON", "large": "HTTP_TOO_LARGE",
    }.items():  # fmt: skip
        assert await refused(sampler, {"path": path, "pointer": "/value"}) == code
    assert await refused(sampler, {"path": "value", "pointer": "/data"}) == "SAMPLE_NOT_A_NUMBER"
    await sampler.close()


@pytest.mark.parametrize(
    "path", ["/etc", "../value", "a/../../x", "http://127.0.0.1/", "//host/x", "v?x=1", "v#x", "%2e%2e/x", "a b", ""]
)
async def test_a_path_cannot_leave_the_base_url(http: str, path: str) -> None:
    sampler = HttpTelemetry(HttpSource(http))
    assert await refused(sampler, {"path": path, "pointer": "/value"}) == "QUERY_MALFORMED"
    await sampler.close()


async def test_the_token_is_sent_and_never_shown(http: str) -> None:
    source = HttpSource(http, token=Secret("hunter2"))
    sampler = HttpTelemetry(source)
    with pytest.raises(TargetFault) as caught:
        await sampler.sample({"path": "token", "pointer": "/token"})
    assert caught.value.code == "SAMPLE_NOT_A_NUMBER"
    assert "hunter2" not in repr(source) + str(caught.value)
    await sampler.close()


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), None])
def test_what_is_not_finite_is_no_data(value: float | None) -> None:
    assert number(value) is None
