"""CapabilityService."""

from countermand.gateway.v1 import capability_service_pb2 as pb

from gateway.core.principal import Principal
from gateway.service.usecases import ControlUseCases


class CapabilityServicer:
    """What may be proposed here."""

    def __init__(self, gateway: ControlUseCases) -> None:
        self._gateway = gateway

    async def list_capabilities(
        self, _request: pb.ListCapabilitiesRequest, principal: Principal
    ) -> pb.ListCapabilitiesResponse:
        """List scopes, tools and commands."""
        view = await self._gateway.capabilities(principal)
        scopes = [pb.Scope(name=s.name, tool=s.tool, environments=s.environments, online=s.online) for s in view.scopes]
        return pb.ListCapabilitiesResponse(
            scopes=scopes, tools=view.tools, commands=view.commands, revision=view.revision
        )
