"""Run a demo from the first process to the closing table."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx2
import psycopg
from botocore.exceptions import BotoCoreError, ClientError

from gateway.cli.demo import exhaustion
from gateway.cli.demo.controlplane.client import ApiError
from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.kubernetes import rollout
from gateway.cli.demo.options import Options
from gateway.cli.demo.postgres import open_to_others
from gateway.cli.demo.process import DemoFault
from gateway.cli.demo.result import Result
from gateway.cli.demo.story import Story

_INTERRUPTED = 130
_PLAYS: Mapping[str, Callable[[Options, Path, Story, Expectations, Result], None]] = {
    "database": exhaustion.play,
    "kubernetes": rollout.play,
}
_FAULTS = (
    DemoFault, ApiError, psycopg.Error, BotoCoreError, ClientError, httpx2.HTTPError, OSError,
    subprocess.SubprocessError,
)  # fmt: skip
"""What a world of real processes can come to; everything else is a mistake in the demo."""


def run(options: Options, story: Story) -> Result:
    """Play a case; its code is 0 only when every expectation held."""
    result, expect = Result(options.seed), Expectations(story)
    with _folder(story, keep=options.keep) as folder:
        try:
            _PLAYS[options.case](options, folder, story, expect, result)
        except _FAULTS as exc:
            expect.fail("the demo comes to its end", f"{type(exc).__name__}: {exc}")
        except KeyboardInterrupt:
            story.line("FAILED", "interrupted")
            result.code = _INTERRUPTED
            return result
    result.close(story, expect)
    result.show(story)
    result.code = 1 if result.failed else 0
    return result


@contextlib.contextmanager
def _folder(story: Story, *, keep: bool) -> Iterator[Path]:
    root = os.geteuid() == 0  # then the database runs as another user, who has to reach the folder
    usual = Path(tempfile.gettempdir())
    parent = usual if not root or open_to_others(usual) else Path("/var/tmp")  # noqa: S108  # mkdtemp is safe there
    folder = Path(tempfile.mkdtemp(prefix="countermand-demo-", dir=parent))
    folder.chmod(0o711 if root else 0o700)
    try:
        yield folder
    finally:
        if keep:
            story.text(f"everything is kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
