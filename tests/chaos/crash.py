"""Processes that die at a named point, and no sooner than a test wants."""

from collections.abc import Callable
from pathlib import Path

from gateway.crash import EXIT_CODE
from tests.chaos.process import Process, until


def crashes_at(point: str, process: str, folder: Path) -> dict[str, str]:
    """Return the environment of a process that dies at a point as often as its marker is taken away."""
    marker = folder / f"{process}-{point}"
    marker.touch()
    return {
        "COUNTERMAND_CRASH_AT": point, "COUNTERMAND_CRASH_PROCESS": process, "COUNTERMAND_CRASH_MARKER": str(marker),
    }  # fmt: skip


def arm(env: dict[str, str]) -> None:
    """Let the process die the next time it comes to its point."""
    Path(env["COUNTERMAND_CRASH_MARKER"]).unlink()


def die(process: Process, env: dict[str, str], when: Callable[[], object] = lambda: None) -> None:
    """Arm a process, do what leads it to its point, and wait for its death."""
    arm(env)
    when()
    point = env["COUNTERMAND_CRASH_AT"]
    until(lambda: process.ended is not None, f"{env['COUNTERMAND_CRASH_PROCESS']} dies at {point}")
    assert process.ended == EXIT_CODE, process.text()[-3000:]
