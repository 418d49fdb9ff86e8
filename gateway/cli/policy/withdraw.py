"""countermand policy withdraw."""

import click

from gateway.cli.door import Door, door
from gateway.cli.emit import emit


@click.command("withdraw")
@click.argument("revision")
@click.option("--reason", required=True, help="Why; it is recorded.")
@door("approver")
def withdraw(*, at: Door, as_json: bool, revision: str, reason: str) -> None:
    """Withdraw the policy REVISION: its grants die, undos go on. Prints the actions whose grants died."""
    with at.approver() as gateway:
        revoked = gateway.withdraw(revision, reason)
    emit({"revoked": revoked}, as_json=as_json, text="\n".join(revoked) or "no grant of it was open")
