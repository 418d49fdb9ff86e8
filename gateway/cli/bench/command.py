"""countermand bench: the command; what it measures is in the modules beside it."""

import json
import signal
import sys
from pathlib import Path

import click


@click.group()
def bench() -> None:
    """Measure what the gateway costs on this machine."""


@bench.command()
@click.option("--rounds", type=click.IntRange(1, 100), default=5, show_default=True, help="About 8 s each.")
@click.option("--quick", is_flag=True, help="One short round, to see that it works; no figures to quote.")
@click.option("--json", "as_json", is_flag=True, help="Write the figures as JSON; the table goes to stderr.")
def decision(rounds: int, *, quick: bool, as_json: bool) -> None:
    """Compare a full decision over gRPC with a bare echo, and show where its time goes.

    A round measures every variant for a short while, one after the other; a ratio is the median of the ratios of the
    rounds, because the speed of a shared machine drifts. The client is a process of its own.
    """
    from gateway.cli.bench.report import table, to_json  # a second of imports that `--help` does not need
    from gateway.cli.bench.run import Effort, measure

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that every child is stopped and removed
    effort = Effort(1, starts=1, share=0.25) if quick else Effort(rounds)
    result = measure(effort, lambda text: click.echo(text, err=True))
    click.echo(table(result), err=as_json)
    if as_json:
        json.dump(to_json(result), sys.stdout)
        sys.stdout.write("\n")


@bench.command("kubernetes")
@click.option("--rounds", type=click.IntRange(1, 100), default=9, show_default=True, help="Reads of each kind.")
@click.option("--quick", is_flag=True, help="One round of 1 and 100 objects, to see that it works.")
@click.option("--cluster", type=click.Path(path_type=Path), help="Folder of a control plane that runs already.")
@click.option("--json", "as_json", is_flag=True, help="Write the figures as JSON; the table goes to stderr.")
def kubernetes_(rounds: int, cluster: Path | None, *, quick: bool, as_json: bool) -> None:
    """Compare governed reads of a real cluster with kubectl and with a client: 1, 100 and 5,000 pods."""
    from gateway.cli.bench.kubernetes import SIZES, measure, table, to_json  # imports that `--help` does not need

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that every child is stopped and removed
    rows = measure(
        1 if quick else rounds, SIZES[:2] if quick else SIZES, cluster, lambda text: click.echo(text, err=True)
    )
    click.echo(table(rows), err=as_json)
    if as_json:
        json.dump(to_json(rows), sys.stdout)
        sys.stdout.write("\n")
