"""The proof: the log verifies as it is, and does not with one flipped byte."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.process import DemoFault, environment
from gateway.cli.demo.result import Result
from gateway.cli.demo.story import Story
from gateway.cli.demo.world import World

_VERIFY_S = 30


@dataclass(frozen=True, slots=True)
class Audit:
    """What `countermand audit verify` said."""

    code: int
    report: Any
    words: str


def prove(world: World, story: Story, expect: Expectations, result: Result) -> None:
    """Verify the log offline, then a copy of it in which one byte of one leaf is flipped."""
    state = world.site.state
    honest = _verify(state)
    expect.check("`countermand audit verify` accepts the log", honest.code == 0, honest.words)
    forged = world.folder / "forged"
    shutil.copytree(state, forged, ignore=shutil.ignore_patterns("*.sock"))
    index = _flip(forged)
    story.line("proof", f"one byte of leaf {index} is flipped in a copy")
    caught = _verify(forged)
    expect.check("`countermand audit verify` refuses the copy", caught.code == 1, caught.words)
    result.proof += [f"log accepted: {honest.words}", f"copy with one flipped byte in leaf {index}: {caught.words}"]


def _verify(state: Path) -> Audit:
    argv = [sys.executable, "-m", "gateway", "audit", "verify", "--state-dir", str(state), "--json"]
    done = subprocess.run(  # noqa: S603  # our own argv, no shell
        argv,
        env=environment({}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_VERIFY_S,
    )
    try:
        report = json.loads(done.stdout) if done.stdout.strip() else {}
    except ValueError as exc:
        raise DemoFault(
            f"`countermand audit verify` answered no JSON: {done.stdout[:200]} {done.stderr[:200]}"
        ) from exc
    return Audit(done.returncode, report, _words(report) or (done.stderr.strip() or "nothing").splitlines()[-1])


def _words(report: Any) -> str:
    """Return the flat members of a report in one line."""
    if not isinstance(report, dict):
        return ""
    return ", ".join(
        f"{name} {value}" for name, value in report.items() if isinstance(value, str | int) and value != ""
    )


def _flip(state: Path) -> int:
    """Flip one bit of a leaf in the middle of the log, in the database file itself; returns the leaf's index."""
    path = state / "store" / "countermand.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        leaves = database.execute("SELECT idx, body FROM leaves ORDER BY idx").fetchall()
    content = bytearray(path.read_bytes())
    for index, leaf in leaves[len(leaves) // 2 :]:
        # The hash of the leaf before stands, as text, in this leaf only; it may be cut in two by a page of the file.
        at = content.find(json.loads(leaf)["prev"].encode())
        if at >= 0:
            content[at] ^= 1
            path.write_bytes(content)
            return int(index)
    raise DemoFault("no leaf was found in the database file")
