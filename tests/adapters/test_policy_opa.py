"""The OPA server adapter, against a real server."""

import asyncio
from collections.abc import Iterator

import pytest

from gateway.adapters.policy_opa import OpaEngine
from gateway.errors import ConfigFault, PolicyFault, PolicyRefused
from tests.fakes.mini_bundle import document, mini_bundle
from tests.fakes.opa_server import OpaServer, opa_server

pytestmark = pytest.mark.anyio
CONFIG = "countermand/config/demo/data.yaml"
OTHER = mini_bundle({CONFIG: "denied: [pods.get]\nnotify: [on-call]\n"})


@pytest.fixture
def server() -> Iterator[OpaServer]:
    with opa_server() as server:
        yield server


async def test_a_server_that_lost_the_revision_costs_one_denial(server: OpaServer) -> None:
    engine, thief = OpaEngine(server.url, timeout_s=5), OpaEngine(server.url, timeout_s=5)
    try:
        await engine.load(mini_bundle())
        await thief.load(mini_bundle())
        await thief.load(OTHER)  # and takes the first revision away, as a restart would
        with pytest.raises(PolicyFault) as fault:
            await engine.evaluate(document())
        assert fault.value.code == "POLICY_UNDEFINED"
        assert engine._healing is not None
        await engine._healing
        assert (await engine.evaluate(document())).revision == mini_bundle().revision
    finally:
        await asyncio.gather(engine.close(), thief.close())


async def test_two_gateways_share_a_server_with_revisions_of_their_own(server: OpaServer) -> None:
    one, two = OpaEngine(server.url, timeout_s=5), OpaEngine(server.url, socket=server.socket, timeout_s=5)
    try:
        await one.load(mini_bundle())
        await two.load(OTHER)
        assert [f["code"] for f in (await one.evaluate(document())).findings] == ["DEMO_PERMIT"]
        assert [f["code"] for f in (await two.evaluate(document())).findings] == ["DEMO_LIMIT", "DEMO_PERMIT"]
    finally:
        await asyncio.gather(one.close(), two.close())


async def test_a_refused_bundle_leaves_nothing_on_the_server(server: OpaServer) -> None:
    engine = OpaEngine(server.url, timeout_s=5)
    try:
        await engine.load(mini_bundle())
        before = await engine.status()
        with pytest.raises(PolicyRefused):
            await engine.load(mini_bundle({"samples/limit.json": None}))
        assert await engine.status() == before
        assert before["healthy"] is True
    finally:
        await engine.close()


async def test_a_swap_takes_the_old_revision_off_the_server(server: OpaServer) -> None:
    engine = OpaEngine(server.url, timeout_s=5)
    try:
        await engine.load(mini_bundle())
        await engine.load(OTHER)
        roots = {str(policy).partition("/")[0] for policy in (await engine.status())["policies"]}
        assert len(roots) == 1
    finally:
        await engine.close()


async def test_a_server_that_is_away_denies_and_refuses() -> None:
    engine = OpaEngine("http://127.0.0.1:1", timeout_s=1)
    try:
        with pytest.raises(PolicyRefused) as refused:
            await engine.load(mini_bundle())
        assert refused.value.code == "POLICY_UPLOAD_FAILED"
        assert engine.revision == ""
    finally:
        await engine.close()


async def test_a_server_that_goes_away_denies() -> None:
    with opa_server() as server:
        engine = OpaEngine(server.url, timeout_s=2)
        await engine.load(mini_bundle())
    try:
        with pytest.raises(PolicyFault) as fault:
            await engine.evaluate(document())
        assert fault.value.code == "POLICY_UNREACHABLE"
    finally:
        await engine.close()


@pytest.mark.parametrize("url", ["unix:///run/opa.sock", "http://", "http://h/v1", "opa"])
async def test_a_url_that_is_no_server_is_a_config_fault(url: str) -> None:
    with pytest.raises(ConfigFault):
        OpaEngine(url)
