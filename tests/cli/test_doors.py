"""The commands that speak to a gateway, against a real one with a real executor."""

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.call import Called, call
from tests.cli.running import PERSON, gateway

pytestmark = [pytest.mark.alone, pytest.mark.paired]
Command = Callable[..., Called]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with gateway(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture
def run(state: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("COUNTERMAND_STATE_DIR", str(state))
    return call


def held(run: Command) -> str:
    answer = run("submit", f"systemctl restart web-{uuid.uuid4().hex[:6]}", "--wait", "--json")
    assert (answer.code, answer.json["state"]) == (0, "AWAITING_APPROVAL"), answer.out
    return str(answer.json["id"])


def test_a_read_is_proposed_and_its_output_printed(run: Command) -> None:
    answer = run("submit", "uptime hello", "--wait")
    assert answer.code == 0
    assert "SUCCEEDED" in answer.out
    assert "hello" in answer.out
    assert answer.err == ""


def test_json_of_an_action_is_whole(run: Command) -> None:
    action = run("submit", "uptime hello", "--wait", "--json").json
    assert (action["state"], action["outputs"]) == ("SUCCEEDED", [{"step": 0, "data": "hello\n", "truncated": False}])
    assert action["receipt"]["payloadType"] == "application/vnd.in-toto+json"


def test_a_denied_proposal_ends_with_1_and_says_what_would_be_accepted(run: Command) -> None:
    answer = run("submit", "rm -rf /")
    assert answer.code == 1
    assert "TOOL_UNKNOWN" in answer.out
    assert "remedy: " in answer.out


def test_a_dry_run_records_nothing(run: Command) -> None:
    before = run("status", "--json").json["log_size"]
    answer = run("submit", "uptime", "--dry-run", "--json")
    assert (answer.code, answer.json["id"], answer.json["decision"]["verdict"]) == (0, "", "allow")
    assert run("status", "--json").json["log_size"] == before


def test_typed_steps_of_a_file_are_proposed(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "steps.json"
    file.write_text(
        json.dumps({"steps": [{"tool": "process", "operation": "uptime.show", "params": {"text": "typed"}}]})
    )
    answer = run("submit", "--steps", str(file), "--wait", "--json")
    assert answer.json["outputs"][0]["data"] == "typed\n"
    step = '{"tool":"process","operation":"uptime.show","params":{},"params":{"text":"b"}}'
    bad = ["[]", f'{{"steps":[{step}]}}', '{"steps":[],"dry_run":true}', '{"steps":' + "[" * 9_000 + "]" * 9_000 + "}"]
    for text in bad:
        file.write_text(text)
        refused = run("submit", "--steps", str(file))
        assert (refused.code, refused.err.startswith("error: STEPS_MALFORMED")) == (1, True)
        assert "remedy: write JSON" in refused.err


def test_a_command_that_is_no_utf8_is_refused_before_it_is_sent(run: Command) -> None:
    refused = run("submit", os.fsdecode(b"uptime \xff"))
    assert (refused.code, refused.err.splitlines()[0]) == (1, "error: TEXT_NOT_UTF8: the command is not UTF-8")


def test_a_vote_shows_what_it_binds_and_needs_a_yes(run: Command) -> None:
    action = held(run)
    listed = next(p for p in run("approvals", "list", "--json").json if p["action"]["id"] == action)
    unasked = run("approvals", "approve", action)
    assert (unasked.code, unasked.out) == (1, "")
    assert "NOT_CONFIRMED" in unasked.err
    for shown in (listed["nonce"], listed["action"]["plan_digest"], listed["action"]["decision"]["digest"]):
        assert shown in unasked.err
    moved = run("approvals", "approve", action, "--yes", "--decision", "sha256:" + "0" * 64)
    assert (moved.code, moved.err.startswith("error: DECISION_CHANGED")) == (1, True)
    voted = run("approvals", "approve", action, "--yes", "--decision", listed["action"]["decision"]["digest"], "--json")
    assert (voted.code, voted.json["id"]) == (0, action)
    kept = settle(run, action)
    assert kept["state"] in {"COMMITTED", "NEEDS_HUMAN"}


def settle(run: Command, action: str) -> Any:
    """A person keeps the change as soon as it is being verified."""
    for _ in range(200):
        shown = run("show", action, "--json").json
        if shown["state"] == "VERIFYING":
            return run("approvals", "keep", action, "--json").json
        if shown["state"] not in {"AWAITING_APPROVAL", "GRANTED", "EXECUTING"}:
            return shown
    raise AssertionError(shown)


def test_an_action_can_be_rejected_and_then_it_waits_no_more(run: Command) -> None:
    action = held(run)
    assert run("approvals", "reject", action, "--comment", "no", "--json").json["state"] == "REJECTED"
    gone = run("approvals", "approve", action, "--yes")
    assert (gone.code, gone.err.splitlines()[0]) == (1, f"error: NOT_PENDING: {action} does not wait for people")


def test_an_agent_cancels_and_the_watch_of_it_ends_with_1(run: Command) -> None:
    action = held(run)
    assert run("cancel", action, "--reason", "not needed", "--json").json["state"] == "CANCELLED"
    watched = run("watch", action, "--json")
    assert watched.code == 1
    assert json.loads(watched.out.splitlines()[-1])["action"]["state"] == "CANCELLED"


def test_what_the_state_forbids_is_an_error_with_code_and_remedy(run: Command) -> None:
    action = run("submit", "uptime", "--wait", "--json").json["id"]
    for words in (("rollback", action), ("leases", "release", action), ("leases", "renew", action, "60")):
        answer = run(*words)
        assert (answer.code, answer.out) == (1, "")
        first, second = answer.err.splitlines()
        assert first.startswith("error: ")
        assert second.startswith("remedy: ")


def test_an_empty_drift_ledger_is_an_empty_list_and_an_unknown_entry_is_an_error(run: Command) -> None:
    assert run("drift", "list", "--all", "--json").json == []
    for words in (("drift", "show", "dft_none"), ("drift", "close", "dft_none", "--reference", "pr/7")):
        answer = run(*words)
        assert (answer.code, answer.err.splitlines()[0]) == (1, "error: DRIFT_UNKNOWN: there is no entry dft_none")


def test_actions_are_listed_newest_first(run: Command) -> None:
    action = run("submit", "uptime", "--wait", "--json").json["id"]
    assert run("show", "--json", "--limit", "1").json[0]["id"] == action
    assert run("show", "--state", "SUCCEEDED", "--limit", "1").out.startswith(action)
    assert run("leases", "list", "--json").json == []


def test_the_record_of_an_incident(run: Command) -> None:
    opened = run("incidents", "open", "db is slow", "--json").json
    assert opened["source"] == "human"
    named = run("incidents", "hypothesis", opened["id"], "connections leak", "--door", "agent")
    assert named.out == "h1\n"
    read = run("submit", "uptime", "--incident", opened["id"], "--hypothesis", "h1", "--wait", "--json").json["id"]
    cause = ("incidents", "cause", opened["id"], "h1", "leak in pool", "--evidence", read, "--json")
    assert run(*cause).json["cause"] == "leak in pool"
    assert "connections leak" in run("incidents", "show", opened["id"]).out
    assert opened["id"] in run("incidents", "list").out
    assert run("incidents", "close", opened["id"], "--json").json["phase"] == "closed"
    assert opened["id"] not in run("incidents", "list").out


def test_a_stop_holds_until_it_is_taken_back(run: Command) -> None:
    assert run("stop", "--reason", "test").out.startswith("recorded as leaf ")
    try:
        denied = run("submit", "uptime")
        assert (denied.code, "GATEWAY_STOPPED" in denied.out) == (1, True)
        assert PERSON in run("status").out
    finally:
        assert run("resume", "--reason", "test").code == 0
    assert run("freeze", "--reason", "test", "--environment", "staging", "--json").json["leaf"] > 0
    assert run("submit", "uptime").code == 0
    assert run("resume", "--reason", "test", "--environment", "staging").code == 0


def test_a_receipt_and_a_leaf_are_proven_and_the_proof_is_checked_here(run: Command, state: Path) -> None:
    action = run("submit", "uptime", "--wait", "--json").json["id"]
    run("audit", "checkpoint")
    keys = str(state / "keys" / "jwks.json")
    for _ in range(100):  # a checkpoint is signed within 200 ms
        receipt = run("audit", "proof", action, "--json", "--keys", keys)
        if receipt.code == 0:
            break
    assert json.loads(receipt.json["leaf"])["action"] == action
    assert run("audit", "proof", "0", "--json").json["index"] == 0
    assert run("audit", "proof", "0", "--door", "agent").code == 2
    other = run("keys", "new", "--state-dir", str(state.parent / "other"), "--json")
    assert other.code == 0
    foreign = str(state.parent / "other" / "keys" / "jwks.json")
    wrong = run("audit", "proof", action, "--keys", foreign)
    assert (wrong.code, wrong.out) == (1, "")


def test_the_log_of_a_running_gateway_is_followed_verified_and_exported(
    run: Command, state: Path, tmp_path: Path
) -> None:
    run("submit", "uptime", "--wait")
    note = tmp_path / "checkpoint"
    note.write_text(run("audit", "checkpoint").out)
    assert run("audit", "tail", "--from", "1").out.startswith("1 ")
    assert json.loads(run("audit", "tail", "--json").out.splitlines()[0])["index"] == 0
    copy = tmp_path / "copy"
    shutil.copytree(state, copy, ignore=shutil.ignore_patterns("sockets"))
    for place in (state, copy):
        verified = run("audit", "verify", "--state-dir", str(place), "--since", str(note))
        assert (verified.code, verified.out.split(":")[0]) == (0, "holds"), verified.out
    log = tmp_path / "log.jsonl"
    assert run("audit", "export", "--state-dir", str(copy), "--out", str(log)).code == 0
    keys = str(state / "keys" / "jwks.json")
    assert run("audit", "verify", "--log", str(log), "--since", str(note), "--keys", keys).code == 0


def test_doctor_finds_a_running_site_well(run: Command, state: Path) -> None:
    found = run("doctor", "--config", str(state.parent / "gateway.yaml"), "--json")
    assert {(f["name"], f["outcome"]) for f in found.json["findings"] if f["outcome"] != "ok"} == set()
    assert found.code == 0


def test_withdrawing_a_revision_prints_the_actions_whose_grants_died(run: Command) -> None:
    answer = run("policy", "withdraw", "sha256:" + "0" * 64, "--reason", "test", "--json")
    assert (answer.code, answer.json) == (0, {"revoked": []})


def test_nobody_listening_is_an_error_with_a_remedy() -> None:
    answer = call("status", "--address", "unix:/nonexistent.sock", "--timeout-s", "1")
    assert answer.code == 1
    assert answer.err.startswith("error: UNAVAILABLE")
    assert "countermand serve" in answer.err


def test_a_token_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    token.chmod(0o644)
    answer = call("status", "--token-file", str(token))
    assert (answer.code, answer.err.startswith("error: DOOR_UNUSABLE")) == (1, True)
    assert "secret" not in answer.err
