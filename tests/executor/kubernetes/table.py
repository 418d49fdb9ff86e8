"""What each change of the battery came to: a table below the results of a session, from however many workers."""

from typing import Any

import pytest

COLUMNS = ("undo class", "taken back", "same field edited", "another field edited")
_ROWS: dict[str, dict[str, str]] = {}


def told(row: str, column: str, text: str) -> None:
    """Note one cell."""
    assert column in COLUMNS
    _ROWS.setdefault(row, {})[column] = text


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what this worker noted to the process that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["battery"] = _ROWS


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker noted; one that broke has nothing to tell."""
    for row, cells in getattr(node, "workeroutput", {}).get("battery", {}).items():
        _ROWS.setdefault(row, {}).update(cells)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table where a row was tried."""
    if not _ROWS:
        return
    from gateway.executor.targets.kubernetes.schema import SERVER_FIELDS  # only where it is printed

    rows = [[name, *(cells.get(column, "") for column in COLUMNS)] for name, cells in _ROWS.items()]
    head = [["change", *COLUMNS], ["---"] * (len(COLUMNS) + 1)]
    terminalreporter.section("the battery of Kubernetes changes")
    for row in head + rows:
        terminalreporter.write_line(f"| {' | '.join(row)} |")
    terminalreporter.write_line(f"Not compared, because the server manages them: {', '.join(SERVER_FIELDS)}")
