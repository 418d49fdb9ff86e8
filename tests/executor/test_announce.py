"""What a scope serves is told at every attach, and again while nobody hears it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters.clock import SystemClock
from gateway.core.discovery import read
from gateway.errors import TargetFault
from gateway.executor.announce import Announcer, Catalogue
from gateway.executor.config import ExecutorConfig, GatewayAddress
from gateway.executor.config_kubernetes import KubernetesIdentities, KubernetesIdentity, KubernetesScope
from gateway.executor.run import run
from tests.executor.grants import AUDIENCE, jwks
from tests.executor.kubernetes.test_client import Server, scope, server
from tests.fakes.executor_gateway import ExecutorGateway, serving

__all__ = ["scope", "server"]

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


GROUPS = {
    "kind": "APIGroupDiscoveryList",
    "items": [
        {
            "metadata": {"name": "shop.example"},
            "versions": [
                {
                    "version": "v1",
                    "resources": [
                        {
                            "resource": "widgets", "responseKind": {"kind": "Widget"}, "scope": "Namespaced",
                            "singularResource": "widget", "verbs": ["get", "list"],
                            "subresources": [{"subresource": "scale"}],
                        },
                        {"resource": "b ad", "responseKind": {"kind": "Bad"}, "scope": "Cluster", "verbs": []},
                    ],
                }
            ],
        }
    ],
}  # fmt: skip


async def test_a_running_executor_tells_its_gateway_what_a_cluster_serves(
    tmp_path: Path, server: Server, scope: KubernetesScope
) -> None:
    head = {"Content-Type": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    nothing = {**GROUPS, "items": []}
    server.answer = lambda _, path, __: (200, head, json.dumps(GROUPS if path == "/apis" else nothing).encode())
    (tmp_path / "keys.json").write_bytes(jwks())
    bare = replace(scope, identities=KubernetesIdentities(KubernetesIdentity()))
    address = GatewayAddress(f"unix:{tmp_path / 'gateway.sock'}", None)
    config = ExecutorConfig(AUDIENCE, address, tmp_path / "keys.json", {"eu": bare})
    gateway = ExecutorGateway()
    async with serving(gateway, tmp_path / "gateway.sock"):
        task = asyncio.create_task(run(config, clock=SystemClock(), instance="i1"))
        await gateway.wait_for(lambda: bool(gateway.announced))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    told = gateway.announced[0]
    assert (told.audience, told.instance, told.scope) == (AUDIENCE, "i1", "eu")
    [kind] = read(told.document).kinds
    assert (kind.resource, kind.api_version, kind.subresources) == (
        "widgets.shop.example",
        "shop.example/v1",
        ("scale",),
    )
