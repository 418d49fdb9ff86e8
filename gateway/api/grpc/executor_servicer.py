"""ExecutorService."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from countermand.gateway.v1 import executor_service_pb2 as pb

from gateway.api.grpc.convert import purpose_from_pb, report_from_pb, work_to_pb
from gateway.core.principal import Principal
from gateway.errors import Forbidden, InvalidRequest
from gateway.service.usecases import ExecutorUseCases

MAX_CONCURRENCY = 256
"""As in the settings of an executor."""
_NAME_BYTES = 255
"""What the name of a process may have to stand in a grant."""


class ExecutorServicer:
    """The door of executors."""

    def __init__(self, gateway: ExecutorUseCases) -> None:
        self._gateway = gateway

    async def attach(self, request: pb.AttachRequest, principal: Principal) -> AsyncGenerator[pb.AttachResponse, None]:
        """Stream work for an audience."""
        _require_audience(principal, request.audience)
        _require("instance", request.instance)
        named = _named(principal, request.instance)
        attached = self._gateway.attach(
            request.audience, named, process=request.instance, concurrency=min(request.concurrency, MAX_CONCURRENCY)
        )
        async with aclosing(attached) as works:
            async for work in works:
                yield pb.AttachResponse(work=work_to_pb(work))

    async def announce(self, request: pb.AnnounceRequest, principal: Principal) -> pb.AnnounceResponse:
        """Tell which kinds a cluster serves."""
        _require_audience(principal, request.audience)
        _require("instance", request.instance)
        _require("scope", request.scope)
        accepted, reason = await self._gateway.announce(
            audience=request.audience,
            instance=_named(principal, request.instance),
            scope=request.scope,
            document=request.document,
        )
        return pb.AnnounceResponse(accepted=accepted, reason=reason)

    async def begin_attempt(self, request: pb.BeginAttemptRequest, principal: Principal) -> pb.BeginAttemptResponse:
        """Ask for leave to touch a target."""
        begun, reason = await self._gateway.begin_attempt(
            work_id=request.work_id,
            action=request.action_id,
            purpose=purpose_from_pb(request.purpose),
            nonce=request.nonce,
            fence=request.fence,
            instance=_named(principal, request.instance),
        )
        return pb.BeginAttemptResponse(begun=begun, reason=reason)

    async def report(self, request: pb.ReportRequest, principal: Principal) -> pb.ReportResponse:
        """Tell what happened."""
        proceed, reason = await self._gateway.report(
            work_id=request.work_id,
            action=request.action_id,
            fence=request.fence,
            instance=_named(principal, request.instance),
            body=report_from_pb(request),
        )
        return pb.ReportResponse(proceed=proceed, reason=reason)


def _named(principal: Principal, instance: str) -> str:
    """Return the name of an executor's process: what it calls itself, under the identity that it showed."""
    return f"{principal.id}/{instance}"


def _require_audience(principal: Principal, audience: str) -> None:
    _require("audience", audience)
    # The executor on the gateway's own machine may serve any audience; a remote one only its own.
    if principal.assurance != "socket" and audience not in {principal.id, *principal.groups}:
        raise Forbidden(
            "AUDIENCE_NOT_YOURS",
            f"`{principal.id}` does not serve `{audience}`",
            audience=audience,
            remedy="name the audience in the groups of this executor's identity",
        )


def _require(field: str, value: str) -> None:
    if not value:
        raise InvalidRequest("VALUE_MISSING", f"`{field}` is empty", field=field, remedy=f"send `{field}`")
    if len(value.encode()) > _NAME_BYTES:
        raise InvalidRequest("FIELD_TOO_LONG", f"`{field}` is too long", field=field, remedy="shorten it")
