"""AuditService.

Leaves tell about every caller, so an agent gets proofs of its own receipts and of consistency only.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from countermand.gateway.v1 import audit_service_pb2 as pb

from gateway.core.principal import Principal
from gateway.errors import Forbidden, InvalidRequest
from gateway.service.usecases import ActionUseCases, AuditUseCases


class Auditable(AuditUseCases, ActionUseCases, Protocol):
    """What this servicer calls."""


class AuditServicer:
    """Read the log."""

    def __init__(self, gateway: Auditable) -> None:
        self._gateway = gateway

    async def get_checkpoint(self, request: pb.GetCheckpointRequest, _principal: Principal) -> pb.GetCheckpointResponse:
        """Return a signed checkpoint."""
        _not_negative("min_size", request.min_size)
        return pb.GetCheckpointResponse(checkpoint=await self._gateway.checkpoint(request.min_size))

    async def get_proof(self, request: pb.GetProofRequest, principal: Principal) -> pb.GetProofResponse:
        """Prove that a leaf is in the tree, or that one tree continues another."""
        _not_negative("first_size", request.first_size)
        _not_negative("size", request.size)
        index = None if request.action_id or request.leaf_index < 0 else request.leaf_index
        if principal.door == "agent":
            await self._require_own(principal, index, request.action_id)
        view = await self._gateway.proof(
            index=index, action=request.action_id, first_size=request.first_size, size=request.size
        )
        return pb.GetProofResponse(
            leaf_index=view.index, leaf=view.leaf, hashes=view.hashes, checkpoint=view.checkpoint
        )

    async def tail_records(
        self, request: pb.TailRecordsRequest, principal: Principal
    ) -> AsyncGenerator[pb.TailRecordsResponse, None]:
        """Stream leaves."""
        _not_negative("first_index", request.first_index)
        if principal.door == "agent":
            raise _not_for_agents("read the whole log")
        async with aclosing(self._gateway.tail(request.first_index, request.follow)) as leaves:
            async for index, leaf in leaves:
                yield pb.TailRecordsResponse(index=index, leaf=leaf)

    async def get_keys(self, _request: pb.GetKeysRequest, _principal: Principal) -> pb.GetKeysResponse:
        """Return the public keys."""
        return pb.GetKeysResponse(jwks=await self._gateway.jwks())

    async def _require_own(self, principal: Principal, index: int | None, action: str) -> None:
        if index is not None:
            raise _not_for_agents("read a leaf by its index")
        if action:
            await self._gateway.get_action(principal, action)


def _not_negative(field: str, value: int) -> None:
    if value < 0:
        raise InvalidRequest("VALUE_NEGATIVE", f"`{field}` is negative", field=field, remedy="send 0 or more")


def _not_for_agents(what: str) -> Forbidden:
    return Forbidden(
        "LOG_NOT_FOR_AGENTS",
        f"an agent may not {what}",
        remedy="ask for the proof of one of your own actions, by action_id",
    )
