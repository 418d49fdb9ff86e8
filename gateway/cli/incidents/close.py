"""countermand incidents close."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import incident_text


@click.command("close")
@click.argument("incident")
@door("approver", choice=True)
def close(*, at: Door, as_json: bool, incident: str) -> None:
    """Close INCIDENT."""
    with at.either() as gateway:
        found = gateway.close_incident(incident)
    emit(found, as_json=as_json, text=incident_text(found))
