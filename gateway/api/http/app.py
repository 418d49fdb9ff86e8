"""The HTTP application."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final, Protocol

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from gateway.api.http import problems
from gateway.api.http.alertmanager import Alert, read_alerts
from gateway.api.http.seen import Seen
from gateway.api.http.signature import WINDOW_S, check
from gateway.errors import Forbidden, InvalidRequest
from gateway.observability import Metrics
from gateway.service.usecases import AuditUseCases, ControlUseCases, IncidentUseCases

MAX_BODY_BYTES: Final = 1024 * 1024
SOURCE: Final = "alertmanager"
# Keys change rarely, and a rotated one is published before it signs.
_JWKS_CACHE_S: Final = 300


class HttpUseCases(AuditUseCases, ControlUseCases, IncidentUseCases, Protocol):
    """What the HTTP door calls."""


def create_app(
    gateway: HttpUseCases, metrics: Metrics, webhook_secrets: Sequence[bytes], now_ms: Callable[[], int]
) -> FastAPI:
    """Return the application; without secrets the webhook refuses everything.

    `webhook_secrets` are those of `signature.parse_secret`; several while one is rotated.
    """
    app = FastAPI(title="Countermand", docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)
    webhook = _Webhook(gateway, metrics, webhook_secrets, now_ms)
    app.add_api_route("/healthz", _healthz, methods=["GET"])
    app.add_api_route("/readyz", _readyz(gateway), methods=["GET"])
    app.add_api_route("/metrics", _metrics(gateway, metrics), methods=["GET"])
    app.add_api_route("/.well-known/jwks.json", _jwks(gateway), methods=["GET"])
    app.add_api_route("/v1/webhooks/alertmanager", webhook.receive, methods=["POST"])
    return app


async def _healthz() -> PlainTextResponse:
    return PlainTextResponse("ok\n")


def _readyz(gateway: HttpUseCases) -> Callable[[], Awaitable[Response]]:
    async def readyz() -> Response:
        """Ready once a policy revision is in force; whether executors are attached is told, not asked."""
        status = await gateway.status()
        if not status.revision:
            detail = status.policy_error or "no policy revision is in force"
            return problems.problem(HTTPStatus.SERVICE_UNAVAILABLE, "POLICY_MISSING", detail)
        body = {"revision": status.revision, "audiences": list(status.audiences), "policy_error": status.policy_error,
                "absent": [away.audience for away in status.absent]}  # fmt: skip
        return JSONResponse(body)

    return readyz


def _metrics(gateway: HttpUseCases, metrics: Metrics) -> Callable[[], Awaitable[Response]]:
    async def scrape() -> Response:
        status = await gateway.status()
        metrics.set_log_size(status.log_size)
        metrics.set_executors(status.audiences)
        metrics.set_policy_stale(stale=bool(status.policy_error))
        return Response(metrics.render(), media_type=CONTENT_TYPE_LATEST)

    return scrape


def _jwks(gateway: HttpUseCases) -> Callable[[], Awaitable[Response]]:
    async def jwks() -> Response:
        headers = {"cache-control": f"public, max-age={_JWKS_CACHE_S}"}
        return Response(await gateway.jwks(), media_type="application/jwk-set+json", headers=headers)

    return jwks


class _Webhook:
    """Alerts that open incidents: signed, once, firing ones only."""

    def __init__(
        self, gateway: HttpUseCases, metrics: Metrics, secrets: Sequence[bytes], now_ms: Callable[[], int]
    ) -> None:
        self._gateway = gateway
        self._metrics = metrics
        self._secrets = secrets
        self._now_ms = now_ms
        self._seen = Seen(WINDOW_S)

    async def receive(self, request: Request) -> JSONResponse:
        """Open an incident per firing alert, or return the one that is open; resolved ones are only counted."""
        if not self._secrets:
            raise Forbidden(
                "WEBHOOK_NOT_CONFIGURED", "no webhook secret is configured", remedy="configure one and share it"
            )
        body = await _body(request)
        now_ms = self._now_ms()
        signed = check(self._secrets, request.headers, body, now_ms / 1000)
        if signed.id in self._seen:
            return JSONResponse({"incidents": [], "resolved": 0, "duplicate": True})
        alerts = read_alerts(body)
        incidents = [await self._open(a, now_ms) for a in alerts if a.status == "firing"]
        for alert in alerts:
            self._metrics.alerted(alert.status)
        self._seen.add(signed.id, now_ms / 1000)
        return JSONResponse({"incidents": incidents, "resolved": len(alerts) - len(incidents), "duplicate": False})

    async def _open(self, alert: Alert, now_ms: int) -> str:
        view = await self._gateway.open_alert(
            SOURCE,
            title=alert.title,
            labels=alert.labels,
            # An alert cannot have begun after it arrived.
            alert_ms=min(alert.starts_ms, now_ms),
            fingerprint=alert.fingerprint,
        )
        return view.id


async def _body(request: Request) -> bytes:
    """Return the body, without holding more than is allowed."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise InvalidRequest(
                "BODY_TOO_LARGE", f"the body is larger than {MAX_BODY_BYTES} bytes", remedy="send fewer alerts"
            )
    return bytes(body)
