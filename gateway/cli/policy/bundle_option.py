"""Which bundle a command is about."""

from pathlib import Path

import click

from gateway.config import PolicySettings
from gateway.parts import bundle_path

PATH = click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
OVERLAY = click.option(
    "--overlay", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of <topic>/data.yaml files that replace the bundle's configuration.",
)  # fmt: skip


def chosen(path: Path | None) -> Path:
    """Return the bundle at a path, or the shipped one."""
    return path if path is not None else bundle_path(PolicySettings())
