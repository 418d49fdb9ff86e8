"""Offer work to executors: apply, probe; each under the next fence, each offered again by a timer until it is taken."""

from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.crash import point
from gateway.ports import ActionRow, DueRow, Tx
from gateway.service.common import in_flight, next_step, page, probe_soon, reads_only
from gateway.service.grants import policy_ref, sign_observe
from gateway.service.halt import ended, halted
from gateway.service.incidents import note_read
from gateway.service.proposal import Proposal
from gateway.service.query import read_journal, read_proposal
from gateway.service.record import LeafBody
from gateway.service.recorded import tell_edited, unrecorded_since
from gateway.service.sealed import open_sealed
from gateway.service.settle import Case, Choice, settle
from gateway.service.work import make_work, offer
from gateway.service.world import World

_PROBES = 5
"""How often a lost attempt is probed before people are asked."""


async def ask_to_apply(world: World, action: str) -> None:
    """Offer a granted action, or the rest of one of which no step is in flight, to an executor.

    A grant is not sent for a row that is not the one that the log tells.
    """
    edited = ""

    def load(tx: Tx) -> tuple[ActionRow, bytes, bytes, bytes, int] | None:
        nonlocal edited
        row = tx.action(action)
        if row is None or row.state not in {State.GRANTED, State.EXECUTING}:
            return None
        journal = read_journal(tx, action)
        if "intended" in journal.values():
            return None
        edited = unrecorded_since(world, tx, row)
        if edited:
            return row, b"", b"", b"", 0
        grant = tx.document(action, "grant_action") or b""
        plan = open_sealed(world, tx, action, "plan") or b""
        return row, grant, plan, open_sealed(world, tx, action, "snapshot") or b"", next_step(journal)

    loaded = await world.store.scan(load)
    if edited:  # the snapshot may be older than the newest checkpoint
        loaded = await world.store.scan(load)
    if loaded is None:
        return
    row, grant, plan, snapshot, step = loaded
    if edited:
        await tell_edited(world, row, edited, "apply")
        return
    work = make_work(
        world, row, "apply", grant=grant, plan=plan, fence=row.fence + 1, snapshot=snapshot, first_step=step
    )
    if offer(world, row, work):
        point("intent_sent", "gateway")


async def resume(world: World, action: str) -> None:
    """Go on with a plan whose last probe found its step applied; what halts an attempt ends it here."""
    if await settle(world, action, lambda tx, case: ended(world, tx, case)) is None:
        await ask_to_apply(world, action)


async def attempt_lost(world: World, action: str) -> None:
    """An attempt did not report in time: its fence is given up, and a probe will tell what it did.

    Reads have nothing to probe; they failed. A plan that nobody took up again ends here.
    """

    def choose(tx: Tx, case: Case) -> Choice | None:
        if case.state is not State.EXECUTING:
            return None
        if not in_flight(case):
            return halted(world, tx, case, "ATTEMPT_DEADLINE")
        if case.proposal.reads:
            return _read_lost(world, case)
        if reads_only(case.proposal.steps[next_step(case.statuses)]):
            return halted(world, tx, case, "EXECUTOR_LOST", status="unknown")
        fence = case.row.fence + 1
        attempt = (K.ATTEMPT, {"purpose": "probe", "fence": fence, "code": "ATTEMPT_LOST"})
        return Choice(Event.ATTEMPT_DEADLINE, Guard.IN_FLIGHT, (attempt,), reason=case.row.reason,
                      changes={"fence": fence}, also=probe_soon(world))  # fmt: skip

    await settle(world, action, choose)


def _read_lost(world: World, case: Case) -> Choice:
    step, code = next_step(case.statuses), "EXECUTOR_LOST"
    outcome = (K.OUTCOME, {"step": step, "status": "unknown", "fence": case.row.fence, "code": code})
    return Choice(
        Event.ATTEMPT_DEADLINE, Guard.READS, (outcome,), reason=code, statuses={step: "unknown"}, code=code,
        also=lambda tx, _: note_read(tx, case, "failed", world.clock.now_ms()),
    )  # fmt: skip


async def ask_to_probe(world: World, due: DueRow) -> None:
    """Offer a probe of the step whose outcome was lost; after some tries that nobody answered, ask people."""
    tries = int(due.payload or "0")
    action = due.action

    def load(tx: Tx) -> tuple[ActionRow, Proposal, bytes, bytes, int] | None:
        row = tx.action(action)
        if row is None or row.state != State.EXECUTING:
            return None
        journal = read_journal(tx, action)
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
    if tries and not await _next_fence(world, row):
        return
    fence = row.fence + 1 if tries else row.fence
    limit = world.settings.timing.attempt_ms
    policy = policy_ref(action, row.revision, row.decision_digest)
    grant = await sign_observe(world, action, proposal, policy, world.clock.now_ms() + limit)
    served = world.hub.serves(row.audience)
    # Without an executor no try is counted: the answer is there, only nobody can read it yet.
    counted = str(tries + 1 if served else tries)
    again = world.clock.now_ms() + (limit if served else 0) + world.settings.timing.attempt_margin_ms

    def rearm(tx: Tx) -> bool:
        now = tx.action(action)
        waits = now is not None and now.state == State.EXECUTING and now.fence == fence
        if waits:
            tx.put_due(DueRow(action, Due.PROBE, again, counted))
        return waits

    if await world.store.write(rearm):
        work = make_work(world, row, "probe", grant=grant, plan=plan, fence=fence, snapshot=snapshot, first_step=step)
        offer(world, row, work)


async def _next_fence(world: World, row: ActionRow) -> bool:
    """Give up a probe that nobody answered: the next one has a fence of its own; false when it was answered."""
    fence = row.fence + 1
    attempt = (K.ATTEMPT, {"purpose": "probe", "fence": fence, "code": "PROBE_UNANSWERED"})

    def choose(_: Tx, case: Case) -> Choice | None:
        if case.state is not State.EXECUTING or case.row.fence != row.fence:
            return None
        return Choice(Event.EXECUTOR_LOST, None, (attempt,), reason=case.row.reason, changes={"fence": fence})

    return await settle(world, row.id, choose) is not None


async def _cannot_tell(world: World, action: str) -> None:
    def choose(_: Tx, case: Case) -> Choice | None:
        if case.state is not State.EXECUTING:
            return None
        step = next_step(case.statuses)
        attempt: LeafBody = (K.ATTEMPT, {"purpose": "probe", "fence": case.row.fence, "code": "PROBE_UNANSWERED"})
        return Choice(
            Event.ATTEMPT_DEADLINE, Guard.CANNOT_TELL, (attempt, page(case, "PROBE_UNANSWERED")),
            reason="PROBE_UNANSWERED", statuses={step: "unknown"}, code="PROBE_UNANSWERED",
        )  # fmt: skip

    await settle(world, action, choose)
