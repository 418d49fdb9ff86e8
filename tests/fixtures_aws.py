"""A real HTTP server of the AWS API for tests: moto in a thread, on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.executor.config import AwsScope
from gateway.executor.secret import Secret

REGION = "eu-west-1"
ACCOUNT = "123456789012"


@dataclass(frozen=True, slots=True)
class Aws:
    """A running server, and a client beside the executor's to play everybody else."""

    url: str

    def client(self, service: str) -> Any:
        """Return a client of one service."""
        import boto3

        return boto3.client(
            service,  # type: ignore[call-overload]  # any service by name
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="others",
            aws_secret_access_key="others",
        )

    def scope(self, account: str = ACCOUNT) -> AwsScope:
        """Return the executor's settings for this server."""
        return AwsScope(self.url, (REGION,), "executor", Secret("executor"), account=account)


@contextmanager
def aws_server() -> Iterator[Aws]:
    """Run a server whose state begins empty."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Aws(f"http://{host}:{port}")
    finally:
        server.stop()


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    """One server for all tests of a session; tests make their own objects."""
    with aws_server() as server:
        yield server
