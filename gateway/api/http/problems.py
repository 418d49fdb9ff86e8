"""Errors as RFC 9457 problems, with the reasons of the gRPC doors."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gateway.api.reasons import leaving, metadata
from gateway.errors import CountermandError, GatewayFault

log = logging.getLogger(__name__)
CONTENT_TYPE: Final = "application/problem+json"


def problem(status: HTTPStatus, reason: str, detail: str, extra: Mapping[str, str] | None = None) -> JSONResponse:
    """Return a problem response; `extra` holds the remedy and the values in the detail."""
    body = {
        **(extra or {}),
        "type": f"urn:countermand:reason:{reason}",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "reason": reason,
    }
    return JSONResponse(body, status_code=status, media_type=CONTENT_TYPE)


def install(app: FastAPI) -> None:
    """Let every error of an app leave as a problem."""
    app.add_exception_handler(CountermandError, _expected)
    app.add_exception_handler(HTTPException, _routing)
    app.add_exception_handler(Exception, _unexpected)


async def _expected(_request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, CountermandError)
    if isinstance(exc, GatewayFault):
        log.error("%s: %s %s", exc.code, exc.message, dict(exc.args_))
    return problem(leaving(exc).http, exc.code, exc.message, metadata(exc))


async def _routing(_request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)
    status = HTTPStatus(exc.status_code)
    response = problem(status, status.name, status.description or status.phrase)
    response.headers.update(exc.headers or {})
    return response


async def _unexpected(request: Request, exc: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=exc)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL", "the gateway failed")
