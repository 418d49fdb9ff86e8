"""Async tests (`@pytest.mark.anyio`) run on asyncio, the only loop the gateway runs on."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
