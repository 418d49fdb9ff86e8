"""countermand approvals ack."""

import click

from agent_client.types import Mark
from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import action_text


@click.command("ack")
@click.argument("action")
@click.argument("mark", type=click.Choice(["would_do", "did_it", "wrong"]))
@door("approver")
def ack(*, at: Door, as_json: bool, action: str, mark: Mark) -> None:
    """Say of the suggestion ACTION: would do, did it, or wrong."""
    with at.approver() as gateway:
        found = gateway.acknowledge(action, mark)
    emit(found, as_json=as_json, text=action_text(found))
