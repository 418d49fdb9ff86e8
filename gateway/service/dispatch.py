"""Offer work to executors: apply, probe; each under the next fence, each offered again by a timer until it is taken."""

from dataclasses import replace

from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.core.receipt import StepStatus
from gateway.crash import point
from gateway.ports import ActionRow, DueRow, Tx
from gateway.service.common import page
from gateway.service.grants import policy_ref, sign_observe
from gateway.service.proposal import Proposal
from gateway.service.query import read_proposal
from gateway.service.record import LeafBody, Recorder
from gateway.service.sealed import open_sealed
from gateway.service.settle import Case, Choice, settle
from gateway.service.work import make_work, offer
from gateway.service.world import World

_PROBES = 5
"""How often a lost attempt is probed before people are asked."""


async def ask_to_apply(world: World, action: str) -> None:
    """Offer a granted action (or the rest of one that runs) to an executor."""

    def load(tx: Tx) -> tuple[ActionRow, bytes, bytes, bytes, int] | None:
        row = tx.action(action)
        if row is None or row.state not in {State.GRANTED, State.EXECUTING}:
            return None
        journal = {s.step: s.status for s in tx.steps(action)}
        grant = tx.document(action, "grant_action") or b""
        plan = open_sealed(world, tx, action, "plan") or b""
        return row, grant, plan, open_sealed(world, tx, action, "snapshot") or b"", next_step(journal)

    loaded = await world.store.read(load)
    if loaded is None:
        return
    row, grant, plan, snapshot, step = loaded
    work = make_work(
        world, row, "apply", grant=grant, plan=plan, fence=row.fence + 1, snapshot=snapshot, first_step=step
    )
    if offer(world, row, work):
        point("intent_sent", "gateway")


def next_step(journal: dict[int, StepStatus]) -> int:
    """Return the first step that was not applied."""
    step = 0
    while journal.get(step) == "applied":
        step += 1
    return step


async def attempt_lost(world: World, action: str) -> None:
    """An attempt did not report in time: its fence is given up, and a probe will tell what it did.

    Reads have nothing to probe; they failed.
    """

    def choose(_: Tx, case: Case) -> Choice | None:
        if case.state is not State.EXECUTING:
            return None
        if case.proposal.reads:
            return _read_lost(case)
        fence = case.row.fence + 1
        attempt = (K.ATTEMPT, {"purpose": "probe", "fence": fence, "code": "ATTEMPT_LOST"})

        def also(_: Tx, recorder: Recorder) -> None:
            recorder.due(Due.PROBE, world.clock.now_ms())

        return Choice(Event.ATTEMPT_DEADLINE, Guard.IN_FLIGHT, (attempt,), reason=case.row.reason,
                      changes={"fence": fence}, also=also)  # fmt: skip

    await settle(world, action, choose)


def _read_lost(case: Case) -> Choice:
    step = next_step(dict(case.statuses))
    outcome = (K.OUTCOME, {"step": step, "status": "unknown", "fence": case.row.fence, "code": "EXECUTOR_LOST"})
    statuses: dict[int, StepStatus] = {step: "unknown"}
    return Choice(Event.ATTEMPT_DEADLINE, Guard.READS, (outcome,), reason="EXECUTOR_LOST", statuses=statuses)


async def ask_to_probe(world: World, due: DueRow) -> None:
    """Offer a probe of the step whose outcome was lost; after some tries that nobody answered, ask people."""
    tries = int(due.payload or "0")
    action = due.action

    def load(tx: Tx) -> tuple[ActionRow, Proposal, bytes, bytes, int] | None:
        row = tx.action(action)
        if row is None or row.state != State.EXECUTING:
            return None
        journal = {s.step: s.status for s in tx.steps(action)}
        plan = open_sealed(world, tx, action, "plan") or b""
        snapshot = open_sealed(world, tx, action, "snapshot") or b""
        return row, read_proposal(tx, row), plan, snapshot, next_step(journal)

    loaded = await world.store.read(load)
    if loaded is None:
        return
    if tries >= _PROBES:
        await _cannot_tell(world, action)
        return
    row, proposal, plan, snapshot, step = loaded
    if tries:
        row = await _next_fence(world, row)
    limit = world.settings.timing.attempt_ms
    policy = policy_ref(action, row.revision, row.decision_digest)
    grant = await sign_observe(world, action, proposal, policy, world.clock.now_ms() + limit)
    again = world.clock.now_ms() + (limit if row.audience in world.hub.audiences else 0)
    again += world.settings.timing.attempt_margin_ms
    # Without an executor no try is counted: the answer is there, only nobody can read it yet.
    counted = tries + 1 if row.audience in world.hub.audiences else tries
    await world.store.write(lambda tx: tx.put_due(DueRow(action, Due.PROBE, again, str(counted))))
    work = make_work(world, row, "probe", grant=grant, plan=plan, fence=row.fence, snapshot=snapshot, first_step=step)
    offer(world, row, work)


async def _next_fence(world: World, row: ActionRow) -> ActionRow:
    """Give up a probe that nobody answered: the next one has a fence of its own."""
    fence = row.fence + 1
    attempt = (K.ATTEMPT, {"purpose": "probe", "fence": fence, "code": "PROBE_UNANSWERED"})

    def choose(_: Tx, case: Case) -> Choice | None:
        if case.state is not State.EXECUTING or case.row.fence != row.fence:
            return None
        return Choice(Event.EXECUTOR_LOST, None, (attempt,), reason=case.row.reason, changes={"fence": fence})

    await settle(world, row.id, choose)
    return replace(row, fence=fence)


async def _cannot_tell(world: World, action: str) -> None:
    def choose(_: Tx, case: Case) -> Choice | None:
        if case.state is not State.EXECUTING:
            return None
        step = next_step(dict(case.statuses))
        attempt: LeafBody = (K.ATTEMPT, {"purpose": "probe", "fence": case.row.fence, "code": "PROBE_UNANSWERED"})
        return Choice(
            Event.ATTEMPT_DEADLINE, Guard.CANNOT_TELL, (attempt, page(case, "PROBE_UNANSWERED")),
            reason="PROBE_UNANSWERED", statuses={step: "unknown"},
            also=lambda tx, recorder: tx.delete_due(recorder.row.id),
        )  # fmt: skip

    await settle(world, action, choose)
