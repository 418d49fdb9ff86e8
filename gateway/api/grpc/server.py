"""Start and stop the gRPC doors: one server a listener, each with its own services.

* agent: ActionService, IncidentService, CapabilityService, AuditService
* approver: ApprovalService, ControlService, IncidentService, CapabilityService, AuditService, and of
  ActionService what people need: read, watch, cancel, roll back, release
* executor: ExecutorService
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
import grpc.aio
from countermand.gateway.v1 import (
    action_service_pb2,
    approval_service_pb2,
    audit_service_pb2,
    capability_service_pb2,
    control_service_pb2,
    executor_service_pb2,
    incident_service_pb2,
)
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from gateway.api.auth import Authenticator
from gateway.api.grpc import sockets
from gateway.api.grpc.action_servicer import ActionServicer
from gateway.api.grpc.approval_servicer import ApprovalServicer
from gateway.api.grpc.audit_servicer import AuditServicer
from gateway.api.grpc.capability_servicer import CapabilityServicer
from gateway.api.grpc.control_servicer import ControlServicer
from gateway.api.grpc.edge import Edge, Service, handler
from gateway.api.grpc.executor_servicer import ExecutorServicer
from gateway.api.grpc.incident_servicer import IncidentServicer
from gateway.core.principal import Door
from gateway.errors import ConfigFault
from gateway.service.usecases import GatewayUseCases

# What people do with an action that an agent proposed.
HUMAN_ACTION_METHODS: Final = frozenset(
    {"GetAction", "ListActions", "WatchAction", "CancelAction", "RollbackAction", "ReleaseLease"}
)
UNIX: Final = "unix:"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
# Bytes of one message: an observation carries the facts and snapshots of up to 32 steps.
MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", 2 * MAX_MESSAGE_BYTES),
    # Two gateways on one port would share callers at random.
    ("grpc.so_reuseport", 0),
    # An executor or watcher whose machine died is noticed within half a minute.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a door is open: `unix:/run/countermand/agent.sock` or `host:port`."""

    door: Door
    address: str
    credentials: grpc.ServerCredentials | None = None
    """TLS of a TCP listener."""


class Doors:
    """The running gRPC servers of a gateway; `unary_timeout_s` ends a call whatever deadline its caller set."""

    def __init__(
        self, gateway: GatewayUseCases, authenticator: Authenticator, *, unary_timeout_s: float = 30.0
    ) -> None:
        self._authenticator = authenticator
        self._unary_timeout_s = unary_timeout_s
        self._services = services(gateway)
        self._servers: list[grpc.aio.Server] = []
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # missing in the stubs

    async def open(self, listeners: Sequence[Listener]) -> tuple[str, ...]:
        """Open every listener and return the addresses, with ports that were chosen; raises ConfigFault."""
        try:
            addresses = [await self._open(listener) for listener in listeners]
        except BaseException:
            # Half-open doors would serve a gateway that did not start.
            await self.close(grace_s=0)
            raise
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)
        return tuple(addresses)

    async def close(self, grace_s: float = 1.0) -> None:
        """Let running calls end for at most `grace_s` seconds, then cut them."""
        await self._health.enter_graceful_shutdown()
        for server in self._servers:
            await server.stop(grace_s)
        self._servers.clear()

    async def _open(self, listener: Listener) -> str:
        unix = listener.address.startswith(UNIX)
        path = Path(listener.address.removeprefix(UNIX))
        if unix:
            sockets.prepare(path)
        else:
            _require_tls(listener)
        edge = Edge(listener.door, "unix" if unix else "tcp", self._authenticator, self._unary_timeout_s)
        server = grpc.aio.server(options=_OPTIONS)
        server.add_generic_rpc_handlers([handler(edge, service) for service in self._services[listener.door]])
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        address = _bind(server, listener)
        if unix:
            sockets.protect(path)
        await server.start()
        self._servers.append(server)
        return address


def services(gateway: GatewayUseCases) -> dict[Door, tuple[Service, ...]]:
    """Return what each door offers."""
    actions = ActionServicer(gateway)
    shared = (
        Service(_only(incident_service_pb2.DESCRIPTOR), IncidentServicer(gateway)),
        Service(_only(capability_service_pb2.DESCRIPTOR), CapabilityServicer(gateway)),
        Service(_only(audit_service_pb2.DESCRIPTOR), AuditServicer(gateway)),
    )
    action = _only(action_service_pb2.DESCRIPTOR)
    return {
        "agent": (Service(action, actions), *shared),
        "approver": (
            Service(_only(approval_service_pb2.DESCRIPTOR), ApprovalServicer(gateway)),
            Service(_only(control_service_pb2.DESCRIPTOR), ControlServicer(gateway)),
            Service(action, actions, only=HUMAN_ACTION_METHODS),
            *shared,
        ),
        "executor": (Service(_only(executor_service_pb2.DESCRIPTOR), ExecutorServicer(gateway)),),
    }


def _only(file: FileDescriptor) -> ServiceDescriptor:
    (service,) = file.services_by_name.values()
    return service


def _require_tls(listener: Listener) -> None:
    """Refuse an open port on a network: tokens and answers would cross it in the clear."""
    host = listener.address.rpartition(":")[0]
    if listener.credentials is None and host not in _LOOPBACK:
        raise ConfigFault(
            "TLS_REQUIRED", f"`{listener.address}` is not loopback and has no TLS", remedy="configure a certificate"
        )


def _bind(server: grpc.aio.Server, listener: Listener) -> str:
    try:
        if listener.credentials is None:
            port = server.add_insecure_port(listener.address)
        else:
            port = server.add_secure_port(listener.address, listener.credentials)
    except RuntimeError as exc:
        raise ConfigFault(
            "ADDRESS_NOT_AVAILABLE", f"cannot listen on `{listener.address}`: {exc}", remedy="free it, or use another"
        ) from exc
    if listener.address.startswith(UNIX):
        return listener.address
    return f"{listener.address.rpartition(':')[0]}:{port}"
