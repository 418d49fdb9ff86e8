"""countermand show: an action as it stands, or the newest actions."""

import click

from agent_client import State
from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.text import table
from gateway.cli.views import action_row, action_text


@click.command()
@click.argument("action", required=False)
@click.option("--incident", default="", help="Only actions of this incident.")
@click.option("--state", "states", multiple=True, type=click.Choice([s.value for s in State if s is not State.UNKNOWN]),
              help="Only actions in this state; may be repeated.")  # fmt: skip
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many actions.")
@door("agent", choice=True)
def show(*, at: Door, as_json: bool, action: str | None, incident: str, states: tuple[str, ...], limit: int) -> None:
    """Show ACTION, or list the newest actions."""
    with at.either() as gateway:
        if action is not None:
            found = gateway.get(action)
            emit(found, as_json=as_json, text=action_text(found))
            return
        page = gateway.list_actions(incident=incident, states=[State(s) for s in states], page_size=limit)
    emit(page.items, as_json=as_json, text=table(map(action_row, page.items)))
