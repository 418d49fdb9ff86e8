"""countermand watch: every change and every chunk of output of an action, until it is final."""

import click

from agent_client import Output
from gateway.cli.door import Door, door
from gateway.cli.emit import to_json
from gateway.cli.failure import REFUSED
from gateway.cli.text import safe
from gateway.cli.views import FAILED, output_text, time_text


@click.command()
@click.argument("action")
@door("agent", choice=True)
def watch(*, at: Door, as_json: bool, action: str) -> None:
    """Follow ACTION until its state is final; ends with 1 when that is not a good end."""
    state = None
    with at.either() as gateway:
        for event in gateway.watch(action):
            if as_json:
                click.echo(to_json({"output": event} if isinstance(event, Output) else {"action": event}, indent=None))
            elif isinstance(event, Output):
                click.echo(safe(output_text(event)))
            else:
                click.echo(safe(f"{time_text(event.updated_ms)}  {event.state.value}  {event.reason}".rstrip()))
            state = state if isinstance(event, Output) else event.state
    if state in FAILED:
        raise click.exceptions.Exit(REFUSED)
