"""Real gRPC doors over Unix sockets in a private directory, with a fake gateway behind them."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
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
BOB_SPIFFE = "spiffe://acme.test/bob"


@dataclass(frozen=True)
class Open:
    """The open doors."""

    gateway: FakeGateway
    folder: Path
    addresses: tuple[str, ...]
    loop: asyncio.AbstractEventLoop

    def unix(self, door: Door) -> str:
        """Return the address of a door's Unix socket."""
        return f"unix:{self.folder}/{door}.sock"

    def soon(self, change: Callable[[], object]) -> None:
        """Change the gateway from another thread."""
        self.loop.call_soon_threadsafe(change)


def authenticator(*, tokens_may_vote: bool = False) -> Authenticator:
    """Return the callers of the tests."""
    known = {token_digest(token): principal for token, principal in TOKENS.items()}
    return Authenticator(known, DEFAULTS, {BOB_SPIFFE: OTHER_APPROVER}, tokens_may_vote=tokens_may_vote)


@asynccontextmanager
async def open_doors(
    folder: Path,
    *more: Listener,
    gateway: FakeGateway | None = None,
    auth: Authenticator | None = None,
    unary_timeout_s: float = 30.0,
) -> AsyncGenerator[Open, None]:
    """Open the three Unix doors, and more."""
    fake = gateway or FakeGateway()
    doors = Doors(fake, auth or authenticator(), unary_timeout_s=unary_timeout_s)
    unix: tuple[Door, ...] = ("agent", "approver", "executor")
    listeners = [Listener(door, f"unix:{folder}/{door}.sock") for door in unix]
    addresses = await doors.open([*listeners, *more])
    try:
        yield Open(fake, folder, addresses, asyncio.get_running_loop())
    finally:
        await doors.close(grace_s=0)


@contextmanager
def doors_in_thread(folder: Path, *more: Listener, gateway: FakeGateway | None = None) -> Generator[Open, None, None]:
    """Open the doors in a thread of their own, for synchronous callers."""
    opened: list[Open] = []
    ready = threading.Event()
    done: list[Callable[[], None]] = []

    async def serve() -> None:
        end = asyncio.Event()
        async with open_doors(folder, *more, gateway=gateway) as doors:
            opened.append(doors)
            done.append(lambda: doors.soon(end.set))
            ready.set()
            await end.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        finally:
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    try:
        yield opened[0]
    finally:
        for end in done:
            end()
        thread.join()
