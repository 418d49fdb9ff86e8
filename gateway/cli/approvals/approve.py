"""countermand approvals approve: a vote for exactly what was shown."""

import sys

import click

from agent_client import Pending
from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.failure import CommandError
from gateway.cli.text import safe
from gateway.cli.views import action_text, pending_text


@click.command("approve")
@click.argument("action")
@click.option("--comment", default="", help="Recorded with the vote.")
@click.option("--decision", help="Digest of the decision that you have seen; refused when it is another one by now.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts that have shown it already.")
@door("approver")
def approve(*, at: Door, as_json: bool, action: str, comment: str, decision: str | None, yes: bool) -> None:
    """Show what waits as ACTION, ask, and vote for exactly that: its plan, decision, state and nonce."""
    with at.approver() as gateway:
        shown = next((p for p in gateway.pending() if p.action.id == action), None)
        if shown is None:
            raise CommandError("NOT_PENDING", f"{action} does not wait for people",
                               remedy="see `countermand approvals list`")  # fmt: skip
        _confirm(shown, decision, yes=yes)
        found = gateway.approve(shown, comment)
    emit(found, as_json=as_json, text=action_text(found))


def _confirm(shown: Pending, decision: str | None, *, yes: bool) -> None:
    if decision is not None and (shown.action.decision is None or shown.action.decision.digest != decision):
        raise CommandError("DECISION_CHANGED", "it was decided again since you have seen it",
                           remedy="look at `countermand approvals list` and approve what it shows now")  # fmt: skip
    click.echo(safe(pending_text(shown)), err=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("NOT_CONFIRMED", "nobody is there to ask",
                           remedy="show it to a person, then add --yes --decision DIGEST")  # fmt: skip
    if not click.confirm("Approve exactly this?", err=True):
        raise CommandError("NOT_CONFIRMED", "nothing was approved", remedy="to vote against it use `approvals reject`")
