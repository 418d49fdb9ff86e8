"""The lifecycle table against the contract, and what must hold whatever is lost."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import (
    ANYTIME,
    FINAL,
    FIRES,
    OPEN,
    ROWS,
    Due,
    Event,
    Guard,
    LifecycleError,
    Row,
    State,
    _rows,
    advance,
    timers,
)
from gateway.core.states import GUARDS

E, G, S = Event, Guard, State
ROOT = Path(__file__).parents[2]

# Every row of contract/lifecycle.md, in its order: (state, event, guard) → next.
CONTRACT = [
    (None, E.SUBMIT, G.PARSED, S.PROPOSED),
    (None, E.SUBMIT, G.NOT_PARSED, S.DENIED),
    (S.GRANTED, E.RESUBMIT, G.SAME_DIGEST, S.GRANTED),
    (S.DENIED, E.RESUBMIT, G.OTHER_DIGEST, S.DENIED),
    (S.PROPOSED, E.ADMIT, G.DENY, S.DENIED),
    (S.PROPOSED, E.DECIDE, G.DENY, S.DENIED),
    (S.PROPOSED, E.DECIDE, G.SHADOW, S.SHADOWED),
    (S.PROPOSED, E.DECIDE, G.APPROVE, S.AWAITING_APPROVAL),
    (S.PROPOSED, E.DECIDE, G.ALLOW, S.GRANTED),
    (S.PROPOSED, E.OBSERVE_DEADLINE, None, S.EXPIRED),
    (S.PROPOSED, E.RESTART, None, S.PROPOSED),
    (S.SHADOWED, E.ACKNOWLEDGE, G.WOULD_DO, S.SHADOWED),
    (S.SHADOWED, E.ACKNOWLEDGE, G.DID_IT, S.SHADOWED),
    (S.SHADOWED, E.ACKNOWLEDGE, G.WRONG, S.SHADOWED),
    (S.AWAITING_APPROVAL, E.VOTE, G.COUNTED, S.AWAITING_APPROVAL),
    (S.AWAITING_APPROVAL, E.QUORUM, G.SAME_STATE, S.GRANTED),
    (S.AWAITING_APPROVAL, E.QUORUM, G.CHANGED, S.AWAITING_APPROVAL),
    (S.AWAITING_APPROVAL, E.QUORUM, G.CHANGED_TOO_OFTEN, S.EXPIRED),
    (S.AWAITING_APPROVAL, E.QUORUM, G.BELOW_APPROVE, S.DENIED),
    (S.AWAITING_APPROVAL, E.REJECT, None, S.REJECTED),
    (S.AWAITING_APPROVAL, E.APPROVAL_TTL, None, S.EXPIRED),
    (S.AWAITING_APPROVAL, E.CANCEL, None, S.CANCELLED),
    (S.GRANTED, E.CANCEL, None, S.CANCELLED),
    (S.GRANTED, E.BEGIN_ATTEMPT, G.HOLDS, S.EXECUTING),
    (S.GRANTED, E.BEGIN_ATTEMPT, G.BUSY, S.GRANTED),
    (S.GRANTED, E.GRANT_EXPIRY, None, S.EXPIRED),
    (S.GRANTED, E.REVOKE, G.WITHDRAWN, S.REVOKED),
    (S.GRANTED, E.REVOKE, G.STOPPED, S.REVOKED),
    (S.GRANTED, E.REVOKE, G.FROZEN, S.REVOKED),
    (S.GRANTED, E.REVOKE, G.KEY_REVOKED, S.REVOKED),
    (S.GRANTED, E.REFUSE, None, S.REFUSED),
    (S.EXECUTING, E.STEP_APPLIED, G.MORE, S.EXECUTING),
    (S.EXECUTING, E.STEP_APPLIED, G.LAST_READ, S.SUCCEEDED),
    (S.EXECUTING, E.STEP_APPLIED, G.LAST_WRITE, S.VERIFYING),
    (S.EXECUTING, E.STEP_FAILED, G.READS, S.FAILED),
    (S.EXECUTING, E.STEP_FAILED, G.NO_WRITE, S.NOT_APPLIED),
    (S.EXECUTING, E.STEP_FAILED, G.UNDO_KNOWN, S.UNDOING),
    (S.EXECUTING, E.ABORT, G.UNDO_KNOWN, S.UNDOING),
    (S.EXECUTING, E.STOP, G.UNDO_KNOWN, S.UNDOING),
    (S.EXECUTING, E.LEASE_END, G.UNDO_KNOWN, S.UNDOING),
    (S.EXECUTING, E.ATTEMPT_DEADLINE, G.UNDO_KNOWN, S.UNDOING),
    (S.EXECUTING, E.ABORT, G.NO_WRITE, S.NOT_APPLIED),
    (S.EXECUTING, E.STOP, G.NO_WRITE, S.NOT_APPLIED),
    (S.EXECUTING, E.FREEZE, G.NO_WRITE, S.NOT_APPLIED),
    (S.EXECUTING, E.FREEZE, G.UNDO_KNOWN, S.NEEDS_HUMAN),
    (S.EXECUTING, E.EXECUTOR_LOST, None, S.EXECUTING),
    (S.EXECUTING, E.ATTEMPT_DEADLINE, G.IN_FLIGHT, S.EXECUTING),
    (S.EXECUTING, E.PROBED, G.CANNOT_TELL, S.NEEDS_HUMAN),
    (S.VERIFYING, E.SAMPLE, None, S.VERIFYING),
    (S.VERIFYING, E.VERDICT, G.EFFECTIVE, S.COMMITTED),
    (S.VERIFYING, E.VERDICT, G.EFFECTIVE_TTL, S.LEASED),
    (S.VERIFYING, E.VERDICT, G.HARMED_UNDO_KNOWN, S.UNDOING),
    (S.VERIFYING, E.VERDICT, G.HARMED_UNDO_NONE, S.NEEDS_HUMAN),
    (S.VERIFYING, E.ABORT, G.UNDO_KNOWN, S.UNDOING),
    (S.VERIFYING, E.ABORT, G.UNDO_NONE, S.NEEDS_HUMAN),
    (S.VERIFYING, E.LEASE_END, G.UNDO_KNOWN, S.UNDOING),
    (S.VERIFYING, E.LEASE_END, G.UNDO_NONE, S.NEEDS_HUMAN),
    (S.VERIFYING, E.VERDICT, G.INEFFECTIVE_UNDO, S.UNDOING),
    (S.VERIFYING, E.VERDICT, G.INEFFECTIVE_HUMAN, S.NEEDS_HUMAN),
    (S.VERIFYING, E.VERDICT, G.INEFFECTIVE_COMMIT, S.COMMITTED),
    (S.VERIFYING, E.VERDICT, G.INCONCLUSIVE_UNDO, S.UNDOING),
    (S.VERIFYING, E.VERDICT, G.INCONCLUSIVE_HUMAN, S.NEEDS_HUMAN),
    (S.VERIFYING, E.CONFLICT, G.EDITED, S.NEEDS_HUMAN),
    (S.VERIFYING, E.FREEZE, None, S.NEEDS_HUMAN),
    (S.VERIFYING, E.KEEP, G.NO_TTL, S.COMMITTED),
    (S.VERIFYING, E.KEEP, G.TTL, S.LEASED),
    (S.VERIFYING, E.STOP, None, S.VERIFYING),
    (S.UNDOING, E.STOP, None, S.UNDOING),
    (S.COMMITTED, E.ROLLBACK, G.ALLOWED, S.UNDOING),
    (S.LEASED, E.RENEW, G.ALLOWED, S.LEASED),
    (S.LEASED, E.KEEP, G.ALLOWED, S.COMMITTED),
    (S.LEASED, E.LEASE_END, G.UNDO_KNOWN, S.UNDOING),
    (S.LEASED, E.RELEASE, G.UNDO_KNOWN, S.UNDOING),
    (S.LEASED, E.LEASE_END, G.FROZEN, S.NEEDS_HUMAN),
    (S.COMMITTED, E.SUPERSEDE, None, S.SUPERSEDED),
    (S.LEASED, E.SUPERSEDE, None, S.SUPERSEDED),
    (S.UNDOING, E.STEP_UNDONE, G.MORE, S.UNDOING),
    (S.UNDOING, E.STEP_UNDONE, G.LAST, S.UNDONE),
    (S.UNDOING, E.STEP_UNDONE, G.RECHECK, S.UNDOING),
    (S.UNDOING, E.SAMPLE, None, S.UNDOING),
    (S.UNDOING, E.VERDICT, G.CHECKS_GOOD, S.UNDONE),
    (S.UNDOING, E.VERDICT, G.UNPROVEN, S.UNDONE),
    (S.UNDOING, E.UNDO_FAILED, G.UNPROVEN, S.NEEDS_HUMAN),
    (S.UNDOING, E.UNDO_FAILED, G.EDITED, S.NEEDS_HUMAN),
    (S.UNDOING, E.UNDO_DEADLINE, None, S.NEEDS_HUMAN),
    (S.UNDOING, E.UNDO_FAILED, G.CHECKS_BAD, S.NEEDS_HUMAN),
    (S.UNDOING, E.FREEZE, None, S.NEEDS_HUMAN),
    (S.UNDOING, E.UNDO_FAILED, G.TRANSIENT, S.UNDOING),
    (S.UNDOING, E.EXECUTOR_LOST, None, S.UNDOING),
    (S.NEEDS_HUMAN, E.RESOLVE, G.KEPT, S.RESOLVED),
    (S.NEEDS_HUMAN, E.RESOLVE, G.UNDONE_BY_HAND, S.RESOLVED),
    (S.NEEDS_HUMAN, E.RETRY_UNDO, None, S.UNDOING),
    *((state, E.RESTART, None, state) for state in sorted(OPEN)),
]

# What still happens when people, agents, executors and telemetry are gone: timers fire, the gateway restarts.
ALONE = frozenset(
    {
        (E.RESTART, None),
        (E.EXECUTOR_LOST, None),
        (E.OBSERVE_DEADLINE, None),
        (E.APPROVAL_TTL, None),
        (E.GRANT_EXPIRY, None),
        (E.UNDO_DEADLINE, None),
        *((E.ATTEMPT_DEADLINE, guard) for guard in (G.NO_WRITE, G.READS, G.CANNOT_TELL, G.IN_FLIGHT)),
        *((E.VERDICT, guard) for guard in (G.INCONCLUSIVE_UNDO, G.INCONCLUSIVE_HUMAN, G.UNPROVEN)),
        (E.UNDO_FAILED, G.UNPROVEN),
        *((E.LEASE_END, guard) for guard in (G.UNDO_KNOWN, G.UNDO_NONE, G.FROZEN)),
    }
)


# States in which a target may have been touched.
TOUCHING = {S.EXECUTING, S.VERIFYING, S.LEASED, S.COMMITTED, S.UNDOING, S.NEEDS_HUMAN}


def reachable(starts: set[State | None], without: frozenset[State] = frozenset()) -> set[State | None]:
    found = set(starts)
    new: set[State | None] = set(starts)
    while new:
        nexts: set[State | None] = {row.next for row in ROWS if row.state in new and row.next not in without}
        new = nexts - found
        found |= new
    return found


@pytest.mark.parametrize(("state", "event", "guard", "after"), CONTRACT)
def test_every_row_of_the_contract_is_in_the_table(
    state: State | None, event: Event, guard: Guard | None, after: State
) -> None:
    assert advance(state, event, guard).next is after


# The flows of DESIGN §6, as a set of arrows: the table has these and no other.
ARROWS = {
    S.PROPOSED: {S.DENIED, S.SHADOWED, S.AWAITING_APPROVAL, S.GRANTED, S.EXPIRED},
    S.AWAITING_APPROVAL: {S.GRANTED, S.DENIED, S.REJECTED, S.EXPIRED, S.CANCELLED},
    S.GRANTED: {S.EXECUTING, S.EXPIRED, S.REVOKED, S.REFUSED, S.CANCELLED},
    S.EXECUTING: {S.SUCCEEDED, S.VERIFYING, S.FAILED, S.NOT_APPLIED, S.UNDOING, S.NEEDS_HUMAN},
    S.VERIFYING: {S.COMMITTED, S.LEASED, S.UNDOING, S.NEEDS_HUMAN},
    S.LEASED: {S.UNDOING, S.COMMITTED, S.SUPERSEDED, S.NEEDS_HUMAN},
    S.COMMITTED: {S.UNDOING, S.SUPERSEDED},
    S.UNDOING: {S.UNDONE, S.NEEDS_HUMAN},
    S.NEEDS_HUMAN: {S.RESOLVED, S.UNDOING},
    None: {S.PROPOSED, S.DENIED},
}


@pytest.mark.parametrize("state", [None, *State])
def test_the_table_has_the_arrows_of_the_design_and_no_other(state: State | None) -> None:
    assert {row.next for row in ROWS if row.state is state} - {state} == ARROWS.get(state, set())


def test_no_two_rows_answer_the_same_event() -> None:
    keys = [(row.state, row.event, row.guard) for row in ROWS]
    assert len(keys) == len(set(keys))


def test_an_event_with_a_guard_never_comes_without_one_in_the_same_state() -> None:
    guarded = {(row.state, row.event) for row in ROWS if row.guard is not None}
    assert not guarded & {(row.state, row.event) for row in ROWS if row.guard is None}


def test_every_state_is_open_or_final_and_every_one_can_be_reached() -> None:
    assert set(State) == OPEN | FINAL
    assert not OPEN & FINAL
    assert reachable({None}) == {None, *State}


@pytest.mark.parametrize("state", sorted(OPEN - {S.NEEDS_HUMAN}))
def test_left_alone_every_open_state_comes_to_an_end_or_to_a_human(state: State) -> None:
    found, new = {state}, {state}
    while new:
        new = {r.next for r in ROWS if r.state in new and (r.event, r.guard) in ALONE} - found
        found |= new
    assert found & (FINAL | {S.NEEDS_HUMAN})


def test_a_human_always_brings_it_to_an_end() -> None:
    assert advance(S.NEEDS_HUMAN, E.RESOLVE, G.KEPT).next in FINAL


@pytest.mark.parametrize("state", sorted(OPEN))
def test_a_restart_changes_no_state(state: State) -> None:
    assert advance(state, E.RESTART).next is state


def test_nothing_executes_that_was_not_granted() -> None:
    assert S.EXECUTING not in reachable({None}, without=frozenset({S.GRANTED}))


def test_nothing_is_kept_that_was_not_executed() -> None:
    without = frozenset({S.EXECUTING})
    kept = {S.VERIFYING, S.COMMITTED, S.LEASED, S.UNDOING, S.UNDONE, S.SUCCEEDED, S.SUPERSEDED}
    assert not kept & reachable({None}, without=without)


def test_a_final_state_is_left_only_to_undo_or_supersede_what_was_committed() -> None:
    leaving = {(r.state, r.event) for r in ROWS if r.state in FINAL and r.next != r.state}
    assert leaving == {(S.COMMITTED, E.ROLLBACK), (S.COMMITTED, E.SUPERSEDE)}


def test_inconclusive_never_commits() -> None:
    inconclusive = [r for r in ROWS if r.guard in (G.INCONCLUSIVE_UNDO, G.INCONCLUSIVE_HUMAN)]
    assert inconclusive
    assert {r.next for r in inconclusive} == {S.UNDOING, S.NEEDS_HUMAN}


def test_a_stop_never_ends_an_undo() -> None:
    assert advance(S.UNDOING, E.STOP).next is S.UNDOING


@pytest.mark.parametrize("state", sorted(OPEN - {S.NEEDS_HUMAN}))
def test_every_timer_of_a_state_leads_to_a_row(state: State) -> None:
    assert timers(state)
    for due in timers(state):
        assert any(row.state is state and row.event is FIRES[due] for row in ROWS)


@pytest.mark.parametrize("state", sorted(FINAL | {S.NEEDS_HUMAN}))
def test_what_waits_for_nobody_or_for_a_human_needs_no_timer(state: State) -> None:
    assert timers(state) == frozenset()


def test_every_row_that_moves_a_state_leaves_a_record() -> None:
    assert all(row.records for row in ROWS if row.next != row.state)


@pytest.mark.parametrize("row", [r for r in ROWS if r.state in TOUCHING and r.next in FINAL and r.next != r.state])
def test_whatever_may_have_touched_a_target_ends_with_a_receipt(row: Row) -> None:
    assert K.RECEIPT in row.records


def test_no_record_is_both_demanded_and_optional() -> None:
    assert not [row for row in ROWS if set(row.records) & set(row.optional)]
    assert not [row for row in ROWS if set(row.optional) & ANYTIME]


def test_every_guard_is_used_and_explained() -> None:
    used = {row.guard for row in ROWS if row.guard is not None}
    assert used == set(Guard) == set(GUARDS)


def test_every_event_is_used() -> None:
    assert {row.event for row in ROWS} == set(Event)


def test_every_timer_that_moves_a_state_is_a_kind_of_timer() -> None:
    demanded = {due for state in State for due in timers(state)}
    assert demanded == set(FIRES)
    assert demanded < set(Due)


@given(st.lists(st.tuples(st.sampled_from(Event), st.none() | st.sampled_from(Guard)), max_size=40))
def test_random_events_never_leave_the_table(events: list[tuple[Event, Guard | None]]) -> None:
    state: State | None = None
    was: set[State | None] = set()
    for event, guard in events:
        try:
            row = advance(state, event, guard)
        except LifecycleError:
            continue
        assert row in ROWS
        was.add(state)
        state = row.next
        if state is S.EXECUTING:
            assert S.GRANTED in was


@given(st.data())
def test_random_walks_along_rows_pass_granted_before_executing(data: st.DataObject) -> None:
    state: State | None = None
    was: set[State | None] = set()
    for _ in range(30):
        rows = [row for row in ROWS if row.state is state and row.event is not E.RESUBMIT]
        if not rows:
            assert state in FINAL
            return
        state = data.draw(st.sampled_from(rows)).next
        was.add(state)
        assert S.EXECUTING not in was or S.GRANTED in was


def test_an_event_that_no_row_takes_is_a_fault_with_a_code() -> None:
    with pytest.raises(LifecycleError, match=r"a new action does not take begin_attempt\[holds\]") as caught:
        advance(None, E.BEGIN_ATTEMPT, G.HOLDS)
    assert caught.value.code == "LIFECYCLE_NO_ROW"
    with pytest.raises(LifecycleError, match="DENIED does not take sample"):
        advance(S.DENIED, E.SAMPLE)


def test_a_line_of_the_table_cannot_keep_the_state_of_what_does_not_exist() -> None:
    with pytest.raises(ValueError, match="no state to keep"):
        _rows(None, E.RESTART, None, None)


def test_the_documented_table_is_up_to_date() -> None:
    tool = ROOT / "tools" / "gen_lifecycle.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
