"""countermand incidents cause."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import incident_text


@click.command("cause")
@click.argument("incident")
@click.argument("hypothesis")
@click.argument("text")
@click.option("--evidence", multiple=True, help="Action that supports it; may be repeated.")
@door("approver", choice=True)
def cause(*, at: Door, as_json: bool, incident: str, hypothesis: str, text: str, evidence: tuple[str, ...]) -> None:
    """Declare HYPOTHESIS the cause of INCIDENT."""
    with at.either() as gateway:
        found = gateway.declare_cause(incident, hypothesis, text, evidence)
    emit(found, as_json=as_json, text=incident_text(found))
