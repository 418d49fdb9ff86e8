"""countermand submit: propose a command, or typed steps, as the agent of this door."""

from pathlib import Path
from typing import Any, cast

import click

from agent_client import Action, AgentClient
from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.failure import REFUSED, CommandError
from gateway.cli.views import FAILED, action_text
from gateway.core.canonical import loads_strict

_FORM = 'write JSON in UTF-8: {"steps": […], "connectors": […]}, every key once'
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("command", required=False, metavar="[CMD]")
@click.option("--steps", "steps_file", type=_FILE, help='JSON file instead of CMD: {"steps": […], "connectors": […]}.')
@click.option("--scope", default="", help="The cluster, account, database, repository or host.")
@click.option("--incident", default="", help="The incident that this is for.")
@click.option("--hypothesis", default="", help="The hypothesis that a read tests or a change acts on.")
@click.option("--lease-s", type=click.IntRange(0), default=0, help="Make the change temporary: seconds.")
@click.option("--justification", default="", help="Why, in your words; recorded as untrusted text.")
@click.option("--request-id", help="UUID4; the same one again returns the first answer.")
@click.option("--wait", is_flag=True, help="Wait until the action rests: final, waiting for people, or leased.")
@click.option("--wait-s", type=click.FloatRange(0.1), default=300.0, show_default=True, help="Limit of --wait.")
@click.option("--dry-run", is_flag=True, help="Say what would be decided by this gateway; record nothing, run nothing.")
@door("agent")
def submit(
    *, at: Door, as_json: bool, command: str | None, steps_file: Path | None, wait: bool, wait_s: float, dry_run: bool,
    **asked: Any,
) -> None:  # fmt: skip
    """Propose CMD and print the decision.

    Ends with 1 when it was denied, or (with --wait) did not come to a good end.
    """
    if (command is None) == (steps_file is None) or (dry_run and (wait or command is None)):
        raise click.UsageError("give CMD or --steps; --dry-run takes CMD alone and does not wait")
    with at.agent() as gateway:
        action = _propose(gateway, command, steps_file, asked, dry_run=dry_run)
        if wait:
            action = gateway.wait(action.id, timeout_s=wait_s)
    emit(action, as_json=as_json, text=action_text(action))
    if action.state in FAILED:
        raise click.exceptions.Exit(REFUSED)


def _propose(
    gateway: AgentClient, command: str | None, steps_file: Path | None, asked: dict[str, Any], *, dry_run: bool
) -> Action:
    if command is not None and not _is_text(command):
        raise CommandError("TEXT_NOT_UTF8", "the command is not UTF-8", remedy="send it in UTF-8")
    if command is None:
        document = _read(steps_file or Path())
        return gateway.propose_steps(document["steps"], connectors=document.get("connectors", ()), **asked)
    if not dry_run:
        return gateway.propose(command, **asked)
    kept = {name: asked[name] for name in ("scope", "incident", "hypothesis", "lease_s")}
    return gateway.explain(command, **kept)


def _is_text(command: str) -> bool:
    try:
        command.encode()
    except UnicodeEncodeError:  # bytes of argv that are no UTF-8
        return False
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        document = loads_strict(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise CommandError("STEPS_MALFORMED", f"{path}: {exc}", remedy=_FORM) from exc
    known = isinstance(document, dict) and set(document) <= {"steps", "connectors"}
    if not known or not isinstance(document.get("steps"), list):
        raise CommandError("STEPS_MALFORMED", f"{path} has another form", remedy=_FORM)
    return cast("dict[str, Any]", document)
