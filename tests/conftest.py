"""Async tests (`@pytest.mark.anyio`) run on asyncio, the only loop the gateway runs on, and all on one event loop.

grpc.aio has one completion queue a process: what a test leaves in it for a loop that was closed meanwhile is raised
in the loop of whichever test runs next.
"""

import gc
from collections.abc import AsyncIterator
from functools import cache
from itertools import count
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

_LONG = (
    "policies/test_differential.py", "attacks/test_audit_flips.py", "cli/test_check.py", "e2e/test_check_corpora.py",
    "contract/test_policy_engine.py", "cli/test_policy.py", "parsing/test_postgres_shown.py",
    "attacks/test_edited_reads.py", "oracles/test_awscli.py",
)  # fmt: skip
"""Few tests that take long begin first: no worker is to wait at the end for one of these files."""
# What lies in a cycle is freed in the thread that looks for it, and a policy engine must end in its own: so one looks.
gc.disable()
_COLLECT_EVERY = 200
_torn_down = count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes long first, and mark what needs a control plane, by the fixtures that it asks for.

    tools/ci.py collects such tests from the files that have one of two words, and must miss none.
    """
    items.sort(key=lambda item: not item.path.as_posix().endswith(_LONG))
    for item in items:
        if "control_plane_of_session" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cluster)
            if not _says_so(item.path):
                raise pytest.UsageError(f"{item.path} needs a control plane: let it say `cluster` or `namespace`")


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Look for garbage now and then, in the thread of the tests."""
    if next(_torn_down) % _COLLECT_EVERY == 0:
        gc.collect()


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
