"""countermand leases release."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import action_text


@click.command("release")
@click.argument("action")
@door("agent", choice=True)
def release(*, at: Door, as_json: bool, action: str) -> None:
    """End the lease of ACTION now; the change is taken back."""
    with at.either() as gateway:
        found = gateway.release(action)
    emit(found, as_json=as_json, text=action_text(found))
