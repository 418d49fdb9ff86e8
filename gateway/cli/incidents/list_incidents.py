"""countermand incidents list."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.text import table
from gateway.cli.views import time_text


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many incidents.")
@door("approver", choice=True)
def list_incidents(*, at: Door, as_json: bool, everything: bool, limit: int) -> None:
    """List the newest incidents."""
    with at.either() as gateway:
        page = gateway.list_incidents(open_only=not everything, page_size=limit)
    rows = [(i.id, i.phase, i.source, time_text(i.opened_ms), i.title) for i in page.items]
    emit(page.items, as_json=as_json, text=table(rows))
