"""How a command reaches a running gateway: the options that every such command has, and the client they make."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from agent_client import AgentClient, ApproverClient, connect, connect_approver
from gateway.cli.failure import CommandError

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C")
DoorName = Literal["agent", "approver"]
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a gateway is and how to show who asks."""

    name: DoorName
    address: str
    token_file: Path | None
    ca_file: Path | None
    timeout_s: float

    def agent(self) -> AgentClient:
        """Return a client of the agent's door."""
        return self._connect(connect)

    def approver(self) -> ApproverClient:
        """Return a client of the door for people."""
        return self._connect(connect_approver)

    def either(self) -> AgentClient | ApproverClient:
        """Return a client of whichever door was named."""
        return self.agent() if self.name == "agent" else self.approver()

    def _connect(self, kind: Callable[..., C]) -> C:
        try:
            return kind(self.address, token_file=self.token_file, ca_file=self.ca_file, timeout_s=self.timeout_s)
        except (ValueError, OSError) as exc:
            raise CommandError("DOOR_UNUSABLE", str(exc), remedy="see the options of this command") from exc


def door(default: DoorName, *, choice: bool = False) -> Callable[[F], F]:
    """Give a command the options of a door; it receives `at: Door` and `as_json: bool`.

    With `choice`, `--door` lets the caller come in as an agent or as a person.
    """

    def decorate(command: F) -> F:
        @functools.wraps(command)
        def run(
            *, address: str | None, state_dir: Path, token_file: Path | None, ca_file: Path | None, timeout_s: float,
            door: DoorName = default, **rest: Any,
        ) -> Any:  # fmt: skip
            where = address or f"unix:{state_dir.absolute() / 'sockets' / f'{door}.sock'}"
            return command(at=Door(door, where, token_file, ca_file, timeout_s), **rest)

        options = _OPTIONS + ((_CHOICE(default),) if choice else ())
        for option in reversed(options):
            run = option(run)
        return run  # type: ignore[return-value]  # the options change the signature, as they should

    return decorate


def _CHOICE(default: DoorName) -> Callable[[Any], Any]:  # noqa: N802  # reads like its neighbours below
    return click.option(
        "--door", type=click.Choice(["agent", "approver"]), default=default, show_default=True,
        help="Come in as an agent or as a person.",
    )  # fmt: skip


_OPTIONS = (
    click.option(
        "--address", envvar="COUNTERMAND_ADDRESS",
        help="Where the gateway is: unix:/path or host:port; else the socket in the state directory.",
    ),
    click.option(
        "--state-dir", type=click.Path(file_okay=False, path_type=Path), default=Path("state"), show_default=True,
        envvar="COUNTERMAND_STATE_DIR", help="State directory of the gateway on this machine.",
    ),
    click.option("--token-file", type=_FILE, envvar="COUNTERMAND_TOKEN_FILE", help="File (0600) with a bearer token."),
    click.option("--ca-file", type=_FILE, envvar="COUNTERMAND_CA_FILE", help="Root of the gateway's TLS certificate."),
    click.option("--timeout-s", type=click.FloatRange(0.1), default=30.0, show_default=True, help="Limit of one call."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
)  # fmt: skip
