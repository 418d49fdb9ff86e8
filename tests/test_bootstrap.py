"""The composition root: what it opens, what it refuses, what it keeps."""

import stat
from pathlib import Path

import pytest

from agent_client.aio import connect
from gateway.adapters.clock import SystemClock
from gateway.bootstrap import running
from gateway.config import Settings, settings_of
from gateway.core.principal import Principal
from gateway.errors import ConfigFault

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("bundles_checked_once")]
RAW = {
    "state_dir": "state",
    "environments": {"prod": {"criticality": "high"}},
    "scopes": {"orders-db": {"tool": "postgres", "environments": {"*": "prod"}}},
    "aws_services": ["rds"],
    "policy": {"workers": 0},
}


def _settings(folder: Path, **more: object) -> Settings:
    return settings_of(RAW | more, folder)


async def test_every_door_is_a_private_socket_in_a_private_folder(tmp_path: Path) -> None:
    async with running(_settings(tmp_path)) as up:
        assert len(up.addresses) == 3
        for address in up.addresses:
            path = Path(address.removeprefix("unix:"))
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_an_agent_is_answered_through_its_socket_and_the_answer_survives_a_restart(tmp_path: Path) -> None:
    async with running(_settings(tmp_path)) as up, connect(f"unix:{up.layout.socket('agent')}") as client:
        action = await client.propose('psql -c "SELECT 1"')
        assert action.state == "GRANTED"
    async with running(_settings(tmp_path)) as up:
        person = Principal("alice", "", (), "approver", "socket")
        assert (await up.gateway.get_action(person, action.id)).state == "GRANTED"


class _Ahead(SystemClock):
    """A clock that is ten minutes fast."""

    def now_ms(self) -> int:
        return super().now_ms() + 600_000


async def test_a_clock_behind_the_log_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for clock in (SystemClock(), _Ahead()):
        async with running(_settings(tmp_path), clock):
            pass
    for _ in range(2):
        with pytest.raises(ConfigFault) as caught:
            async with running(_settings(tmp_path)):
                pass
        assert caught.value.code == "CLOCK_BEHIND"


@pytest.mark.parametrize("name", ["seal.key", "redact.key", "passphrase"])
async def test_a_database_without_one_of_its_secrets_is_refused(tmp_path: Path, name: str) -> None:
    async with running(_settings(tmp_path)):
        pass
    (tmp_path / "state" / "secrets" / name).unlink()
    with pytest.raises(ConfigFault) as caught:
        async with running(_settings(tmp_path)):
            pass
    assert caught.value.code == "KEY_LOST"


async def test_a_bundle_that_cannot_be_loaded_keeps_the_gateway_from_starting(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigFault) as caught:
        async with running(_settings(tmp_path, policy={"workers": 0, "bundle": str(tmp_path / "empty")})):
            pass
    assert caught.value.code == "POLICY_NONE"


async def test_a_tcp_door_needs_a_token(tmp_path: Path) -> None:
    async with running(_settings(tmp_path, tcp=[{"door": "agent", "port": 0}])) as up:
        [address] = [a for a in up.addresses if not a.startswith("unix:")]
        async with connect(address) as client:
            with pytest.raises(Exception, match="identity"):
                await client.propose('psql -c "SELECT 1"')
        async with connect(address, token_file=up.layout.tokens / "local-agent") as client:
            assert (await client.propose('psql -c "SELECT 1"')).state == "GRANTED"
