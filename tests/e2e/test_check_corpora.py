"""The two corpora of the issue, run through the command itself: what must never pass, and what must."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

CORPORA = Path(__file__).parent.parent / "corpora"
EVASIONS = [json.loads(line) for line in (CORPORA / "evasions.jsonl").read_text().splitlines()]
READS = {path.name: path.read_text().splitlines() for path in sorted(CORPORA.glob("reads_*.txt"))}


def check(commands: Sequence[str]) -> list[dict[str, Any]]:
    lines = "".join(json.dumps({"id": str(i), "command": c}) + "\n" for i, c in enumerate(commands))
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", "check", "--jsonl"], input=lines, capture_output=True, text=True, check=True
    )
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [a["id"] for a in answers] == [str(i) for i in range(len(commands))]
    return answers


@pytest.fixture(scope="module")
def evasions() -> list[dict[str, Any]]:
    return check([row["cmd"] for row in EVASIONS])


def test_no_evasion_is_allowed(evasions: list[dict[str, Any]]) -> None:
    assert [r["cmd"] for r, a in zip(EVASIONS, evasions, strict=True) if a["verdict"] == "allow"] == []


def test_every_evasion_that_must_be_denied_is_denied(evasions: list[dict[str, Any]]) -> None:
    must = [(r, a) for r, a in zip(EVASIONS, evasions, strict=True) if r["must"] == "deny"]
    assert len(must) > 300
    assert [(r["cmd"], a["verdict"]) for r, a in must if a["verdict"] != "deny"] == []


def test_every_denied_evasion_has_a_code_and_a_remedy(evasions: list[dict[str, Any]]) -> None:
    for row, answer in zip(EVASIONS, evasions, strict=True):
        limits = [f for f in answer["findings"] if f.get("limit") == answer["verdict"]]
        assert answer["verdict"] != "deny" or (limits and all(f["code"] and f["remedy"] for f in limits)), row["cmd"]


def test_the_committed_corpus_of_plain_reads_is_large_and_spans_the_tools() -> None:
    assert set(READS) >= {"reads_aws.txt", "reads_git.txt", "reads_kubectl.txt", "reads_sql.txt"}
    assert len({line for lines in READS.values() for line in lines}) >= 300


def test_nearly_every_plain_read_is_allowed() -> None:
    commands = [line for lines in READS.values() for line in lines if line and not line.startswith("#")]
    held = [(c, a["findings"][0]["code"]) for c, a in zip(commands, check(commands), strict=True)
            if a["verdict"] != "allow"]  # fmt: skip
    assert len(held) <= len(commands) * 0.05, held
