"""Async tests (`@pytest.mark.anyio`) run on asyncio, the only loop the gateway runs on, and all on one event loop.

grpc.aio has one completion queue a process: what a test leaves in it for a loop that was closed meanwhile is raised
in the loop of whichever test runs next.
"""

import gc
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path

import pytest

from tests.executor.kubernetes.table import pytest_sessionfinish, pytest_terminal_summary, pytest_testnodedown
from tests.fixtures_aws import aws
from tests.fixtures_k8s import cluster, control_plane_of_session, namespace
from tests.fixtures_pg import postgres
from tests.fixtures_policy import bundles_checked_once
from tests.fixtures_prometheus import alertmanager, metrics, prometheus, scraped

__all__ = [
    "alertmanager",
    "anyio_backend",
    "aws",
    "bundles_checked_once",
    "cluster",
    "control_plane_of_session",
    "metrics",
    "namespace",
    "one_loop",
    "postgres",
    "prometheus",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "scraped",
]

gc.set_threshold(20_000, 20, 20)  # what thousands of tests keep is looked through less often: a tenth of the time


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a control plane, by the fixtures that it asks for.

    tools/ci.py collects such tests from the files that have one of two words, and must miss none.
    """
    for item in items:
        if "control_plane_of_session" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cluster)
            if not _says_so(item.path):
                raise pytest.UsageError(f"{item.path} needs a control plane: let it say `cluster` or `namespace`")


@cache
def _says_so(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return "cluster" in text or "namespace" in text


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
async def one_loop(anyio_backend: str) -> AsyncIterator[None]:
    """Keep anyio's event loop from the first test to the last."""
    del anyio_backend
    yield  # noqa: PT022  # a generator holds the loop until the end of the session
