"""countermand approvals keep."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import action_text, refuse


@click.command("keep")
@click.argument("action")
@door("approver")
def keep(*, at: Door, as_json: bool, action: str) -> None:
    """Keep the verifying or leased ACTION for good; ends with 1 when the policy says no."""
    with at.approver() as gateway:
        found = gateway.keep(action)
    emit(found, as_json=as_json, text=action_text(found))
    refuse(refused=bool(found.reason))
