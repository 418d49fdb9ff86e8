"""The proof: the log verifies as it is, and does not with one flipped byte."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.place import Place
from gateway.cli.demo.process import DemoFault, environment
from gateway.cli.demo.result import Result
from gateway.cli.demo.story import Story

_VERIFY_S = 30


@dataclass(frozen=True, slots=True)
class Audit:
    """What `countermand audit verify` said: its exit status and its report."""

    code: int
    report: Mapping[str, Any]

    @property
    def words(self) -> str:
        """Return the report in one line: the first violation, or what holds."""
        for found in self.report["violations"]:
            return f"leaf {found['index']}: {found['code']}: {found['detail']}"
        report = self.report
        seen = f"{report['leaves']} leaves, {report['signed']} signed by {report['checkpoints']} checkpoints"
        return f"{seen}, {report['actions']} actions fold to their rows, root {report['root'][:16]}…"


def keep_keys(world: Place) -> Path:
    """Fetch the public keys of a running gateway and keep them away from its state."""
    answer = httpx2.get(f"{world.site.http}/.well-known/jwks.json", timeout=5, trust_env=False)
    if answer.status_code != httpx2.codes.OK:
        raise DemoFault(f"the gateway does not publish its keys: {answer.status_code} {answer.text}")
    path = world.folder / "keys.json"
    path.write_bytes(answer.content)
    return path


def prove(world: Place, keys: Path, story: Story, expect: Expectations, result: Result) -> None:
    """Verify the log offline, then a copy of it in which one byte of one leaf is flipped."""
    honest = _verify(world.site.state, keys)
    expect.check("`countermand audit verify` accepts the log", honest.code == 0, honest.words)
    forged = world.folder / "forged"
    shutil.copytree(world.site.state, forged, ignore=shutil.ignore_patterns("*.sock"))
    index = _flip(forged)
    story.line("proof", f"one byte of leaf {index} is flipped in a copy")
    caught = _verify(forged, keys)
    named = any(found["index"] == index for found in caught.report["violations"])
    expect.check(
        "`countermand audit verify` refuses the copy and names the leaf", caught.code == 1 and named, caught.words
    )
    result.proof += [honest.words, f"with one flipped byte: {caught.words}"]


def _verify(state: Path, keys: Path) -> Audit:
    argv = [sys.executable, "-m", "gateway", "audit", "verify", "--json"]
    argv += ["--state-dir", str(state), "--keys", str(keys)]
    done = subprocess.run(  # noqa: S603  # our own argv, no shell
        argv, env=environment({}), stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_VERIFY_S
    )
    try:
        return Audit(done.returncode, json.loads(done.stdout))
    except ValueError as exc:
        raise DemoFault(f"`countermand audit verify` did not report: {done.stderr.decode().strip()}") from exc


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
