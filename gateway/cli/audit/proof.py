"""countermand audit proof: fetch the proof of a leaf or a receipt and check it here."""

from pathlib import Path

import click

from agent_client import ApproverClient, Proof, ProofError, check_inclusion
from gateway.cli.door import Door, door
from gateway.cli.emit import emit
from gateway.cli.failure import CommandError
from gateway.core.checkpoint import Checkpoint


@click.command("proof")
@click.argument("what", metavar="ACTION|INDEX")
@click.option(
    "--keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Public keys (JWK set) that you keep; else the gateway is asked for them.",
)
@door("approver", choice=True)
def proof(*, at: Door, as_json: bool, what: str, keys: Path | None) -> None:
    """Print the inclusion proof of a leaf, or of the receipt of an action, after it was checked."""
    if what.isdecimal() and at.name == "agent":
        raise click.UsageError("single leaves are not for agents; name an action, or come in with --door approver")
    with at.either() as gateway:
        if isinstance(gateway, ApproverClient) and what.isdecimal():
            found = gateway.leaf_proof(int(what))
        else:
            found = gateway.receipt_proof(what)
        trusted = gateway.keys() if keys is None else keys.read_bytes()
    if keys is None:
        click.echo("note: the keys come from the gateway that is being checked; give a kept copy with --keys", err=True)
    _check(found, trusted)
    size = Checkpoint.parse(found.checkpoint).size
    shown = {
        "index": found.index, "leaf": found.leaf.decode(), "hashes": [h.hex() for h in found.hashes],
        "checkpoint": found.checkpoint,
    }  # fmt: skip
    emit(shown, as_json=as_json, text=f"leaf {found.index} is in the signed log of {size} leaves\n{found.checkpoint}")


def _check(found: Proof, trusted: bytes) -> None:
    try:
        check_inclusion(found, trusted, Checkpoint.parse(found.checkpoint).origin)
    except ProofError as exc:
        raise CommandError(exc.reason, str(exc), remedy="keep this answer as evidence") from exc
    except ValueError as exc:
        raise CommandError("CHECKPOINT_MALFORMED", str(exc), remedy="keep this answer as evidence") from exc
