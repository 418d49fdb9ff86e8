"""countermand audit tail: the leaves of a running gateway."""

import json

import click

from agent_client import Leaf
from gateway.cli.door import Door, door
from gateway.cli.emit import to_json
from gateway.cli.text import line
from gateway.cli.views import time_text


@click.command("tail")
@click.option("--from", "first", type=click.IntRange(0), default=0, show_default=True, help="Index of the first leaf.")
@click.option("--follow", is_flag=True, help="Go on as leaves are written, until interrupted.")
@door("approver")
def tail(*, at: Door, as_json: bool, first: int, follow: bool) -> None:
    """Print leaves, one a line."""
    with at.approver() as gateway:
        for leaf in gateway.tail(first, follow=follow):
            click.echo(
                to_json({"index": leaf.index, "leaf": json.loads(leaf.data)}, indent=None) if as_json else _line(leaf)
            )


def _line(leaf: Leaf) -> str:
    document = json.loads(leaf.data)
    move = f"{document['event']} → {document['state_after']}" if document["event"] else ""
    words = (str(leaf.index), time_text(document["at_ms"]), document["kind"], document["action"] or "-", move)
    return line("  ".join(words))
