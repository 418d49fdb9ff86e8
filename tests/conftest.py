"""Async tests (`@pytest.mark.anyio`) run on asyncio, the only loop the gateway runs on."""

import pytest

from tests.fixtures_aws import aws as aws
from tests.fixtures_pg import postgres as postgres


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
