"""Observe: ask an executor what is there, decide on it, and leave PROPOSED or AWAITING_APPROVAL."""

from dataclasses import dataclass, replace

from gateway.core.approval import Tally
from gateway.core.canonical import Json, digest_bytes
from gateway.core.finding import Verdict
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.crash import point
from gateway.ports import ActionRow, Tx, VoteRow
from gateway.service.approval_request import MAX_VOIDS, Request, current_request, open_request
from gateway.service.context import read_context
from gateway.service.decide import Decision, decide
from gateway.service.dispatch import ask_to_apply
from gateway.service.grants import Granted, policy_ref, sign_action, sign_observe
from gateway.service.observation import Seen, read_observation
from gateway.service.policy_input import Context
from gateway.service.proposal import Proposal
from gateway.service.query import decision_record, read_proposal
from gateway.service.quorum import count, quorum_stands
from gateway.service.record import LeafBody, Recorder, document
from gateway.service.retry import until_settled
from gateway.service.sealed import open_sealed, put_sealed
from gateway.service.settle import Case, Choice, settle
from gateway.service.submit import arm_grant, conclude, decision_body, record_grants
from gateway.service.work import checks_of, make_work, offer
from gateway.service.world import World


@dataclass(frozen=True, slots=True)
class _Case:
    """What is read before a decision."""

    row: ActionRow
    proposal: Proposal
    context: Context
    asked: Request | None
    """What people were asked, when this is about their quorum."""


async def ask_to_observe(world: World, action: str) -> None:
    """Send an observation to an executor, under a fresh grant; the observation deadline bounds it all."""

    def load(tx: Tx) -> tuple[ActionRow, Proposal, bytes, Json] | None:
        row = tx.action(action)
        if row is None or row.state not in {State.PROPOSED, State.AWAITING_APPROVAL}:
            return None
        asked = current_request(tx, action)
        if row.state == State.AWAITING_APPROVAL and (asked is None or not quorum_stands(world, tx, row, asked)):
            tx.delete_due(action, Due.DISPATCH)
            return None
        return row, read_proposal(tx, row), open_sealed(world, tx, action, "plan") or b"", decision_record(tx, row)

    loaded = await world.store.write(load)
    if loaded is None or world.hub.busy(action, "observe"):
        return
    row, proposal, plan, record = loaded
    limit = world.settings.timing.observe_ms
    policy = policy_ref(action, row.revision, row.decision_digest)
    grant = await sign_observe(world, action, proposal, policy, world.clock.now_ms() + limit)
    checks = checks_of(world.settings, record["requirements"], proposal.steps)
    offer(world, row, make_work(world, row, "observe", grant=grant, plan=plan, fence=0, checks=checks, limit_ms=limit))


async def observation_late(world: World, action: str) -> None:
    """An observation did not come in time: a proposal expires; a quorum is observed once more under a new grant."""

    def choose(tx: Tx, case: Case) -> Choice | None:
        if case.state is State.PROPOSED:
            expiry = (K.EXPIRY, {"timer": Due.OBSERVE_DEADLINE, "reason": "OBSERVE_DEADLINE"})
            return Choice(Event.OBSERVE_DEADLINE, None, (expiry,), reason="OBSERVE_DEADLINE")
        asked = current_request(tx, action)
        if case.state is not State.AWAITING_APPROVAL or asked is None or not quorum_stands(world, tx, case.row, asked):
            return None

        def also(_: Tx, recorder: Recorder) -> None:
            recorder.due(Due.OBSERVE_DEADLINE, recorder.row.updated_ms + world.settings.timing.observe_ms)
            recorder.due(Due.DISPATCH, recorder.row.updated_ms)

        grant = (K.GRANT, {"purpose": "observe"})
        return Choice(Event.OBSERVE_DEADLINE, None, (grant,), also=also)

    await settle(world, action, choose)


async def observed(world: World, action: str, data: bytes) -> None:
    """Decide on what an executor saw."""
    await until_settled(lambda: _observed(world, action, data))


async def _observed(world: World, action: str, data: bytes) -> None:
    now = world.clock.now_ms()

    def load(tx: Tx) -> _Case | None:
        row = tx.action(action)
        if row is None or row.state not in {State.PROPOSED, State.AWAITING_APPROVAL}:
            return None
        proposal = read_proposal(tx, row)
        asked = current_request(tx, action) if row.state == State.AWAITING_APPROVAL else None
        if row.state == State.AWAITING_APPROVAL and (asked is None or not quorum_stands(world, tx, row, asked)):
            return None  # observed too late for the request that it was made for
        nonce = asked.nonce if asked is not None else ""
        context = read_context(world, tx, proposal, nonce=nonce, action=action)
        return _Case(row, proposal, context, asked)

    case = await world.store.scan(load)
    if case is None:
        return
    seen = read_observation(data, len(case.proposal.steps), world.redactor)
    decision = await decide(
        world.policy, world.settings, stage="decide", now_ms=now, action=action, proposal=case.proposal,
        context=case.context, observation=seen.document,
    )  # fmt: skip
    point("decided_unrecorded", "gateway")
    if case.row.state == State.PROPOSED:
        await _leave_proposed(world, case, seen, decision)
    else:
        await _leave_awaiting(world, case, seen, decision)
    world.bus.changed(action)
    world.bus.armed(world.clock.now_ms() + world.settings.timing.redispatch_ms)
    await ask_to_apply(world, action)


async def _leave_proposed(world: World, case: _Case, seen: Seen, decision: Decision) -> None:
    granted = None
    if decision.verdict is Verdict.ALLOW:
        granted = await _sign(world, case, decision, (), seen)

    def unit(tx: Tx) -> None:
        recorder = _reload(world, tx, case)
        _set_decided(recorder, decision, seen)
        leaves = (_observation(world, tx, recorder, seen), _decision(tx, recorder, decision))
        tx.delete_due(case.row.id)
        conclude(world, tx, recorder, decision, leaves, granted)
        recorder.save()

    await world.store.write(unit)


async def _leave_awaiting(world: World, case: _Case, seen: Seen, decision: Decision) -> None:
    """After a quorum: grant it, void it, or deny it."""
    votes = () if case.asked is None else _met(world, case, case.asked, decision)
    guard = _after_quorum(case, seen, decision, met=bool(votes))
    granted = None
    if guard is Guard.SAME_STATE:
        granted = await _sign(world, case, decision, votes, seen)

    def unit(tx: Tx) -> None:
        recorder = _reload(world, tx, case)
        voids = 0 if case.asked is None else case.asked.voids
        taken = Guard.CHANGED_TOO_OFTEN if guard is Guard.CHANGED and voids >= MAX_VOIDS else guard
        _set_decided(recorder, decision, seen)
        leaves = [_observation(world, tx, recorder, seen), _decision(tx, recorder, decision)]
        tx.delete_due(case.row.id)
        _take_quorum(world, tx, recorder, decision, taken, leaves, granted, voids)
        recorder.save()

    await world.store.write(unit)


def _take_quorum(
    world: World,
    tx: Tx,
    recorder: Recorder,
    decision: Decision,
    guard: Guard,
    leaves: list[LeafBody],
    granted: Granted | None,
    voids: int,
) -> None:
    now = world.clock.now_ms()
    match guard:
        case Guard.SAME_STATE if granted is not None:
            recorder.advance(Event.QUORUM, guard, *leaves, record_grants(tx, recorder, granted))
            arm_grant(world, tx, recorder, granted)
        case Guard.CHANGED:
            void = (K.VOID, {"at_ms": now, "voids": voids + 1})
            request = open_request(world, tx, recorder, decision, voids=voids + 1)
            recorder.advance(Event.QUORUM, guard, void, *leaves, request, reason="STATE_CHANGED")
        case Guard.CHANGED_TOO_OFTEN:
            expiry = (K.EXPIRY, {"timer": "observe_deadline", "reason": "STATE_CHANGED_TOO_OFTEN"})
            recorder.advance(Event.QUORUM, guard, expiry, *leaves, reason="STATE_CHANGED_TOO_OFTEN")
        case _:
            recorder.advance(Event.QUORUM, Guard.BELOW_APPROVE, *leaves, reason=decision.reason)


def _after_quorum(case: _Case, seen: Seen, decision: Decision, *, met: bool) -> Guard:
    if decision.verdict < Verdict.APPROVE:
        return Guard.BELOW_APPROVE
    same = case.proposal.reads or seen.state_digest == case.row.state_digest
    return Guard.SAME_STATE if same and met else Guard.CHANGED


def _met(world: World, case: _Case, asked: Request, decision: Decision) -> tuple[VoteRow, ...]:
    """Return the votes that meet what the new decision requires; they stay bound to what was shown.

    Where it requires nobody any more, what was asked first still has to be met.
    """
    approvals = decision.requirements.approvals or asked.requirements
    tallied = count(case.row, asked, approvals, case.context.votes, world.settings)
    chosen = {vote.subject for vote in tallied.counted} if tallied.tally is Tally.QUORUM else set()
    return tuple(vote for vote in case.context.votes if vote.subject in chosen)


async def _sign(world: World, case: _Case, decision: Decision, votes: tuple[VoteRow, ...], seen: Seen) -> Granted:
    return await sign_action(world, case.row.id, case.proposal, decision, votes, seen.state_digest, seen.snapshot)


def _reload(world: World, tx: Tx, case: _Case) -> Recorder:
    recorder = Recorder.load(world, tx, case.row.id)
    recorder.expect(case.row.version)
    return recorder


def _set_decided(recorder: Recorder, decision: Decision, seen: Seen) -> None:
    recorder.row = replace(
        recorder.row,
        decision_digest=decision.digest,
        revision=decision.revision,
        state_digest=seen.state_digest,
    )


def _decision(tx: Tx, recorder: Recorder, decision: Decision) -> LeafBody:
    document(tx, recorder.row.id, f"decision/{decision.digest}", decision.data)
    return K.DECISION, decision_body(decision, "decide")


def _observation(world: World, tx: Tx, recorder: Recorder, seen: Seen) -> LeafBody:
    found = document(tx, recorder.row.id, f"observation/{digest_bytes(seen.data)}", seen.data)
    put_sealed(world, tx, recorder.row.id, "observation", seen.data)
    put_sealed(world, tx, recorder.row.id, "snapshot", seen.snapshot)
    return K.OBSERVATION, {"observation": found, "state_digest": seen.state_digest}
