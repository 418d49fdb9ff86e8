"""Auditing stored evidence: what was written holds, and each kind of change has its own code."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.audit import Evidence, Report, StoredCheckpoint, StoredLeaf, audit
from gateway.core.auditfold import StoredRow
from gateway.core.checkpoint import Checkpoint, signed_note
from gateway.core.events import read_leaf
from gateway.core.keys import Alg, verify_key
from tests.fakes.audited import kept

KEPT = kept()


def codes(report: Report) -> set[str]:
    return {v.code for v in report.violations}


def test_what_the_use_cases_wrote_holds() -> None:
    report = KEPT.audited(since=KEPT.first_note)
    assert report.violations == ()
    assert report.leaves == report.signed == len(KEPT.leaves)
    assert report.checkpoints == len(KEPT.checkpoints) >= 3
    assert report.actions == len(KEPT.evidence.rows or ())


def test_an_empty_log_holds() -> None:
    assert audit(Evidence(()), keys=KEPT.keys).holds


def test_a_removed_leaf_is_a_gap_and_the_others_keep_their_names() -> None:
    leaves = [leaf for leaf in KEPT.leaves if leaf.index != 7]
    report = KEPT.audited(leaves=leaves)
    assert ("LEAF_GAP", 7) in {(v.code, v.index) for v in report.violations}
    assert max(v.index for v in report.violations) < len(KEPT.leaves)


def test_a_leaf_rewritten_with_its_hash_is_named_by_the_one_after_it() -> None:
    leaves = KEPT.leaves
    changed = leaves[9].data.replace(b'"at_ms":', b'"at_ms":1')
    leaves[9] = StoredLeaf(9, changed, None)
    report = KEPT.audited(leaves=leaves, nodes=None, head=None, rows=None, documents=None)
    assert ("LEAF_CHAIN", 9) in {(v.code, v.index) for v in report.violations}
    assert "CHECKPOINT_ROOT" in codes(report)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"note": "nonsense"}, "CHECKPOINT_MALFORMED"),
        ({"size": 3}, "CHECKPOINT_ROW"),
        ({"root": b"\0" * 32}, "CHECKPOINT_ROW"),
    ],
)
def test_an_edited_checkpoint_is_found(change: dict[str, object], code: str) -> None:
    checkpoints = KEPT.checkpoints
    checkpoints[1] = replace(checkpoints[1], **change)  # type: ignore[arg-type]
    assert codes(KEPT.audited(checkpoints=checkpoints)) == {code}


def test_checkpoints_of_another_log_are_refused() -> None:
    report = audit(KEPT.evidence, keys=KEPT.keys, origin="other/log")
    assert codes(report) == {"CHECKPOINT_ORIGIN"}


def test_nothing_is_signed_by_a_key_that_is_not_trusted() -> None:
    report = audit(KEPT.evidence, keys={}, origin="test/log")
    assert codes(report) == {"CHECKPOINT_KEY_UNKNOWN"}
    assert report.signed == 0


@pytest.mark.parametrize(
    ("note", "code"), [("x", "SINCE_MALFORMED"), ("signature", "SINCE_SIGNATURE"), ("other log", "LOG_REWRITTEN")]
)
def test_a_checkpoint_kept_elsewhere_must_be_ours_and_of_this_log(note: str, code: str) -> None:
    leaves, since = KEPT.leaves, note
    if note == "signature":
        lines = KEPT.first_note.split("\n")
        since = "\n".join([lines[0], str(int(lines[1]) - 1), *lines[2:]])
    if note == "other log":
        since, leaves = KEPT.first_note, [StoredLeaf(i, b"{}") for i in range(len(KEPT.leaves))]
    report = audit(Evidence(leaves, since=since), keys=KEPT.keys, origin="test/log")
    assert code in codes(report)


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda row: replace(row, state="X"), "ROW_DIFFERS"),
        (lambda row: replace(row, version=99), "ROW_DIFFERS"),
        (lambda row: replace(row, digest="X"), "ROW_EDITED"),
    ],
)
def test_an_edited_state_row_names_its_action(edit: Callable[[StoredRow], StoredRow], code: str) -> None:
    rows = dict(KEPT.evidence.rows or {})
    action, row = sorted(rows.items())[1]
    rows[action] = edit(row)
    assert [(v.action, v.code) for v in KEPT.audited(rows=rows).violations] == [(action, code)]


def test_a_row_that_no_leaf_tells_of_and_one_that_is_missing_are_found() -> None:
    rows = dict(KEPT.evidence.rows or {})
    gone = min(rows)
    del rows[gone]
    rows["act_planted"] = StoredRow("COMMITTED", 1, "")
    found = {(v.action, v.code) for v in KEPT.audited(rows=rows).violations}
    assert found == {(gone, "ROW_MISSING"), ("act_planted", "ROW_WITHOUT_LEAVES")}


def test_every_document_is_held_to_the_leaf_that_names_it() -> None:
    documents = list(KEPT.evidence.documents or ())
    assert len(documents) > 10
    for i, (action, kind, data) in enumerate(documents):
        edited = [*documents[:i], (action, kind, data + b" "), *documents[i + 1 :]]
        found = {(v.action, v.code) for v in KEPT.audited(documents=edited).violations}
        assert (action, "DOCUMENT_DIFFERS") in found, kind


def test_a_document_that_a_leaf_names_must_be_there() -> None:
    documents = list(KEPT.evidence.documents or ())
    action, kind, _ = next(d for d in documents if d[1] == "proposal")
    report = KEPT.audited(documents=[d for d in documents if d[:2] != (action, kind)])
    [violation] = report.violations
    assert (violation.code, violation.action) == ("DOCUMENT_MISSING", action)
    assert read_leaf(KEPT.leaves[violation.index].data).action == action


def test_stored_subtree_roots_must_be_complete_and_right() -> None:
    nodes = KEPT.nodes
    assert codes(KEPT.audited(nodes=nodes[1:])) == {"NODE_MISSING"}
    assert codes(KEPT.audited(nodes=[*nodes, replace(nodes[-1], index=1 << 40)])) == {"NODE_UNKNOWN"}
    assert codes(KEPT.audited(nodes=[nodes[0], nodes[0], *nodes[1:]])) == {"NODE_UNKNOWN"}


def test_an_edited_head_is_found() -> None:
    head = KEPT.evidence.head
    assert head is not None
    for edited in (replace(head, size=1), replace(head, root=b"\0" * 32), replace(head, frontier=b"")):
        assert codes(KEPT.audited(head=edited)) == {"HEAD_DIFFERS"}


def test_an_export_without_stored_hashes_is_audited_too() -> None:
    leaves = [StoredLeaf(leaf.index, leaf.data) for leaf in KEPT.leaves]
    evidence = Evidence(leaves, since=KEPT.last_note)
    assert audit(evidence, keys=KEPT.keys).holds
    leaves[-1] = StoredLeaf(leaves[-1].index, leaves[-1].data.replace(b'"version":', b'"version":1'))
    assert "LOG_REWRITTEN" in codes(audit(Evidence(leaves, since=KEPT.last_note), keys=KEPT.keys))
    bare = [StoredCheckpoint(c.size, None, c.note) for c in KEPT.checkpoints]
    assert audit(Evidence(KEPT.leaves, bare), keys=KEPT.keys).holds


def _by_two_keys(*, cover: bool) -> set[str]:
    """Audit a log whose one key was revoked; with `cover`, its newest size is signed by a key that is trusted."""
    revoked = {kid: replace(key, revoked_ms=1) for kid, key in KEPT.keys.items()}
    private = Ed25519PrivateKey.generate()
    key = verify_key(Alg.ED25519, private.public_key().public_bytes_raw())
    last = KEPT.checkpoints[-1]
    told = Checkpoint.parse(last.note)
    note = signed_note(told, key, private.sign(told.body())) if cover else last.note
    checkpoints = [*KEPT.checkpoints[:-1], replace(last, note=note)]
    evidence = replace(KEPT.evidence, checkpoints=checkpoints)
    return codes(audit(evidence, keys={**revoked, key.kid: key}, origin="test/log"))


def test_checkpoints_of_a_revoked_key_hold_once_a_trusted_one_covers_them() -> None:
    assert _by_two_keys(cover=True) == set()
    assert _by_two_keys(cover=False) == {"CHECKPOINT_KEY_REVOKED"}
