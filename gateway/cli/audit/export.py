"""countermand audit export: the log of a state directory as JSON Lines, offline."""

from pathlib import Path
from typing import IO

import click

from gateway.adapters.store_audit import stored_evidence
from gateway.cli.audit.logfile import log_line
from gateway.parts import Layout


@click.command("export")
@click.option(
    "--state-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    envvar="COUNTERMAND_STATE_DIR",
    help="State directory of a gateway, or a copy of one.",
)
@click.option("--from", "first", type=click.IntRange(0), default=0, show_default=True, help="Index of the first leaf.")
@click.option("--out", type=click.File("wb"), default="-", help="File; else stdout.")
@click.option("--json", is_flag=True, expose_value=False, help="Taken for granted: the log is JSON.")
def export(*, state_dir: Path, first: int, out: IO[bytes]) -> None:
    """Write the leaves, one {"index", "leaf"} a line, byte for byte as they were hashed."""
    with stored_evidence(Layout(state_dir).database) as evidence:
        for leaf in evidence.leaves:
            if leaf.index >= first:
                out.write(log_line(leaf))
