"""What each change of the battery came to, for the table that `pytest -s` prints at the end."""

COLUMNS = ("undo class", "taken back", "same field edited", "another field edited")
_ROWS: dict[str, dict[str, str]] = {}


def told(row: str, column: str, text: str) -> None:
    """Note one cell."""
    assert column in COLUMNS
    _ROWS.setdefault(row, {})[column] = text


def lines() -> list[str]:
    """Return the table; nothing where no row was tried."""
    if not _ROWS:
        return []
    rows = [[name, *(cells.get(column, "") for column in COLUMNS)] for name, cells in _ROWS.items()]
    head = [["change", *COLUMNS], ["---"] * (len(COLUMNS) + 1)]
    return [f"| {' | '.join(row)} |" for row in head + rows]
