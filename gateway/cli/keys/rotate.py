"""countermand keys rotate."""

from pathlib import Path

import click

from gateway.adapters.clock import SystemClock
from gateway.cli.emit import emit
from gateway.cli.keys.directory import JSON, PASSPHRASE, STATE_DIR, key_directory

_OVERLAP_S = 2 * 86_400
"""Longer than the undo window and its deadline: what was granted with the old key can still be taken back."""


@click.command("rotate")
@STATE_DIR
@PASSPHRASE
@click.option(
    "--overlap-s",
    type=click.IntRange(0),
    default=_OVERLAP_S,
    show_default=True,
    help="How long the other keys stay good: at least the undo window.",
)
@JSON
def rotate(*, state_dir: Path, passphrase_file: Path | None, overlap_s: int, as_json: bool) -> None:
    """Make another signing key and let every other one expire after the overlap."""
    directory = key_directory(state_dir, passphrase_file)
    key = directory.rotate(SystemClock().now_ms(), overlap_s * 1000)
    emit(key.to_jwk(), as_json=as_json, text=key.kid)
