"""countermand doctor: what a site needs, looked at piece by piece."""

from pathlib import Path

import click

from gateway.cli.checkup import Finding, examine
from gateway.cli.emit import emit
from gateway.cli.failure import CommandError
from gateway.cli.text import table


@click.command()
@click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Settings file of the gateway."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, config: Path, as_json: bool) -> None:
    """Look at settings, parsing tables, policy, keys, store, doors and executors, and say what is wrong.

    Ends with 1 when something is.
    """
    findings = examine(config)
    emit({"findings": findings}, as_json=as_json, text=table(map(_row, findings)))
    bad = [f for f in findings if f.outcome == "failed"]
    if bad:
        raise CommandError(bad[0].code, f"{len(bad)} checks failed, the first is {bad[0].name}: {bad[0].detail}")


def _row(finding: Finding) -> tuple[str, ...]:
    code = f"{finding.code}: " if finding.code else ""
    return finding.name, finding.outcome, code + finding.detail
