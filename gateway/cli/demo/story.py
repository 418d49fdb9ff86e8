"""What the reader of the demo sees: a line per event, progress while it waits, a table at the end."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

_WIDTH = 118
"""Of a transcript that is not a terminal."""
_STYLES = {
    "world": "dim", "alert": "bold red", "agent": "cyan", "read": "dim cyan", "finding": "cyan", "cause": "bold cyan",
    "propose": "bold yellow", "allow": "bold yellow", "deny": "bold red", "state": "yellow", "human": "bold magenta",
    "check": "green", "FAILED": "bold red", "proof": "green",
}  # fmt: skip


class Story:
    """Writes the transcript; plain text when the output is no terminal."""

    def __init__(self, out: TextIO | None = None) -> None:
        stream = out or sys.stdout
        width = None if stream.isatty() else _WIDTH
        self._console = Console(file=stream, width=width, highlight=False)
        self._started = time.monotonic()
        self._status: Status | None = None

    @property
    def elapsed_s(self) -> float:
        """Return the seconds since the demo began."""
        return time.monotonic() - self._started

    def title(self, text: str) -> None:
        """Print a heading."""
        self._console.rule(f"[bold]{escape(text)}", align="left")

    def line(self, kind: str, text: str, *more: str) -> None:
        """Print one event with the time since the start; further lines stand below it."""
        style = _STYLES.get(kind, "")
        table = Table.grid(padding=(0, 1))
        table.add_column(width=6, justify="right", style="dim")
        table.add_column(width=8, style=style)
        table.add_column(overflow="fold")
        table.add_row(f"{self.elapsed_s:.1f} s", kind, escape(text))
        for extra in more:
            table.add_row("", "", escape(extra))
        self._console.print(table)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show that something is being waited for; on a terminal only, with what `progress` says."""
        if not self._console.is_terminal:
            self.line("…", text)
            yield
            return
        with self._console.status(text) as status:
            self._status = status
            try:
                yield
            finally:
                self._status = None

    def progress(self, text: str) -> None:
        """Say how far the present waiting has come."""
        if self._status is not None:
            self._status.update(escape(text))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table."""
        table = Table(title=title, title_justify="left", title_style="bold", show_lines=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self._console.print(table)

    def text(self, text: str) -> None:
        """Print plain text."""
        self._console.print(escape(text))
