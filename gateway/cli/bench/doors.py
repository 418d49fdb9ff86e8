"""The doors beside the real one, in the gateway's own process: a bare echo and a traced one."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import grpc
import grpc.aio

from gateway.api.auth import Authenticator
from gateway.api.grpc.server import Doors, Listener
from gateway.bootstrap import Running
from gateway.cli.bench.site import AGENT
from gateway.cli.bench.stages import Trace, admitting, traced


@dataclass(slots=True)
class Echo:
    """A generic handler that answers every request with the same bytes."""

    reply: bytes = b""

    def service(self, _details: object) -> "grpc.RpcMethodHandler[Any, Any]":
        """Return the handler of a method; there is only one."""

        async def echo(_request: bytes, _context: object) -> bytes:
            return self.reply

        return grpc.unary_unary_rpc_method_handler(echo)


@dataclass(frozen=True, slots=True)
class Bench:
    """The addresses, and what is behind them."""

    echo: str
    traced: str
    echoed: Echo
    trace: Trace


@asynccontextmanager
async def bench_doors(up: Running) -> AsyncIterator[Bench]:
    """Open both doors beside those of a running gateway."""
    names = {name: f"unix:{up.layout.root / 'sockets' / name}.sock" for name in ("echo", "traced")}
    echo, trace = Echo(), Trace()
    async with AsyncExitStack() as stack:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers([cast("grpc.GenericRpcHandler[Any, Any]", echo)])
        server.add_insecure_port(names["echo"])
        await server.start()
        stack.push_async_callback(server.stop, 0)
        doors = Doors(traced(up.world, trace), admitting(Authenticator({}, {"agent": AGENT}), trace))
        await doors.open([Listener("agent", names["traced"])])
        stack.push_async_callback(doors.close, 0)
        yield Bench(names["echo"], names["traced"], echo, trace)
