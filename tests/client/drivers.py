"""The same test through the synchronous and the asynchronous client."""

import asyncio
from contextlib import aclosing, closing
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol

import agent_client
from agent_client import Retry, aio

Kind = Literal["sync", "async"]
Role = Literal["agent", "approver"]


class Driver(Protocol):
    """A client whose methods are called by name."""

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the answer of a method."""
        ...

    def take(self, count: int, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        """Return the first answers of a stream (fewer when it ends) and end it."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


def driver(kind: Kind, role: Role, address: str, retry: Retry | None = None, token_file: Path | None = None) -> Driver:
    """Connect."""
    return (_Sync if kind == "sync" else _Async)(role, address, retry, token_file)


class _Sync:
    def __init__(self, role: Role, address: str, retry: Retry | None, token_file: Path | None) -> None:
        connect = agent_client.connect if role == "agent" else agent_client.connect_approver
        self._client = connect(address, retry=retry, token_file=token_file)

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._client, method)(*args, **kwargs)

    def take(self, count: int, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        with closing(getattr(self._client, method)(*args, **kwargs)) as answers:
            return list(islice(answers, count))

    def close(self) -> None:
        self._client.close()


class _Async:
    def __init__(self, role: Role, address: str, retry: Retry | None, token_file: Path | None) -> None:
        self._runner = asyncio.Runner()
        connect = aio.connect if role == "agent" else aio.connect_approver

        async def connected() -> aio.AgentClient | aio.ApproverClient:
            return connect(address, retry=retry, token_file=token_file)

        self._client = self._runner.run(connected())

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return self._runner.run(getattr(self._client, method)(*args, **kwargs))

    def take(self, count: int, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        async def run() -> list[Any]:
            found: list[Any] = []
            async with aclosing(getattr(self._client, method)(*args, **kwargs)) as answers:
                async for answer in answers:
                    found.append(answer)
                    if len(found) == count:
                        break
            return found

        return self._runner.run(run())

    def close(self) -> None:
        self._runner.run(self._client.close())
        self._runner.close()
