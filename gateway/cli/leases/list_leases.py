"""countermand leases list."""

import click

from agent_client import State
from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.text import table
from gateway.cli.views import action_row, time_text


@click.command("list")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many leases.")
@door("agent", choice=True)
def list_leases(*, at: Door, as_json: bool, limit: int) -> None:
    """List the changes that end by themselves, and when."""
    with at.either() as gateway:
        page = gateway.list_actions(states=[State.LEASED], page_size=limit)
    rows = [(time_text(a.lease_end_ms), *action_row(a)) for a in page.items]
    emit(page.items, as_json=as_json, text=table(rows))
