"""countermand drift list."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.text import table
from gateway.cli.views import drift_row


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many entries.")
@door("approver")
def list_drift(*, at: Door, as_json: bool, everything: bool, limit: int) -> None:
    """List the fields that are not as their owner in code says, newest first."""
    with at.approver() as gateway:
        page = gateway.drift(open_only=not everything, page_size=limit)
    emit(page.items, as_json=as_json, text=table(drift_row(entry) for entry in page.items))
