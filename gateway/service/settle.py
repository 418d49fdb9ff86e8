"""Take one transition in three moves: choose on a snapshot, sign what it needs, write it if nothing changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Event, Guard, State, advance
from gateway.core.receipt import LogRef, StepStatus
from gateway.errors import Edited
from gateway.ports import ActionRow, StepRow, Tx
from gateway.service.drift import close_superseded, follow_drift
from gateway.service.mishaps import note_mishap
from gateway.service.proposal import Proposal
from gateway.service.query import read_journal, read_proposal
from gateway.service.receipts import issue_receipt, log_ref
from gateway.service.record import LeafBody, Recorder, document
from gateway.service.retry import until_settled
from gateway.service.world import World

RELEASES = frozenset(
    {
        State.SUCCEEDED, State.FAILED, State.NOT_APPLIED, State.COMMITTED, State.LEASED, State.UNDONE, State.RESOLVED,
        State.SUPERSEDED,
    }
)  # fmt: skip
"""States in which an action no longer holds its targets."""
_STATES = frozenset(State)


def _nothing(_tx: Tx, _recorder: Recorder) -> None:
    """Write nothing besides the transition."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which row of the table to take, and everything that is written with it; receipts are added where demanded."""

    event: Event
    guard: Guard | None
    leaves: tuple[LeafBody, ...]
    reason: str = ""
    verdict: str | None = None
    cause: str | None = None
    statuses: Mapping[int, StepStatus] = field(default_factory=dict)
    """Journal statuses that this transition sets."""
    code: str = ""
    """Why those steps ended as they did, for the journal."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    also: Callable[[Tx, Recorder], None] = _nothing
    """What else is written in the same unit of work: journal, timers, evidence."""
    supersedes: tuple["Case", ...] = ()
    """Actions that end in the same unit of work, because all that they changed was overwritten."""


@dataclass(frozen=True, slots=True)
class Case:
    """An action as it was read."""

    row: ActionRow
    proposal: Proposal
    statuses: Mapping[int, StepStatus]

    @property
    def state(self) -> State:
        """Return the state it was in."""
        return State(self.row.state)


def read_case(tx: Tx, row: ActionRow) -> Case:
    """Read what a transition of this action is chosen by; raises Edited for what cannot be read."""
    if row.state not in _STATES:
        raise Edited("ROW_EDITED", "the state row of the action is not the one that the log tells", subject=row.id)
    return Case(row, read_proposal(tx, row), read_journal(tx, row.id))


async def settle(world: World, action: str, choose: Callable[[Tx, Case], Choice | None]) -> State | None:
    """Take the transition that `choose` picks; None when it picks none or there is no such action."""
    state = await until_settled(lambda: _settle(world, action, choose))
    if state is not None:
        world.counts.entered(state)
        world.bus.changed(action)
        world.bus.armed(world.clock.now_ms())
    return state


async def _receipts_of_superseded(world: World, by: str, cases: tuple[Case, ...], log: LogRef) -> list[bytes]:
    return [
        await issue_receipt(world, case.row, case.proposal, State.SUPERSEDED, dict(case.statuses), log, cause=by)
        for case in cases
    ]


def _end_superseded(world: World, tx: Tx, by: str, case: Case, receipt: bytes) -> None:
    """End an action that another one has overwritten; raises Precondition when it moved since it was read."""
    recorder = Recorder.load(world, tx, case.row.id)
    recorder.expect(case.row.version)
    supersession = (K.SUPERSESSION, {"by": by, "targets": list(case.proposal.targets)})
    recorder.advance(
        Event.SUPERSEDE, None, supersession, _receipt_leaf(tx, case.row, receipt), reason="SUPERSEDED", lease_end_ms=0
    )
    close_superseded(world, tx, recorder)
    recorder.save()


def _receipt_leaf(tx: Tx, row: ActionRow, receipt: bytes) -> LeafBody:
    return K.RECEIPT, {"envelope": document(tx, row.id, f"receipt/{row.version + 1}", receipt)}


async def _settle(world: World, action: str, choose: Callable[[Tx, Case], Choice | None]) -> State | None:
    def load(tx: Tx) -> tuple[Case, Choice, LogRef] | None:
        row = tx.action(action)
        if row is None:
            return None
        case = read_case(tx, row)
        choice = choose(tx, case)
        return None if choice is None else (case, choice, log_ref(world, tx))

    loaded = await world.store.read(load)
    if loaded is None:
        return None
    case, choice, log = loaded
    taken = advance(case.state, choice.event, choice.guard)
    receipt = b""
    if K.RECEIPT in taken.records:
        statuses = {**case.statuses, **choice.statuses}
        receipt = await issue_receipt(
            world, case.row, case.proposal, taken.next, statuses, log, verdict=choice.verdict, cause=choice.cause
        )
    ended = await _receipts_of_superseded(world, action, choice.supersedes, log)

    def unit(tx: Tx) -> State:
        state = _write(world, tx, case, choice, receipt)
        for other, proof in zip(choice.supersedes, ended, strict=True):
            _end_superseded(world, tx, action, other, proof)
        return state

    state = await world.store.write(unit)
    for other in choice.supersedes:
        world.counts.entered(State.SUPERSEDED)
        world.bus.changed(other.row.id)
    return state


def _write(world: World, tx: Tx, case: Case, choice: Choice, receipt: bytes) -> State:
    recorder = Recorder.load(world, tx, case.row.id)
    recorder.expect(case.row.version)
    leaves = list(choice.leaves)
    if receipt:
        leaves.append(_receipt_leaf(tx, case.row, receipt))
    fence = choice.changes.get("fence", case.row.fence)
    steps = [StepRow(case.row.id, step, status, fence, choice.code) for step, status in choice.statuses.items()]
    recorder.advance(choice.event, choice.guard, *leaves, reason=choice.reason, journal=steps, **choice.changes)
    if recorder.state in RELEASES:
        tx.unlock(case.row.id)
    choice.also(tx, recorder)
    follow_drift(world, tx, recorder, case.row, case.proposal, choice.statuses)
    note_mishap(world, tx, recorder, case.proposal, choice.event)
    recorder.save()
    return recorder.state
