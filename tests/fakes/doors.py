"""Real gRPC doors over Unix sockets in a private directory, with a fake gateway behind them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.api.auth import Authenticator, token_digest
from gateway.api.grpc.server import Doors, Listener
from gateway.core.principal import Door, Principal
from tests.fakes.gateway import FakeGateway

AGENT = Principal("agent/demo", "team-a", ("sre-agents",), "agent", "socket", "large")
OTHER_AGENT = Principal("agent/other", "team-b", ("sre-agents",), "agent", "token")
APPROVER = Principal("alice", "alice", ("sre-oncall",), "approver", "socket")
OTHER_APPROVER = Principal("bob", "bob", ("sre-oncall",), "approver", "token")
EXECUTOR = Principal("executor/local", "ops", (), "executor", "socket")
REMOTE_EXECUTOR = Principal("executor/eu", "ops", ("executor/prod-eu",), "executor", "token")
TOKENS = {"agent-b-token": OTHER_AGENT, "bob-token": OTHER_APPROVER, "executor-eu-token": REMOTE_EXECUTOR}
DEFAULTS: dict[Door, Principal] = {"agent": AGENT, "approver": APPROVER, "executor": EXECUTOR}


@dataclass(frozen=True)
class Open:
    """The open doors."""

    gateway: FakeGateway
    folder: Path
    addresses: tuple[str, ...]

    def unix(self, door: Door) -> str:
        """Return the address of a door's Unix socket."""
        return f"unix:{self.folder}/{door}.sock"


def authenticator(*, tokens_may_vote: bool = False) -> Authenticator:
    """Return the callers of the tests."""
    known = {token_digest(token): principal for token, principal in TOKENS.items()}
    return Authenticator(known, DEFAULTS, {"spiffe://acme.test/bob": OTHER_APPROVER}, tokens_may_vote=tokens_may_vote)


@asynccontextmanager
async def open_doors(
    folder: Path, *more: Listener, gateway: FakeGateway | None = None, auth: Authenticator | None = None
) -> AsyncGenerator[Open, None]:
    """Open the three Unix doors, and more."""
    fake = gateway or FakeGateway()
    doors = Doors(fake, auth or authenticator())
    unix: tuple[Door, ...] = ("agent", "approver", "executor")
    listeners = [Listener(door, f"unix:{folder}/{door}.sock") for door in unix]
    addresses = await doors.open([*listeners, *more])
    try:
        yield Open(fake, folder, addresses)
    finally:
        await doors.close(grace_s=0)
