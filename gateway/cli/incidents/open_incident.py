"""countermand incidents open."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import incident_text


@click.command("open")
@click.argument("title")
@door("approver", choice=True)
def open_incident(*, at: Door, as_json: bool, title: str) -> None:
    """Open an incident; one that an agent opens permits no change without a person."""
    with at.either() as gateway:
        found = gateway.open_incident(title)
    emit(found, as_json=as_json, text=incident_text(found))
