"""countermand drift show."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import drift_text


@click.command("show")
@click.argument("entry")
@door("approver")
def show(*, at: Door, as_json: bool, entry: str) -> None:
    """Show ENTRY, and the text of a pull request that makes the code say what stands."""
    with at.approver() as gateway:
        found = gateway.drift(entry=entry).items[0]
    emit(found, as_json=as_json, text=drift_text(found))
