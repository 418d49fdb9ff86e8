"""countermand approvals resolve."""

import click

from agent_client.types import Resolution
from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import action_text


@click.command("resolve")
@click.argument("action")
@click.argument("resolution", type=click.Choice(["kept", "undone_by_hand", "retry_undo"]))
@click.option("--comment", default="", help="Recorded with the resolution.")
@door("approver")
def resolve(*, at: Door, as_json: bool, action: str, resolution: Resolution, comment: str) -> None:
    """End NEEDS_HUMAN of ACTION: it was kept, was undone by hand, or its undo is tried again."""
    with at.approver() as gateway:
        found = gateway.resolve(action, resolution, comment)
    emit(found, as_json=as_json, text=action_text(found))
