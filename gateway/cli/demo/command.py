"""countermand demo: a case, end to end."""

import json
import signal
import sys
import time
from typing import Literal

import click


@click.command()
@click.argument("case", type=click.Choice(["database", "kubernetes"]), default="database")
@click.option("--seed", type=int, envvar="DEMO_SEED", help="Tells which story is played; a new one when absent.")
@click.option("--keep", is_flag=True, help="Keep the folder with the files and logs of all processes.")
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON; the transcript goes to stderr.")
def demo(case: Literal["database", "kubernetes"], seed: int | None, *, keep: bool, as_json: bool) -> int:
    """Play an incident end to end on real local targets.

    CASE is a `database` that runs out of connections, or a bad release on `kubernetes` (needs a control plane: `make
    cluster` in a clone).
    """
    from gateway.cli.demo.options import Options
    from gateway.cli.demo.run import run  # a second of imports that `--help` does not need
    from gateway.cli.demo.story import Story

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that everything is stopped and removed
    chosen = int(time.time()) % 10_000 if seed is None else seed
    result = run(Options(chosen, case, keep=keep), Story(sys.stderr if as_json else sys.stdout))
    if as_json:
        click.echo(json.dumps(result.to_json(), ensure_ascii=False))
    return result.code
