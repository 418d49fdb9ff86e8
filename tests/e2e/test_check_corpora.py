"""The two corpora of the issue, run through the command itself: what must never pass, and what must."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

CORPORA = Path(__file__).parent.parent / "corpora"
EVASIONS = [
    json.loads(line)
    for name in (
        "evasions.jsonl",
        "evasions_more.jsonl",
        "evasions_third.jsonl",
        "evasions_fourth.jsonl",
        "evasions_fifth.jsonl",
    )
    for line in (CORPORA / name).read_text().splitlines()
]
READS = {path.name: path.read_text().splitlines() for path in sorted(CORPORA.glob("reads_*.txt"))}


def check(commands: Sequence[str]) -> list[dict[str, Any]]:
    return answers([{"command": command} for command in commands])


def answers(proposals: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    lines = "".join(json.dumps({"id": str(i)} | proposal) + "\n" for i, proposal in enumerate(proposals))
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", "check", "--jsonl"], input=lines, capture_output=True, text=True, check=True
    )
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [a["id"] for a in found] == [str(i) for i in range(len(proposals))]
    return found


LISTED = [line for lines in READS.values() for line in lines if line and not line.startswith("#")]
MORE = [
    line for name, lines in READS.items() if re.search("more|fourth|fifth", name) for line in lines if "&&" not in line
][::7]


@pytest.fixture(scope="module")
def checked() -> list[dict[str, Any]]:
    """Everything in one process: to start one takes seconds."""
    return check([*(row["cmd"] for row in EVASIONS), *LISTED, *MORE])


@pytest.fixture
def evasions(checked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return checked[: len(EVASIONS)]


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


def test_nearly_every_plain_read_is_allowed(checked: list[dict[str, Any]]) -> None:
    answered = checked[len(EVASIONS) : -len(MORE)]
    held = [(c, a["findings"][0]["code"]) for c, a in zip(LISTED, answered, strict=True) if a["verdict"] != "allow"]
    assert len(held) <= len(LISTED) * 0.05, held


def test_a_step_as_it_is_shown_is_the_same_step_when_it_is_proposed(checked: list[dict[str, Any]]) -> None:
    shown = [a for a in checked[-len(MORE) :] if len(a["steps"]) == 1]
    derived = {"digest", "effects", "undo", "environment"}
    again = answers([{"steps": [{k: v for k, v in a["steps"][0].items() if k not in derived}]} for a in shown])
    assert len(shown) > 150
    assert [a["digest"] for a in again] == [a["digest"] for a in shown]
