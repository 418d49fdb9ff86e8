"""Folding the log: a log that the table could have written is clean, and every rewriting is found."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.auditfold import LogFold, StoredRow, compare, fold_log
from gateway.core.canonical import digest
from gateway.core.events import Leaf, leaf, read_leaf
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import ROWS, Event, Guard, Row, State, advance
from gateway.core.merkle import leaf_hash
from gateway.core.redact import Redactor

REDACTOR = Redactor("k1", b"key")


@dataclass
class Writer:
    """Writes leaves as the gateway does: a transition's first leaf carries the event, the others describe it."""

    leaves: list[bytes] = field(default_factory=list)
    states: dict[str, tuple[State | None, int]] = field(default_factory=dict)

    def move(self, action: str, row: Row, *more: K) -> None:
        before, version = self.states.get(action, (None, 0))
        self.states[action] = (row.next, version + 1)
        kinds = (*row.records, *more)
        for i, kind in enumerate(kinds):
            moves = i == 0
            self.put(kind, action, before if moves else row.next, row.next, version + 1,
                     row.event if moves else None, row.guard if moves else None)  # fmt: skip

    def put(
        self, kind: K, action: str, before: State | None, after: State | None, version: int,
        event: Event | None = None, guard: Guard | None = None,
    ) -> None:  # fmt: skip
        told = digest([action, version]) if event else ""
        self.leaves.append(
            leaf(
                kind, action=action, at_ms=len(self.leaves), state_before=before, event=event, guard=guard,
                state_after=after, version=version, body={"step": version},
                prev_leaf=leaf_hash(self.leaves[-1]) if self.leaves else b"", redactor=REDACTOR, row_digest=told,
            )
        )  # fmt: skip

    def rows(self) -> dict[str, StoredRow]:
        return {a: StoredRow(str(s), v, digest([a, v])) for a, (s, v) in self.states.items()}


def rewritten(leaves: list[bytes], change: dict[int, Leaf | None]) -> list[bytes]:
    """Return the log after an attack: leaves replaced or dropped, and the chain mended as an attacker would."""
    result: list[bytes] = []
    for index, data in enumerate(leaves):
        read = change.get(index, read_leaf(data))
        if read is not None:
            result.append(
                leaf(
                    read.kind, action=read.action, at_ms=read.at_ms, state_before=read.state_before, event=read.event,
                    guard=read.guard, state_after=read.state_after, version=read.version, body=read.body,
                    prev_leaf=leaf_hash(result[-1]) if result else b"", redactor=REDACTOR, row_digest=read.row,
                )
            )  # fmt: skip
    return result


def codes(log: LogFold) -> list[str]:
    return [v.code for v in log.violations]


RECORDED = [row for row in ROWS if row.records]


def walk(data: st.DataObject, writer: Writer, actions: list[str], length: int) -> None:
    for _ in range(data.draw(st.integers(1, length))):
        action = data.draw(st.sampled_from(actions))
        state = writer.states.get(action, (None, 0))[0]
        rows = [row for row in RECORDED if row.state is state]
        if rows:
            row = data.draw(st.sampled_from(rows))
            writer.move(action, row, *(row.optional if data.draw(st.booleans()) else ()))


def lived() -> Writer:
    """Return the log of one action from proposal to commit, with a leaf of no action in between."""
    writer = Writer()
    for event, guard in (
        (Event.SUBMIT, Guard.PARSED),
        (Event.DECIDE, Guard.ALLOW),
        (Event.BEGIN_ATTEMPT, Guard.HOLDS),
        (Event.STEP_APPLIED, Guard.LAST_WRITE),
        (Event.VERDICT, Guard.EFFECTIVE),
    ):
        writer.move("act_1", advance(writer.states.get("act_1", (None, 0))[0], event, guard))
        writer.put(K.RESTART, "", None, None, 0)
    return writer


@given(st.data())
def test_a_log_that_the_table_wrote_is_clean_and_tells_the_states(data: st.DataObject) -> None:
    writer = Writer()
    walk(data, writer, ["act_1", "act_2", "act_3"], 30)
    log = fold_log(writer.leaves)
    assert log.violations == ()
    assert log.leaves == len(writer.leaves)
    assert {a: (f.state, f.version) for a, f in log.actions.items()} == writer.states
    assert compare(log, writer.rows()) == ()


@given(st.data())
def test_every_leaf_is_a_fact_of_its_action(data: st.DataObject) -> None:
    writer = Writer()
    walk(data, writer, ["act_1", "act_2"], 12)
    log = fold_log(writer.leaves)
    facts = sorted((f.index, f.kind) for a in log.actions.values() for f in a.facts)
    assert facts == [(i, read_leaf(leaf).kind) for i, leaf in enumerate(writer.leaves)]


@given(st.data())
def test_a_changed_state_or_version_is_found_at_its_leaf(data: st.DataObject) -> None:
    writer = Writer()
    walk(data, writer, ["act_1"], 12)
    index = data.draw(st.integers(0, len(writer.leaves) - 1))
    read = read_leaf(writer.leaves[index])
    other = data.draw(st.sampled_from([s for s in State if s not in (read.state_before, read.state_after)]))
    bad = data.draw(
        st.sampled_from(
            [
                replace(read, state_after=other),
                replace(read, state_before=other),
                replace(read, version=read.version + 1),
                replace(read, version=0),
            ]
        )
    )
    log = fold_log(rewritten(writer.leaves, {index: bad}))
    assert index in {v.index for v in log.violations}
    assert {v.action for v in log.violations} == {"act_1"}


@given(st.data())
def test_a_dropped_transition_is_found_in_the_log_or_in_the_rows(data: st.DataObject) -> None:
    writer = Writer()
    walk(data, writer, ["act_1"], 12)
    transitions = [i for i, leaf in enumerate(writer.leaves) if read_leaf(leaf).event]
    dropped = data.draw(st.sampled_from(transitions))
    log = fold_log(rewritten(writer.leaves, {dropped: None}))
    assert log.violations or compare(log, writer.rows())


def test_a_dropped_record_that_the_transition_demands_is_found() -> None:
    leaves = lived().leaves
    for index, data in enumerate(leaves):
        read = read_leaf(data)
        if read.action and read.event is None:
            assert codes(fold_log(rewritten(leaves, {index: None}))) == ["LEAF_MISSING"]


def test_a_leaf_that_does_not_name_the_one_before_it_is_found() -> None:
    leaves = lived().leaves
    assert [v.index for v in fold_log(leaves[:3] + leaves[4:]).violations if v.code == "LEAF_CHAIN"] == [3]
    assert codes(fold_log(leaves[1:]))[0] == "LEAF_CHAIN"


def test_bytes_that_are_no_leaf_are_found_and_the_fold_goes_on() -> None:
    leaves = lived().leaves
    log = fold_log([*leaves, b"not a leaf", b"{}"])
    assert codes(log) == ["LEAF_MALFORMED", "LEAF_MALFORMED"]
    assert log.actions["act_1"].state is State.COMMITTED
    assert log.leaves == len(leaves) + 2


def mutated(index: int, **changes: object) -> list[str]:
    leaves = lived().leaves
    bad = replace(read_leaf(leaves[index]), **changes)  # type: ignore[arg-type]  # the caller names fields of Leaf
    return codes(fold_log(rewritten(leaves, {index: bad})))


def test_each_kind_of_rewriting_has_its_own_code() -> None:
    assert mutated(0, guard=Guard.BUSY) == ["LEAF_TRANSITION"]
    assert mutated(0, state_after=State.GRANTED)[0] == "LEAF_AFTER"
    assert mutated(0, kind=K.VERDICT) == ["LEAF_KIND", "LEAF_MISSING"]
    assert mutated(0, version=7)[0] == "LEAF_STATE"
    assert mutated(1, version=1) == ["LEAF_GLOBAL"]
    assert mutated(3, kind=K.RECEIPT) == ["LEAF_KIND", "LEAF_MISSING"]
    assert mutated(3, version=9)[0] == "LEAF_STATE"


def test_a_notification_may_come_along_with_any_transition() -> None:
    writer = lived()
    writer.put(K.NOTIFICATION, "act_1", State.COMMITTED, State.COMMITTED, 5)
    assert fold_log(writer.leaves).violations == ()


def test_a_record_of_an_action_that_was_never_proposed_is_found() -> None:
    writer = Writer()
    writer.put(K.NOTIFICATION, "act_9", State.GRANTED, State.GRANTED, 1)
    assert codes(fold_log(writer.leaves)) == ["LEAF_STATE"]


def test_an_action_cannot_be_submitted_twice() -> None:
    writer = lived()
    writer.put(K.PROPOSAL, "act_1", None, State.PROPOSED, 1, Event.SUBMIT, Guard.PARSED)
    assert codes(fold_log(writer.leaves)) == ["LEAF_STATE"]


def test_one_wrong_leaf_is_one_finding() -> None:
    leaves = lived().leaves
    bad = replace(read_leaf(leaves[5]), state_after=State.VERIFYING, guard=Guard.BUSY)
    assert read_leaf(leaves[5]).state_after is State.EXECUTING
    found = fold_log(rewritten(leaves, {5: bad})).violations
    assert {v.index for v in found} <= {5, 6, 8}


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ({}, "ROW_MISSING"),
        ({"act_1": StoredRow("COMMITTED", 5, digest(["act_1", 5])), "act_2": StoredRow("DENIED", 1, "")},
         "ROW_WITHOUT_LEAVES"),
        ({"act_1": StoredRow("UNDONE", 5, digest(["act_1", 5]))}, "ROW_DIFFERS"),
        ({"act_1": StoredRow("COMMITTED", 4, digest(["act_1", 5]))}, "ROW_DIFFERS"),
        ({"act_1": StoredRow("COMMITTED", 5, digest("edited"))}, "ROW_EDITED"),
    ],
)  # fmt: skip
def test_a_state_row_that_the_log_does_not_tell_is_found(rows: dict[str, StoredRow], code: str) -> None:
    [found] = compare(fold_log(lived().leaves), rows)
    assert (found.index, found.code) == (-1, code)
    assert found.action == ("act_2" if code == "ROW_WITHOUT_LEAVES" else "act_1")


def test_a_leaf_that_tells_no_row_digest_leaves_it_open() -> None:
    leaves = lived().leaves
    untold = {i: replace(read_leaf(leaf), row="") for i, leaf in enumerate(leaves)}
    log = fold_log(rewritten(leaves, dict(untold)))
    assert compare(log, {"act_1": StoredRow("COMMITTED", 5, "anything")}) == ()
