"""countermand audit checkpoint: the newest signed head of the log, to keep elsewhere."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import to_json


@click.command("checkpoint")
@door("approver", choice=True)
def checkpoint(*, at: Door, as_json: bool) -> None:
    """Print the newest signed checkpoint; keep it elsewhere and give it to `audit verify --since`."""
    with at.either() as gateway:
        note = gateway.checkpoint()
    click.echo(to_json({"checkpoint": note}) if as_json else note, nl=as_json)
