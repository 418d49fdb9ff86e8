"""Calls to one AWS account with boto3: everything from the configuration, nothing from the environment.

An answer of the service is definite; a lost one is not. `AwsCallError.sent` tells whether the request may have been
carried out although an error came back.
"""

import asyncio
import os
import threading
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ProxyConnectionError,
    SSLError,
    UnknownServiceError,
)

from gateway.core.canonical import Json
from gateway.errors import TargetFault
from gateway.executor.config import AwsScope
from gateway.executor.deadline import left_s
from gateway.executor.targets.aws_request import native, pages_by_hand, split

_NOT_SENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError)
_SERVER_ERROR = 500


class AwsCallError(Exception):
    """A call that did not succeed; `error` is the service's own code where it answered."""

    def __init__(self, code: str, detail: str, *, sent: bool, error: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.sent = sent
        self.error = error


class AwsAccount:
    """Clients of one account, one per (service, region)."""

    def __init__(self, scope: AwsScope) -> None:
        self.scope = scope
        # No call outlives this: there are no retries. A thread cannot be stopped, so a call that could is not begun.
        self._hard_timeout_s = scope.connect_timeout_s + scope.read_timeout_s
        self._clients: dict[tuple[str, str], BaseClient] = {}
        self._lock = threading.Lock()
        self._checked = not scope.account
        self._session = botocore.session.Session(session_vars=_isolated())

    async def call(self, operation: str, region: str | None, params: Mapping[str, Json]) -> dict[str, Any]:
        """Call `<service>.<Operation>` and return its answer without ResponseMetadata; raises AwsCallError."""
        await self._check_account()
        return await asyncio.to_thread(self._call, operation, region, params)

    async def _check_account(self) -> None:
        """Make sure, once, that the credentials belong to the configured account."""
        if self._checked:
            return
        identity = await asyncio.to_thread(self._call, "sts.GetCallerIdentity", None, {})
        if identity.get("Account") != self.scope.account:
            raise AwsCallError("ACCOUNT_MISMATCH", "the credentials belong to another account", sent=False)
        self._checked = True

    def _call(self, operation: str, region: str | None, params: Mapping[str, Json]) -> dict[str, Any]:
        service, _, name = operation.partition(".")
        client = self._client(service, region or self.scope.regions[0])
        if name not in client.meta.service_model.operation_names:
            raise AwsCallError("OPERATION_UNKNOWN", f"{service} has no operation {name}", sent=False)
        try:
            answer = self._ask(client, name, params)
        except ValueError as exc:
            raise AwsCallError(
                "PARAMS_INVALID", "a blob is not base64, or an integer not a number", sent=False
            ) from exc
        except ClientError as exc:
            raise _answered(exc) from exc
        except ParamValidationError as exc:
            raise AwsCallError("PARAMS_INVALID", str(exc), sent=False) from exc
        except BotoCoreError as exc:
            sent = not isinstance(exc, _NOT_SENT)
            raise AwsCallError(
                "TARGET_TIMEOUT" if sent else "TARGET_UNREACHABLE", type(exc).__name__, sent=sent
            ) from exc
        return {k: v for k, v in answer.items() if k != "ResponseMetadata"}

    def _ask(self, client: BaseClient, name: str, params: Mapping[str, Json]) -> dict[str, Any]:
        """Call an operation; the pages of a paged one are put together."""
        plain, reading = split(params)
        method, model = xform_name(name), client.meta.service_model
        typed = native(model.operation_model(name).input_shape, plain)
        if reading.paginate and client.can_paginate(method):
            paging = self._session.get_paginator_model(model.service_name).get_paginator(name)
            if not pages_by_hand(paging, plain):
                pages = client.get_paginator(method).paginate(**typed, PaginationConfig=dict(reading.config))
                return dict(pages.build_full_result())
        return dict(getattr(client, method)(**typed))

    def _client(self, service: str, region: str) -> BaseClient:
        if region not in self.scope.regions:
            raise AwsCallError("REGION_UNKNOWN", f"region {region} is not configured", sent=False)
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._new_client(service, region)
            return self._clients[service, region]

    def _new_client(self, service: str, region: str) -> BaseClient:
        scope = self.scope
        try:
            prefix = self._session.get_service_model(service).endpoint_prefix
        except UnknownServiceError as exc:
            raise AwsCallError("OPERATION_UNKNOWN", f"there is no service {service}", sent=False) from exc
        url = scope.endpoints.get(service, scope.endpoint_url).format(prefix=prefix, service=service, region=region)
        config = Config(
            connect_timeout=scope.connect_timeout_s,
            read_timeout=scope.read_timeout_s,
            retries={"total_max_attempts": 1},
            proxies={},
        )
        client: BaseClient = self._session.create_client(
            service,
            region_name=region,
            endpoint_url=url,
            aws_access_key_id=scope.access_key_id,
            aws_secret_access_key=scope.secret_access_key.reveal(),
            aws_session_token=scope.session_token.reveal() if scope.session_token else None,
            config=config,
        )
        client.meta.events.register("before-call", self._within_deadline)
        return client

    def _within_deadline(self, **_: object) -> None:
        """Refuse a request, a page of a longer answer too, that could outlive the deadline of the work."""
        if left_s() < self._hard_timeout_s:
            raise AwsCallError("DEADLINE_TOO_NEAR", "a call could outlive the deadline of the work", sent=False)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()


def _isolated() -> dict[str, tuple[None, None, Any, Any]]:
    """Return botocore's variables without the environment and the files that each could come from."""
    files = {"config_file": os.devnull, "credentials_file": os.devnull}
    known = botocore.session.Session.SESSION_VARIABLES
    return {name: (None, None, files.get(name, default), read) for name, (_, _, default, read) in known.items()}


def _answered(exc: ClientError) -> AwsCallError:
    """Translate an answer: 4xx is a refusal, 5xx says nothing about what was done."""
    error = str(exc.response.get("Error", {}).get("Code", ""))
    message = str(exc.response.get("Error", {}).get("Message", ""))
    status = int(exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR))
    sent = status >= _SERVER_ERROR
    return AwsCallError("AWS_FAILED" if sent else "AWS_REFUSED", f"{error}: {message}", sent=sent, error=error)


def fault(exc: AwsCallError) -> TargetFault:
    """Return the fault that a look at the target failed."""
    return TargetFault(exc.code, exc.detail)
