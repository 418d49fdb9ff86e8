"""countermand incidents hypothesis."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit


@click.command("hypothesis")
@click.argument("incident")
@click.argument("text")
@door("approver", choice=True)
def hypothesis(*, at: Door, as_json: bool, incident: str, text: str) -> None:
    """Add a possible cause to INCIDENT and print its id."""
    with at.either() as gateway:
        found = gateway.add_hypothesis(incident, text)
    emit(found, as_json=as_json, text=found.hypothesis)
