"""countermand incidents show."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import incident_text


@click.command("show")
@click.argument("incident")
@door("approver", choice=True)
def show(*, at: Door, as_json: bool, incident: str) -> None:
    """Show INCIDENT."""
    with at.either() as gateway:
        found = gateway.get_incident(incident)
    emit(found, as_json=as_json, text=incident_text(found))
