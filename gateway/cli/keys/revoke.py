"""countermand keys revoke."""

import getpass
from pathlib import Path

import click

from gateway.adapters.clock import SystemClock
from gateway.cli.emit import emit
from gateway.cli.keys.directory import JSON, PASSPHRASE, STATE_DIR, key_directory


@click.command("revoke")
@click.argument("kid")
@STATE_DIR
@PASSPHRASE
@click.option("--reason", required=True, help="Why it is not to be trusted any more; goes into the log.")
@JSON
def revoke(*, kid: str, state_dir: Path, passphrase_file: Path | None, reason: str, as_json: bool) -> None:
    """Trust a key no more from now on; a running gateway follows within a second.

    What it granted and has not begun dies; what was begun under it can still be undone. The last key that may sign
    gets a successor.
    """
    directory, now_ms = key_directory(state_dir, passphrase_file), SystemClock().now_ms()
    usable = {k for k, key in directory.keys().items() if key.refusal_at(now_ms) is None}
    if usable == {kid}:
        click.echo(f"note: {directory.generate(now_ms).kid} signs from now on", err=True)
    key = directory.revoke(kid, now_ms, by=getpass.getuser(), reason=reason)
    emit(key.to_jwk(), as_json=as_json, text=f"{key.kid} revoked")
