"""countermand serve: the gateway, and its executor as a child when one is configured."""

import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path

import click

from gateway.bootstrap import Running, publish_keys, running
from gateway.config import Settings, load_settings

_LOG = logging.getLogger(__name__)
_RESTART_S = (0.2, 0.5, 1.0, 2.0, 5.0)


@click.command()
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
def serve(config: Path) -> None:
    """Run the gateway until SIGTERM; with `executor:` in the settings its executor runs as a child."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    asyncio.run(_serve(load_settings(config)))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as up:
        _announce(up)
        tasks = [asyncio.ensure_future(up.wait()), asyncio.ensure_future(stop.wait())]
        if settings.executor_config is not None:
            tasks.append(asyncio.ensure_future(_supervise(settings.executor_config)))
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()


def _announce(up: Running) -> None:
    """Publish the key set that executors pin, and say where the doors are."""
    publish_keys(up.layout, up.world)
    for address in up.addresses:
        _LOG.info("listening on %s", address)
    sys.stderr.write("countermand: ready\n")
    sys.stderr.flush()


async def _supervise(config: Path) -> None:
    """Keep a child executor running; it starts again after it ended, more slowly each time.

    It ends when we do, also when we are killed: its standard input then comes to an end.
    """
    failures = 0
    while True:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "executor", "--config", str(config), "--attended",
            stdin=asyncio.subprocess.PIPE,
        )  # fmt: skip
        began = asyncio.get_running_loop().time()
        try:
            code = await child.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            await child.wait()
            raise
        lived = asyncio.get_running_loop().time() - began
        failures = 0 if lived > _RESTART_S[-1] else min(failures + 1, len(_RESTART_S) - 1)
        _LOG.error("the executor ended with code %d after %.1f s; it starts again", code, lived)
        await asyncio.sleep(_RESTART_S[failures])
