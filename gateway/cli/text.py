"""Text for terminals."""

from collections.abc import Iterable


def safe(text: str) -> str:
    """Return text without what a terminal would act on; it may hold words of an attacker."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def line(text: str) -> str:
    """Return text as one safe line."""
    return safe(" ".join(text.split()))


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows in columns two spaces apart; the last column is as long as it is."""
    cells = [tuple(line(cell) for cell in row) for row in rows]
    if not cells:
        return ""
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)
    return "".join(f"{text}\n" for text in lines)
