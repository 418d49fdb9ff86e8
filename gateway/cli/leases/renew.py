"""countermand leases renew."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.views import action_text, refuse


@click.command("renew")
@click.argument("action")
@click.argument("lease_s", type=click.IntRange(1), metavar="SECONDS")
@door("agent", choice=True)
def renew(*, at: Door, as_json: bool, action: str, lease_s: int) -> None:
    """Extend the lease of ACTION to SECONDS from now; it is decided again, and ends with 1 when the answer is no."""
    with at.either() as gateway:
        found = gateway.renew(action, lease_s)
    emit(found, as_json=as_json, text=action_text(found))
    refuse(refused=bool(found.reason))
