"""What a scope serves is told at every attach, and again while nobody hears it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.errors import TargetFault
from gateway.executor.announce import Announcer, Catalogue

pytestmark = pytest.mark.anyio
FOR_EVER = 1e6


class Listening:
    """A gateway that writes down what it is told, and answers as it is set."""

    def __init__(self, *answers: str | None) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._answers = list(answers)
        self._news = asyncio.Event()

    async def announce(self, scope: str, document: bytes) -> str | None:
        self.heard.append((scope, document))
        self._news.set()
        return self._answers.pop(0) if self._answers else ""

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.heard) < count:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def announcing(listening: Listening, **catalogues: Catalogue) -> AsyncIterator[Announcer]:
    announcer = Announcer(listening, catalogues)
    task = asyncio.create_task(announcer.serve())
    try:
        yield announcer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def document() -> bytes:
    return b"{}"


async def test_every_scope_is_told_at_the_start_and_at_every_attach() -> None:
    listening = Listening()
    async with announcing(listening, a=Catalogue(document, FOR_EVER), b=Catalogue(document, FOR_EVER)) as announcer:
        await listening.until(2)
        announcer.again()
        await listening.until(4)
    assert sorted(listening.heard) == [("a", b"{}"), ("a", b"{}"), ("b", b"{}"), ("b", b"{}")]


async def test_it_is_told_again_after_a_while() -> None:
    listening = Listening()
    async with announcing(listening, a=Catalogue(document, 0.001)):
        await listening.until(3)


async def test_it_is_told_again_when_nobody_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.executor.announce._AGAIN_S", 0.001)
    listening = Listening(None, None)
    async with announcing(listening, a=Catalogue(document, FOR_EVER)):
        await listening.until(3)


async def test_a_refusal_is_logged_and_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    listening = Listening("SCOPE_NOT_YOURS")
    async with announcing(listening, a=Catalogue(document, FOR_EVER)) as announcer:
        await listening.until(1)
        announcer.again()
        await listening.until(2)
    assert "SCOPE_NOT_YOURS" in caplog.text


async def test_a_cluster_that_does_not_answer_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.executor.announce._AGAIN_S", 0.001)
    asked: list[int] = []

    async def away_at_first() -> bytes:
        asked.append(1)
        if len(asked) < 3:
            raise TargetFault("TARGET_UNREACHABLE", "away")
        return b"{}"

    listening = Listening()
    async with announcing(listening, a=Catalogue(away_at_first, FOR_EVER)):
        await listening.until(1)
    assert len(asked) == 3
