"""countermand approvals reject."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import action_text


@click.command("reject")
@click.argument("action")
@click.option("--comment", default="", help="Recorded with the vote.")
@door("approver")
def reject(*, at: Door, as_json: bool, action: str, comment: str) -> None:
    """Vote against ACTION; one vote is enough."""
    with at.approver() as gateway:
        found = gateway.reject(action, comment)
    emit(found, as_json=as_json, text=action_text(found))
