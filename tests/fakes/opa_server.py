"""A real OPA server for tests, where the binary exists: one a session, on loopback and a Unix socket."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tools.opa import find

SKIP = "OPA is not built here (tools/opa.py builds it where Go exists): its half of the policy suite is skipped"


@dataclass(frozen=True)
class OpaServer:
    url: str
    socket: str


@contextmanager
def opa_server() -> Iterator[OpaServer]:
    """Start OPA; skips the test when there is none."""
    binary = find()
    if binary is None:
        pytest.skip(SKIP)
    with TemporaryDirectory(prefix="opa-") as folder:
        port, path = _free_port(), f"{folder}/opa.sock"
        command = [binary, "run", "--server", "--skip-version-check", "--log-level=error"]
        command += [f"--addr=127.0.0.1:{port}", f"--addr=unix://{path}"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}/health", process)
            yield OpaServer(f"http://127.0.0.1:{port}", path if Path(path).exists() else "")
        finally:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)  # polling another process, not waiting for our own code
    raise RuntimeError("OPA did not become healthy")
