"""countermand rollback."""

import click

from agent_client import State
from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import action_text, refuse


@click.command()
@click.argument("action")
@click.option("--reason", default="", help="Why; it is recorded.")
@door("agent", choice=True)
def rollback(*, at: Door, as_json: bool, action: str, reason: str) -> None:
    """Take the committed ACTION back, inside its undo window; ends with 1 when the policy says no."""
    with at.either() as gateway:
        found = gateway.rollback(action, reason)
    emit(found, as_json=as_json, text=action_text(found))
    refuse(refused=found.state is State.COMMITTED)
