"""countermand keys new."""

from pathlib import Path

import click

from gateway.adapters.clock import SystemClock
from gateway.cli.emit import emit
from gateway.cli.keys.directory import JSON, PASSPHRASE, STATE_DIR, key_directory


@click.command("new")
@STATE_DIR
@PASSPHRASE
@JSON
def new(*, state_dir: Path, passphrase_file: Path | None, as_json: bool) -> None:
    """Make another signing key; a running gateway signs with the newest one within a second."""
    key = key_directory(state_dir, passphrase_file).generate(SystemClock().now_ms())
    emit(key.to_jwk(), as_json=as_json, text=key.kid)
