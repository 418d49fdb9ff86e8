"""A door's socket is reached by its owner only."""

import os
import socket
import stat
from pathlib import Path

import pytest

from gateway.api.grpc import sockets
from gateway.errors import ConfigFault


def _refusal(path: Path) -> str:
    with pytest.raises(ConfigFault) as caught:
        sockets.prepare(path)
    return caught.value.code


def test_the_directory_is_made_private(folder: Path) -> None:
    sockets.prepare(folder / "run" / "agent.sock")
    assert stat.S_IMODE((folder / "run").stat().st_mode) == 0o700


def test_a_directory_that_others_may_enter_is_refused(folder: Path) -> None:
    folder.chmod(0o755)
    assert _refusal(folder / "agent.sock") == "FILE_NOT_PRIVATE"


def test_a_path_that_no_socket_address_holds_is_refused(folder: Path) -> None:
    assert _refusal(folder / ("a" * 100) / "agent.sock") == "SOCKET_PATH_TOO_LONG"


def test_a_file_in_the_place_of_the_socket_is_left_alone(folder: Path) -> None:
    path = folder / "agent.sock"
    path.write_text("precious", encoding="ascii")
    assert _refusal(path) == "SOCKET_PATH_TAKEN"
    assert path.read_text(encoding="ascii") == "precious"


def test_the_socket_of_a_dead_gateway_is_removed(folder: Path) -> None:
    path = folder / "agent.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(path))
    sockets.prepare(path)
    assert not path.exists()


def test_the_socket_of_a_living_gateway_is_not_taken_over(folder: Path) -> None:
    path = folder / "agent.sock"
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(os.fspath(path))
        living.listen()
        assert _refusal(path) == "SOCKET_IN_USE"
    assert path.exists()
