"""The client: a process of its own that measures one variant at a time, as it is told on standard input.

One JSON object a line: {"variant", "address", "callers", "seconds"} is answered with {p50_us, p99_us, rate, calls}, and
with the nanoseconds of each call, {took}, where it says "each"; {"variant": "sizes", "address"} with {request, reply},
the bytes of one decision. Nothing that is told ends it.
"""

import asyncio
import json
import sys
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

import grpc.aio

from agent_client import aio
from agent_client.calls import actions
from agent_client.calls.call import Call as Rpc
from agent_client.calls.call import serialize
from agent_client.channel import OPTIONS
from agent_client.types import Action, State
from gateway.cli.bench.load import Call, load
from gateway.cli.bench.site import ECHO, JUSTIFICATION, READ_COMMAND, TARGET_READ

_PLACE = "00000000-0000-4000-8000-000000000000"


class Client:
    """One connection an address, kept over all rounds."""

    def __init__(self) -> None:
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._agents: dict[str, aio.AgentClient] = {}
        self._request = b""
        self._granted = -1

    async def answer(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do what one line says and return what to write."""
        if told["variant"] == "sizes":
            return await self._sizes(told["address"])
        call = _VARIANTS[told["variant"]](self, told["address"])
        took: list[int] = []
        figures = asdict(await load(call, told["callers"], told["seconds"], took))
        return {**figures, "took": took} if told.get("each") else figures

    def echo(self, address: str) -> Call:
        """Return a call with the bytes of a decision's request, answered by the bytes of its reply."""
        stub = self._channel(address).unary_unary(ECHO, None, None)
        request = self._request

        async def call() -> None:
            await stub(request)

        return call

    def decision(self, address: str) -> Call:
        """Return a proposal under a request_id of its own; the stub a client keeps, without its retries."""
        submit = _submit()
        stub = self._channel(address).unary_unary(submit.path, None, submit.response_type.FromString)
        head, _, tail = self._request.partition(_PLACE.encode())

        async def call() -> None:
            reply: Any = await stub(head + str(uuid.uuid4()).encode() + tail)
            if reply.action.state != self._granted:
                raise ValueError(f"{READ_COMMAND} was not granted: {submit.read(reply).reason}")

        return call

    def read(self, address: str) -> Call:
        """Return a governed read from its proposal to its success; raises ValueError when it ends otherwise."""
        if address not in self._agents:
            self._agents[address] = aio.connect(address)
        agent = self._agents[address]

        async def call() -> None:
            ended = await agent.propose(TARGET_READ, wait_s=30)
            if ended.state is not State.SUCCEEDED:
                raise ValueError(f"{TARGET_READ} ended {ended.state}: {ended.reason}")

        return call

    async def _sizes(self, address: str) -> Mapping[str, int]:
        submit = _submit()
        self._request = serialize(submit.request)
        stub = self._channel(address).unary_unary(submit.path, None, None)
        reply = await stub(self._request.replace(_PLACE.encode(), str(uuid.uuid4()).encode()))
        message: Any = submit.response_type.FromString(reply)
        action = submit.read(message)
        if action.state is not State.GRANTED:
            raise ValueError(f"{READ_COMMAND} is {action.state}: {action.reason}")
        self._granted = message.action.state
        return {"request": len(self._request), "reply": len(reply)}

    def _channel(self, address: str) -> grpc.aio.Channel:
        if address not in self._channels:
            self._channels[address] = grpc.aio.insecure_channel(address, OPTIONS)
        return self._channels[address]


def _submit() -> Rpc[Action]:
    return actions.propose(READ_COMMAND, justification=JUSTIFICATION, request_id=_PLACE)


_VARIANTS: Mapping[str, Callable[[Client, str], Call]] = {
    "echo": Client.echo,
    "decision": Client.decision,
    "read": Client.read,
}


async def main(read_line: Callable[[], Awaitable[str]]) -> None:
    """Answer lines until there are no more."""
    client = Client()
    while line := await read_line():
        sys.stdout.write(json.dumps(await client.answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(lambda: asyncio.to_thread(sys.stdin.readline)))
