"""countermand status."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.text import table
from gateway.cli.views import absent_text


@click.command()
@door("approver")
def status(*, at: Door, as_json: bool) -> None:
    """Show switches, policy revision, executors and the size of the log."""
    with at.approver() as gateway:
        found = gateway.status()
    rows = [
        ("switches", ", ".join(found.switches) or "none"),
        ("policy", found.revision),
        ("policy error", found.policy_error or "none"),
        ("executors", ", ".join(found.audiences) or "none attached"),
        *(("absent", absent_text(away)) for away in found.absent),
        ("log", f"{found.log_size} leaves"),
    ]
    emit(found, as_json=as_json, text=table(rows))
