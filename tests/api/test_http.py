"""The HTTP door."""

import datetime as dt
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from standardwebhooks import Webhook

from gateway.api.http.app import MAX_BODY_BYTES, create_app
from gateway.api.http.signature import parse_secret
from gateway.errors import StoreFault
from gateway.observability import Metrics
from gateway.service.views import StatusView
from tests.api.alerts import SECRET, alert, body, signed
from tests.fakes.gateway import NOW, REVISION, FakeGateway

OLD_SECRET = "whsec_" + "b2xk" * 12


@dataclass
class World:
    """A gateway behind HTTP, with a clock that stands still."""

    gateway: FakeGateway = field(default_factory=FakeGateway)
    metrics: Metrics = field(default_factory=Metrics)
    now_ms: int = NOW

    def __post_init__(self) -> None:
        secrets = [parse_secret(SECRET), parse_secret(OLD_SECRET)]
        app = create_app(self.gateway, self.metrics, secrets, lambda: self.now_ms)
        self.http = TestClient(app, raise_server_exceptions=False)

    def post(self, data: bytes, headers: dict[str, str]) -> Any:
        """Send a webhook."""
        return self.http.post("/v1/webhooks/alertmanager", content=data, headers=headers)

    def samples(self) -> dict[str, float]:
        """Return what a scrape finds, by name and label value."""
        families = text_string_to_metric_families(self.http.get("/metrics").text)
        return {" ".join([s.name, *s.labels.values()]): s.value for f in families for s in f.samples}


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    with made.http:
        yield made


def _problem(response: Any) -> tuple[int, str]:
    document = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert document["status"] == response.status_code
    assert document["type"] == f"urn:countermand:reason:{document['reason']}"
    assert document["title"]
    assert document["detail"]
    return response.status_code, document["reason"]


def test_health_is_that_the_process_answers(world: World) -> None:
    assert (world.http.get("/healthz").status_code, world.http.get("/healthz").text) == (200, "ok\n")


def test_ready_is_that_a_policy_is_in_force(world: World) -> None:
    known = {"revision": REVISION, "audiences": [], "policy_error": "", "absent": ["executor/eu"]}
    assert world.http.get("/readyz").json() == known
    world.gateway.policy_revision = ""
    assert _problem(world.http.get("/readyz")) == (503, "POLICY_MISSING")


def test_the_key_set_is_published(world: World) -> None:
    world.gateway.keys = b'{"keys":[1]}'
    response = world.http.get("/.well-known/jwks.json")
    assert (response.content, response.headers["content-type"]) == (b'{"keys":[1]}', "application/jwk-set+json")
    assert "max-age" in response.headers["cache-control"]


def test_a_scrape_tells_what_was_decided_and_what_is_there(world: World) -> None:
    world.metrics.decided("deny", 0.002)
    world.metrics.decided("deny", 0.004)
    world.metrics.entered("DENIED")
    world.gateway.leaves = [b"1", b"2"]
    world.gateway.attached = {"executor/local"}
    found = world.samples()
    assert (found["countermand_decisions_total deny"], found["countermand_decisions_total allow"]) == (2, 0)
    assert found["countermand_decision_seconds_count"] == 2
    assert found["countermand_decision_seconds_sum"] == pytest.approx(0.006)
    assert found["countermand_action_states_total DENIED"] == 1
    assert (found["countermand_log_leaves"], found["countermand_executor_attached executor/local"]) == (2, 1)
    assert found["countermand_policy_stale"] == 0
    world.gateway.attached = set()
    assert "countermand_executor_attached executor/local" not in world.samples()


def test_a_scrape_tells_that_the_newest_policy_was_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def status() -> StatusView:
        return StatusView((), REVISION, "POLICY_CANARY_MISSING", (), 0)

    monkeypatch.setattr(world.gateway, "status", status)
    assert world.samples()["countermand_policy_stale"] == 1


def test_a_firing_alert_opens_an_incident_of_its_time_and_labels(world: World) -> None:
    data = body(alert("fp1", startsAt="2025-11-24T15:59:00.123456789Z"))
    response = world.post(data, signed(data, NOW))
    assert response.status_code == 200
    assert response.json() == {"incidents": ["inc_01"], "resolved": 0, "duplicate": False}
    incident = world.gateway.incidents["inc_01"]
    assert (incident.source, incident.title) == ("alertmanager", "PoolExhausted: orders has no free connections")
    assert (incident.alert_ms, incident.labels) == (1_763_999_940_123, {"alertname": "PoolExhausted", "db": "orders"})


def test_the_same_alert_again_is_the_same_incident(world: World) -> None:
    data = body(alert("fp1"))
    answers = [world.post(data, signed(data, NOW, message_id=f"msg_{i}")).json()["incidents"] for i in range(2)]
    assert answers == [["inc_01"], ["inc_01"]]
    assert len(world.gateway.incidents) == 1


def test_the_same_message_again_does_nothing_even_after_the_incident_was_closed(world: World) -> None:
    data = body(alert("fp1"))
    headers = signed(data, NOW)
    world.post(data, headers)
    world.gateway.closed.add("inc_01")
    assert world.post(data, headers).json() == {"incidents": [], "resolved": 0, "duplicate": True}
    assert len(world.gateway.incidents) == 1


def test_a_message_that_failed_may_come_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    data = body(alert("fp1"))
    headers = signed(data, NOW)

    async def failing(*_: object, **__: object) -> None:
        raise StoreFault("STORE_FULL", "the log cannot be written")

    with monkeypatch.context() as broken:
        broken.setattr(world.gateway, "open_alert", failing)
        assert _problem(world.post(data, headers)) == (503, "STORE_FULL")
    assert world.post(data, headers).json()["incidents"] == ["inc_01"]


def test_a_resolved_alert_opens_nothing_and_is_counted(world: World) -> None:
    data = body(alert("fp1", status="resolved"), alert("fp2"))
    assert world.post(data, signed(data, NOW)).json() == {"incidents": ["inc_01"], "resolved": 1, "duplicate": False}
    found = world.samples()
    assert (found["countermand_alerts_total resolved"], found["countermand_alerts_total firing"]) == (1, 1)


def test_an_alert_cannot_have_begun_after_it_arrived(world: World) -> None:
    data = body(alert("fp1", startsAt="2099-01-01T00:00:00+02:00"))
    world.post(data, signed(data, NOW))
    assert world.gateway.incidents["inc_01"].alert_ms == NOW


def test_a_secret_in_rotation_still_counts(world: World) -> None:
    data = body(alert("fp1"))
    assert world.post(data, signed(data, NOW, secret=OLD_SECRET)).status_code == 200


def test_a_webhook_without_a_secret_refuses_everything() -> None:
    gateway = FakeGateway()
    data = body(alert("fp1"))
    with TestClient(create_app(gateway, Metrics(), [], lambda: NOW)) as http:
        response = http.post("/v1/webhooks/alertmanager", content=data, headers=signed(data, NOW))
    assert _problem(response) == (403, "WEBHOOK_NOT_CONFIGURED")
    assert gateway.incidents == {}


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_an_unsigned_webhook_is_refused(world: World, missing: str) -> None:
    data = body(alert("fp1"))
    headers = signed(data, NOW)
    del headers[missing]
    assert _problem(world.post(data, headers)) == (401, "WEBHOOK_UNSIGNED")
    assert world.gateway.incidents == {}


@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-300, 200), (300, 200), (301, 401)])
def test_a_signature_counts_for_five_minutes(world: World, seconds: int, status: int) -> None:
    data = body(alert("fp1"))
    assert world.post(data, signed(data, NOW + seconds * 1000)).status_code == status


@pytest.mark.parametrize("change", ["body", "id", "timestamp", "signature", "secret", "version"])
def test_whatever_is_changed_the_signature_does_not_hold(world: World, change: str) -> None:
    data = body(alert("fp1"))
    headers = signed(data, NOW, secret="whsec_" + "bm8=" * 8 if change == "secret" else SECRET)
    changes = {
        "id": {"webhook-id": "msg_2"},
        "timestamp": {"webhook-timestamp": str(NOW // 1000 + 1)},
        "signature": {"webhook-signature": "v1,AAAA"},
        "version": {"webhook-signature": headers["webhook-signature"].replace("v1,", "v2,")},
    }
    changed = data + b" " if change == "body" else data
    assert _problem(world.post(changed, headers | changes.get(change, {}))) == (401, "WEBHOOK_SIGNATURE")
    assert world.gateway.incidents == {}


def test_a_refusal_names_the_remedy(world: World) -> None:
    assert "Standard Webhooks" in world.post(b"{}", {}).json()["remedy"]


@pytest.mark.parametrize("timestamp", ["x", "-1", "1" * 13, "1.5", "１７６４００００００"])
def test_a_time_that_is_none_is_refused(world: World, timestamp: str) -> None:
    data = body(alert("fp1"))
    signature = signed(data, NOW, timestamp=timestamp)
    headers = {k.encode(): v.encode() for k, v in signature.items()}
    response = world.http.post("/v1/webhooks/alertmanager", content=data, headers=headers)
    assert response.status_code == 401


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"version":"4"}',
        b'{"version":"3","alerts":[]}',
        b'{"version":"4","version":"4","alerts":[]}',
        b'{"version":"4","alerts":[1]}',
        body(alert("fp1", status="pending")),
        body(alert("fp1", startsAt="yesterday")),
        body(alert("fp1", startsAt="2025-11-24T16:00:00")),
        body(alert("fp1", labels={"a": 1})),
        body(alert("fp1", labels={str(i): "x" for i in range(65)})),
        body(*[alert(f"fp{i}") for i in range(65)]),
        b'{"version":"4","alerts":' + b"[" * 100_000,
    ],
)
def test_a_signed_body_that_is_not_alertmanagers_opens_nothing(world: World, data: bytes) -> None:
    assert _problem(world.post(data, signed(data, NOW))) == (400, "WEBHOOK_BODY")
    assert world.gateway.incidents == {}


def test_a_body_over_the_limit_is_refused_before_its_signature(world: World) -> None:
    assert _problem(world.post(b"x" * (MAX_BODY_BYTES + 1), {})) == (413, "BODY_TOO_LARGE")


def test_a_title_is_one_printable_line(world: World) -> None:
    data = body(alert("fp1", annotations={"summary": "a\x1b[2J\nb" + "x" * 900}))
    world.post(data, signed(data, NOW))
    title = world.gateway.incidents["inc_01"].title
    assert title.startswith("PoolExhausted: a [2J b")
    assert len(title) == 512


def test_what_is_not_there_is_a_problem_too(world: World) -> None:
    assert _problem(world.http.get("/docs")) == (404, "NOT_FOUND")
    assert _problem(world.http.get("/v1/webhooks/alertmanager")) == (405, "METHOD_NOT_ALLOWED")


def test_a_bug_leaves_as_a_problem_without_its_text(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> bytes:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(world.gateway, "jwks", broken)
    response = world.http.get("/.well-known/jwks.json")
    assert _problem(response) == (500, "INTERNAL")
    assert "hunter2" not in response.text
    assert any(r.exc_info for r in caplog.records if r.levelno == logging.ERROR)


def test_the_standard_library_of_senders_signs_what_we_accept(world: World) -> None:
    data = body(alert("fp1")).decode()
    moment = dt.datetime.fromtimestamp(NOW / 1000, tz=dt.UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(NOW // 1000),
        "webhook-signature": Webhook(SECRET).sign("msg_1", moment, data),
    }
    assert world.post(data.encode(), headers).status_code == 200
    assert json.loads(data)["version"] == "4"
