"""Tokens and certificates are shown where it is safe only."""

import os
from pathlib import Path

import pytest

from agent_client.channel import Endpoint, endpoint
from gateway.api.grpc.server import Listener
from tests.api.tls import Authority
from tests.client.conftest import QUICK
from tests.client.drivers import Kind, driver
from tests.fakes.doors import doors_in_thread


def _token(folder: Path, text: str = "agent-b-token\n", mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_text(text, encoding="ascii")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("address", ["unix:/run/x.sock", "localhost:1", "127.0.0.1:1", "[::1]:1"])
def test_a_token_is_shown_on_this_machine(folder: Path, address: str) -> None:
    assert endpoint(address, _token(folder)).metadata == (("authorization", "Bearer agent-b-token"),)


@pytest.mark.parametrize("address", ["gateway.example:443", "10.0.0.1:1", "localhost.example:1", "127.0.0.1.example:1"])
def test_a_token_does_not_cross_a_network_in_the_clear(folder: Path, address: str) -> None:
    with pytest.raises(ValueError, match="in the clear"):
        endpoint(address, _token(folder))


def test_a_token_crosses_a_network_under_tls(folder: Path) -> None:
    ca = folder / "ca.pem"
    ca.write_bytes(Authority().certificate)
    assert endpoint("gateway.example:443", _token(folder), ca).metadata


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_token_that_others_can_read_is_refused(folder: Path, mode: int) -> None:
    with pytest.raises(ValueError, match="chmod 0600"):
        endpoint("unix:/x", _token(folder, mode=mode))


def test_an_empty_token_file_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="empty"):
        endpoint("unix:/x", _token(folder, "\n"))


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(ValueError, match="key_file"):
        endpoint("unix:/x", certificate_file="cert.pem")


def test_a_token_is_not_printed() -> None:
    assert "hunter2" not in repr(Endpoint("unix:/x", "hunter2"))


def test_a_token_names_another_agent_on_the_same_socket(folder: Path, kind: Kind) -> None:
    with doors_in_thread(folder) as doors:
        client = driver(kind, "agent", doors.unix("agent"), QUICK, token_file=_token(folder))
        assert client("propose", "get").agent == "agent/other"
        client.close()


def test_a_token_works_over_tcp_on_this_machine_whatever_proxy_the_environment_names(
    folder: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "http_proxy", "http://127.0.0.1:9")
    with doors_in_thread(folder, Listener("agent", "127.0.0.1:0")) as doors:
        client = driver(kind, "agent", doors.addresses[-1], QUICK, token_file=_token(folder))
        assert client("propose", "get").agent == "agent/other"
        client.close()
