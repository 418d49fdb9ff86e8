"""Prints the battery's table at the end of a session (`pytest -s`)."""

from collections.abc import Iterator

import pytest

from gateway.executor.targets.kubernetes.schema import SERVER_FIELDS
from tests.executor.kubernetes import table


@pytest.fixture(scope="session", autouse=True)
def battery() -> Iterator[None]:
    """Print the table when all is done."""
    yield
    if found := table.lines():
        managed = "Not compared, because the server manages them: " + ", ".join(SERVER_FIELDS)
        print("\n", *found, managed, sep="\n")  # noqa: T201  # the battery's table
