"""countermand demo: the case study, end to end."""

import json
import signal
import sys
import time

import click


@click.command()
@click.option("--seed", type=int, envvar="DEMO_SEED", help="Tells which story is played; a new one when absent.")
@click.option("--keep", is_flag=True, help="Keep the folder with the files and logs of all processes.")
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON; the transcript goes to stderr.")
def demo(seed: int | None, *, keep: bool, as_json: bool) -> int:
    """Play an incident end to end on real local targets."""
    from gateway.cli.demo.run import Options, run  # a second of imports that `--help` does not need
    from gateway.cli.demo.story import Story

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that everything is stopped and removed
    chosen = int(time.time()) % 10_000 if seed is None else seed
    result = run(Options(chosen, keep=keep), Story(sys.stderr if as_json else sys.stdout))
    if as_json:
        click.echo(json.dumps(result.to_json(), ensure_ascii=False))
    return result.code
