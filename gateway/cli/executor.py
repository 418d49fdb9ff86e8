"""countermand executor: the process that alone holds target credentials."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys
from pathlib import Path

import click

from gateway.adapters.clock import SystemClock
from gateway.executor.config import ExecutorConfig
from gateway.executor.config_load import load
from gateway.executor.run import run


@click.command()
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--attended", is_flag=True, help="Stop, too, when standard input ends: with whoever started this.")
def executor(config: Path, *, attended: bool) -> None:
    """Serve one gateway with the targets of one settings file until SIGTERM."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(_run(load(config), attended=attended))


async def _run(config: ExecutorConfig, *, attended: bool) -> None:
    task = asyncio.ensure_future(run(config, clock=SystemClock(), instance=secrets.token_hex(8)))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    if attended:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end, task)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _stop_at_end(task: "asyncio.Future[None]") -> None:
    """Stop in good order once nobody holds the other end of standard input: work in hand is still reported."""
    if os.read(sys.stdin.fileno(), 1) == b"":
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        task.cancel()
