"""A seed decides the whole story, and every seed tells a fair one."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.demo import overlay
from gateway.cli.demo.case import draw
from gateway.cli.demo.case_sql import LOCKS
from gateway.cli.demo.siem import telemetry
from gateway.core.kinds import LeafKind

seeds = st.integers(min_value=-(2**31), max_value=2**31)


@given(seeds)
def test_the_same_seed_tells_the_same_story(seed: int) -> None:
    assert draw(seed) == draw(seed)


@given(seeds)
def test_the_guilty_line_is_the_statement_that_takes_the_lock(seed: int) -> None:
    case = draw(seed)
    files = dict(case.commits[case.guilty_commit].files)
    assert files[case.file].splitlines()[case.line - 1].strip() == case.trigger.statement


@given(seeds)
def test_nobody_else_wrote_a_function_that_drops_rows(seed: int) -> None:
    case = draw(seed)
    dropping = [i for i, c in enumerate(case.commits) for _, text in c.files if "RETURN NULL" in text]
    assert dropping == [case.guilty_commit]


@given(seeds)
def test_the_guilty_commit_is_not_the_newest_and_its_author_wrote_nothing_else(seed: int) -> None:
    case = draw(seed)
    assert case.guilty_commit < len(case.commits) - 1
    assert [c.author for c in case.commits].count(case.author) == 1


@given(seeds)
def test_the_busiest_service_is_innocent(seed: int) -> None:
    case = draw(seed)
    assert case.busiest.demand == max(s.demand for s in case.services)
    assert case.busiest != case.guilty


@given(seeds)
def test_commits_are_in_the_order_of_time(seed: int) -> None:
    ages = [c.age_s for c in draw(seed).commits]
    assert ages == sorted(ages, reverse=True)


def test_seeds_differ_in_account_statement_file_and_line() -> None:
    cases = [draw(seed) for seed in range(40)]
    assert len({c.guilty.role for c in cases}) > 5
    assert len({c.file for c in cases}) > 5
    assert len({c.line for c in cases}) > 4
    assert {c.trigger.lock for c in cases} == set(LOCKS)


NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def window(start: datetime, end: datetime) -> dict[str, str]:
    return {"name": "w", "from": start.isoformat(), "until": end.isoformat(), "limit": "deny"}


def test_a_freeze_of_another_day_stays_as_it_is() -> None:
    windows = [window(NOON - 3 * HOUR, NOON), window(NOON + HOUR, NOON + 3 * HOUR)]
    assert overlay.without(windows, NOON, NOON + HOUR) == windows


def test_an_open_freeze_leaves_the_length_of_the_demo_free() -> None:
    before, after = overlay.without([window(NOON - HOUR, NOON + 3 * HOUR)], NOON, NOON + HOUR)
    assert (before["from"], before["until"]) == ((NOON - HOUR).isoformat(), "2026-12-24T12:00:00Z")
    assert (after["from"], after["until"]) == ("2026-12-24T13:00:00Z", (NOON + 3 * HOUR).isoformat())


@pytest.mark.parametrize("minutes", [0, 5, 10])
def test_a_freeze_inside_the_demo_is_gone(minutes: int) -> None:
    start = NOON + timedelta(minutes=minutes)
    assert overlay.without([window(start, start + timedelta(minutes=1))], NOON, NOON + HOUR) == []


def _leaf(kind: LeafKind, action: str = "act_1", **body: object) -> bytes:
    return json.dumps({"leaf": {"kind": kind.value, "action": action, "body": body}}).encode() + b"\n"


def test_what_telemetry_saw_of_a_change_is_told_although_it_was_asked_again_after_its_undo(tmp_path: Path) -> None:
    """On a busy machine the export holds both verdicts before the demo looks."""
    export = tmp_path / "siem.jsonl"
    export.write_bytes(
        _leaf(LeafKind.SAMPLE, samples=[{"check": "0/errors", "at_ms": 1, "value": 50}])
        + _leaf(LeafKind.VERDICT, verdict="ineffective", checks={"0/errors": "missed"}, baseline={"0/errors": 52})
        + _leaf(LeafKind.SAMPLE, samples=[{"check": "0/errors", "at_ms": 2, "value": 7}])
        + _leaf(LeafKind.VERDICT, verdict="restored", checks={"0/errors": "clean"})
    )
    assert telemetry(export, "act_1", 0.0) == "errors 52 → 50 (missed)"
