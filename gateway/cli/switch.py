"""What stop, freeze and resume have in common."""

from collections.abc import Callable
from typing import Any

import click

from agent_client import ApproverClient
from gateway.cli.door import Door, door
from gateway.cli.emit import emit

Turn = Callable[..., int]


def switch(name: str, text: str, turn: Callable[[ApproverClient], Turn]) -> click.Command:
    """Return the command of one switch; it prints the index of the record."""

    @click.command(name, help=text)
    @click.option("--reason", required=True, help="Why; it is recorded.")
    @click.option("--agent", default="", help="Only this agent.")
    @click.option("--environment", default="", help="Only this environment.")
    @door("approver")
    def command(*, at: Door, as_json: bool, **members: Any) -> None:
        with at.approver() as gateway:
            index = turn(gateway)(members.pop("reason"), **members)
        emit({"leaf": index}, as_json=as_json, text=f"recorded as leaf {index}")

    return command
