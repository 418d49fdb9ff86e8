"""countermand drift close."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import drift_text


@click.command("close")
@click.argument("entry")
@click.option("--reference", required=True, help="The pull request or ticket that carries the proposal.")
@door("approver")
def close(*, at: Door, as_json: bool, entry: str, reference: str) -> None:
    """Close ENTRY, whose proposal was handed to its owner."""
    with at.approver() as gateway:
        found = gateway.close_drift(entry, reference)
    emit(found, as_json=as_json, text=drift_text(found))
