"""`countermand audit verify`, offline, over a database made by the real use cases and then attacked."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.core.keys import emit_jwks
from tests.cli.call import call
from tests.fakes.audited import kept

KEPT = kept()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir(mode=0o700)
    (tmp_path / "store" / "countermand.db").write_bytes(KEPT.database)
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "keys" / "jwks.json").write_bytes(emit_jwks(KEPT.keys.values()))
    return tmp_path


def attack(state: Path, sql: str, *args: object) -> None:
    with sqlite3.connect(state / "store" / "countermand.db") as connection:
        assert connection.execute(sql, args).rowcount > 0
    connection.close()


def verify(state: Path, *more: str) -> tuple[int, list[dict[str, object]]]:
    answer = call("audit", "verify", "--state-dir", str(state), "--json", *more)
    return answer.code, answer.json["violations"]


def test_an_untouched_state_directory_holds(state: Path) -> None:
    answer = call("audit", "verify", "--state-dir", str(state), "--json")
    assert answer.code == 0
    assert answer.json == {
        "holds": True, "leaves": len(KEPT.leaves), "root": answer.json["root"], "signed": len(KEPT.leaves),
        "checkpoints": len(KEPT.checkpoints), "actions": len(KEPT.evidence.rows or ()), "violations": [],
    }  # fmt: skip
    assert "note: the keys are those of the state directory" in answer.err


def test_one_flipped_byte_ends_with_1_and_the_leaf_is_named(state: Path) -> None:
    body = bytearray(KEPT.leaves[11].data)
    body[len(body) // 2] ^= 1
    attack(state, "UPDATE leaves SET body = ? WHERE idx = 11", bytes(body))
    answer = call("audit", "verify", "--state-dir", str(state))
    assert answer.code == 1
    assert "leaf 11: LEAF_HASH" in answer.out
    assert "does not hold: " in answer.out
    assert answer.err.splitlines()[-2].startswith("error: AUDIT_VIOLATIONS")


@pytest.mark.parametrize(
    "column",
    [
        "state", "version", "agent", "owner", "door", "audience", "environments", "incident", "plan_digest",
        "doc_digest", "created_ms", "updated_ms", "fence", "reason", "decision_digest", "state_digest",
        "lease_end_ms", "undo_until_ms", "revision",
    ],
)  # fmt: skip
def test_any_column_of_a_state_row_that_was_edited_names_the_action(state: Path, column: str) -> None:
    action = sorted(KEPT.evidence.rows or ())[2]
    attack(state, f"UPDATE actions SET {column} = {column} || '1' WHERE id = ?", action)
    code, violations = verify(state)
    assert code == 1
    assert [v["action"] for v in violations] == [action]


def test_a_planted_and_a_deleted_action_are_named(state: Path) -> None:
    gone = min(KEPT.evidence.rows or ())
    attack(state, "UPDATE actions SET id = 'act_planted' WHERE id = ?", gone)
    code, violations = verify(state)
    assert code == 1
    assert {(v["action"], v["code"]) for v in violations} == {
        (gone, "ROW_MISSING"),
        ("act_planted", "ROW_WITHOUT_LEAVES"),
    }


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("UPDATE checkpoints SET note = note || 'x'", "CHECKPOINT_MALFORMED"),
        ("UPDATE checkpoints SET root = zeroblob(32)", "CHECKPOINT_ROW"),
        ("UPDATE log_head SET size = size - 1", "HEAD_DIFFERS"),
        ("UPDATE leaves SET completes = x'' WHERE idx = 1", "NODE_MISSING"),
        (
            "UPDATE leaves SET completes = CAST(SUBSTR(completes, 1, 32) || zeroblob(32) AS BLOB) WHERE idx = 7",
            "NODE_HASH",
        ),
        ("UPDATE leaves SET completes = zeroblob(100000) WHERE idx = 4", "NODE_UNKNOWN"),
        ("DELETE FROM leaves WHERE idx = 4", "LEAF_GAP"),
        ("DELETE FROM leaves WHERE idx > 20", "LOG_TRUNCATED"),
        ("UPDATE documents SET data = CAST(data || ' ' AS BLOB) WHERE kind = 'proposal'", "DOCUMENT_DIFFERS"),
        ("DELETE FROM documents WHERE kind = 'proposal'", "DOCUMENT_MISSING"),
        ("UPDATE actions SET environments = 'nonsense'", "ROW_EDITED"),
    ],
)
def test_every_table_that_the_log_speaks_of_is_held_to_it(state: Path, sql: str, code: str) -> None:
    attack(state, sql)
    ended, violations = verify(state)
    assert ended == 1
    assert code in {v["code"] for v in violations}


def test_a_tail_cut_with_everything_that_told_of_it_is_found_with_since(state: Path, tmp_path: Path) -> None:
    size = KEPT.checkpoints[0].size
    note = tmp_path / "checkpoint"
    note.write_text(KEPT.last_note)
    told = {v["code"] for v in verify(cut(state, size))[1]}
    assert "LOG_TRUNCATED" not in told
    code, violations = verify(state, "--since", str(note))
    assert code == 1
    assert {"index": size, "action": "", "code": "LOG_TRUNCATED",
            "detail": f"{len(KEPT.leaves)} leaves were signed, {size} are left"} in violations  # fmt: skip


def cut(state: Path, size: int) -> Path:
    attack(state, "DELETE FROM leaves WHERE idx >= ?", size)
    attack(state, "DELETE FROM checkpoints WHERE size > ?", size)
    return state


def test_keys_that_are_kept_elsewhere_refuse_a_log_signed_by_others(state: Path, tmp_path: Path) -> None:
    other = call("keys", "new", "--state-dir", str(tmp_path / "other"))
    assert other.code == 0
    code, violations = verify(state, "--keys", str(tmp_path / "other" / "keys" / "jwks.json"))
    assert (code, {v["code"] for v in violations}) == (1, {"CHECKPOINT_KEY_UNKNOWN"})


def test_an_exported_log_is_verified_by_its_chain_and_a_kept_checkpoint(state: Path, tmp_path: Path) -> None:
    log, note = tmp_path / "log.jsonl", tmp_path / "checkpoint"
    note.write_text(KEPT.last_note)
    assert call("audit", "export", "--state-dir", str(state), "--out", str(log)).code == 0
    lines = log.read_bytes().splitlines(keepends=True)
    assert len(lines) == len(KEPT.leaves)
    with_note = (
        "audit",
        "verify",
        "--log",
        str(log),
        "--since",
        str(note),
        "--keys",
        str(state / "keys" / "jwks.json"),
    )
    assert call(*with_note).code == 0
    assert call("audit", "verify", "--log", str(log)).code == 0
    lines[8] = lines[8].replace(b'"at_ms":1', b'"at_ms":2')
    log.write_bytes(b"".join(lines))
    answer = call("audit", "verify", "--log", str(log), "--json")
    assert (answer.code, [v["index"] for v in answer.json["violations"]]) == (1, [8])
    log.write_bytes(b"".join(lines[:8]))
    assert call("audit", "verify", "--log", str(log)).code == 0
    assert call(*with_note).code == 1


def test_rotated_files_of_an_export_are_read_in_order(state: Path, tmp_path: Path) -> None:
    out = call("audit", "export", "--state-dir", str(state)).out
    lines = out.splitlines(keepends=True)
    (tmp_path / "a").write_text("".join(lines[:10]))
    (tmp_path / "b").write_text("".join(lines[10:]))
    assert call("audit", "verify", "--log", str(tmp_path / "a"), "--log", str(tmp_path / "b")).code == 0
    assert call("audit", "verify", "--log", str(tmp_path / "b")).code == 1


@pytest.mark.parametrize(("damage", "code"), [("missing", "STORE_UNREADABLE"), ("noise", "STORE_UNREADABLE")])
def test_a_database_that_is_none_is_an_error_not_a_pass(state: Path, damage: str, code: str) -> None:
    database = state / "store" / "countermand.db"
    if damage == "missing":
        database.unlink()
    else:
        database.write_bytes(b"\x55" * 8192)
    answer = call("audit", "verify", "--state-dir", str(state))
    assert (answer.code, answer.out) == (1, "")
    assert f"error: {code}" in answer.err


def test_without_anything_to_verify_it_is_a_usage_error() -> None:
    ran = subprocess.run([sys.executable, "-m", "gateway", "audit", "verify"], capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, b"")


def test_a_log_that_is_no_log_is_refused_line_by_line(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({"index": 0, "leaf": {}}) + "\nnoise\n")
    answer = call("audit", "verify", "--log", str(log), "--json")
    assert answer.code == 1
    assert [(v["index"], v["code"]) for v in answer.json["violations"]] == [
        (0, "LEAF_MALFORMED"),
        (1, "LEAF_MALFORMED"),
    ]
