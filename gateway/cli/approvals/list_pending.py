"""countermand approvals list."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import pending_text


@click.command("list")
@door("approver")
def list_pending(*, at: Door, as_json: bool) -> None:
    """List the actions that wait for people, with all that a vote would bind."""
    with at.approver() as gateway:
        found = gateway.pending()
    emit(found, as_json=as_json, text="\n\n".join(map(pending_text, found)) or "nothing waits")
