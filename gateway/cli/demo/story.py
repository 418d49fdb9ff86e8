"""What the reader of the demo sees: a line per event, progress while it waits, a table at the end."""

import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table
from rich.text import Text

_WIDTH = 118
"""Of a transcript that is not a terminal."""
_SILENCE_S = 2.0
"""After which a transcript that is not a terminal tells how far the waiting has come."""
_INDENT = 17
"""Where the words of a line begin."""
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
        self._said = self._started

    @property
    def elapsed_s(self) -> float:
        """Return the seconds since the demo began."""
        return time.monotonic() - self._started

    def title(self, text: str) -> None:
        """Print a heading."""
        self._console.rule(f"[bold]{escape(text)}", align="left")

    def line(self, kind: str, text: str, *more: str) -> None:
        """Print one event with the time since the start; further lines stand below it."""
        room = max(self._console.width - _INDENT, 40)
        lines = [part for whole in (text, *more) for part in textwrap.wrap(whole, room, break_on_hyphens=False)]
        head = Text(f"{self.elapsed_s:5.1f} s ", style="dim")
        head.append(f"{kind:8} ", style=_STYLES.get(kind, ""))
        for number, part in enumerate(lines):
            body = Text(part) if number == 0 or not more else Text(part, style="dim")
            self._console.print((head if number == 0 else Text(" " * _INDENT)) + body, soft_wrap=True)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show that something is being waited for, with what `progress` says."""
        if not self._console.is_terminal:
            self._said = time.monotonic()
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
        elif time.monotonic() - self._said > _SILENCE_S:
            self._said = time.monotonic()
            self.line("…", text)

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
