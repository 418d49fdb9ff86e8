"""Observe: ask an executor what is there, decide on it, and leave PROPOSED or AWAITING_APPROVAL."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.core.approval import Tally
from gateway.core.canonical import Json, canonical, digest, digest_bytes, loads_strict
from gateway.core.effect import Undo
from gateway.core.finding import Verdict
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.crash import point
from gateway.errors import InvalidRequest
from gateway.ports import ActionRow, Tx, VoteRow
from gateway.service.approval_request import MAX_VOIDS, current_request, open_request
from gateway.service.context import read_context
from gateway.service.decide import Decision, decide, decision_summary
from gateway.service.dispatch import ask_to_apply
from gateway.service.grants import Granted, policy_ref, sign_action, sign_observe, snapshot_bytes
from gateway.service.policy_input import Context
from gateway.service.proposal import Proposal
from gateway.service.query import read_proposal
from gateway.service.quorum import count
from gateway.service.record import LeafBody, Recorder, document
from gateway.service.retry import until_settled
from gateway.service.sealed import open_sealed, put_sealed
from gateway.service.settle import Case, Choice, settle
from gateway.service.submit import arm_grant, conclude, decision_body, record_grants
from gateway.service.work import checks_of, make_work, offer
from gateway.service.world import World


@dataclass(frozen=True, slots=True)
class _Seen:
    """An observation, split into what is recorded and what is sealed."""

    document: Mapping[str, Json]
    data: bytes
    snapshot: bytes

    @property
    def state_digest(self) -> str:
        return digest_bytes(self.snapshot)


@dataclass(frozen=True, slots=True)
class _Case:
    """What is read before a decision."""

    row: ActionRow
    proposal: Proposal
    context: Context

    @property
    def votes(self) -> tuple[VoteRow, ...]:
        return self.context.votes


async def ask_to_observe(world: World, action: str) -> None:
    """Send an observation to an executor, under a fresh grant; the observation deadline bounds it all."""

    def load(tx: Tx) -> tuple[ActionRow, Proposal, bytes, Json] | None:
        row = tx.action(action)
        if row is None or row.state not in {State.PROPOSED, State.AWAITING_APPROVAL}:
            return None
        record = tx.document(action, f"decision/{row.decision_digest}") or b"{}"
        return row, read_proposal(tx, row), open_sealed(world, tx, action, "plan") or b"", decision_summary(record)

    loaded = await world.store.read(load)
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

    def choose(_: Tx, case: Case) -> Choice | None:
        now = world.clock.now_ms()
        if case.state is State.PROPOSED:
            expiry = (K.EXPIRY, {"timer": Due.OBSERVE_DEADLINE, "reason": "OBSERVE_DEADLINE"})
            return Choice(Event.OBSERVE_DEADLINE, None, (expiry,), reason="OBSERVE_DEADLINE")
        if case.state is not State.AWAITING_APPROVAL:
            return None

        def also(_: Tx, recorder: Recorder) -> None:
            recorder.due(Due.OBSERVE_DEADLINE, now + world.settings.timing.observe_ms)
            recorder.due(Due.DISPATCH, now)

        grant = (K.GRANT, {"purpose": "observe"})
        return Choice(Event.OBSERVE_DEADLINE, None, (grant,), also=also)

    await settle(world, action, choose)


async def observed(world: World, action: str, data: bytes) -> None:
    """Decide on what an executor saw."""
    await until_settled(lambda: _observed(world, action, data))


async def _observed(world: World, action: str, data: bytes) -> None:
    now, window = world.clock.now_ms(), world.settings.timing.evidence_window_ms

    def load(tx: Tx) -> _Case | None:
        row = tx.action(action)
        if row is None or row.state not in {State.PROPOSED, State.AWAITING_APPROVAL}:
            return None
        proposal = read_proposal(tx, row)
        request = current_request(tx, action)
        nonce = request.nonce if request is not None and row.state == State.AWAITING_APPROVAL else ""
        context = read_context(tx, proposal, now_ms=now, window_ms=window, nonce=nonce, action=action)
        return _Case(row, proposal, context)

    case = await world.store.read(load)
    if case is None:
        return
    seen = _read(world, case.proposal, data)
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


async def _leave_proposed(world: World, case: _Case, seen: _Seen, decision: Decision) -> None:
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


async def _leave_awaiting(world: World, case: _Case, seen: _Seen, decision: Decision) -> None:
    """After a quorum: grant it, void it, or deny it."""
    guard = _after_quorum(world, case, seen, decision)
    granted = None
    if guard is Guard.SAME_STATE:
        granted = await _sign(world, case, decision, case.votes, seen)

    def unit(tx: Tx) -> None:
        recorder = _reload(world, tx, case)
        request = current_request(tx, case.row.id)
        voids = 0 if request is None else request.voids
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
            arm_grant(world, recorder, granted)
        case Guard.CHANGED:
            void = (K.VOID, {"at_ms": now, "voids": voids + 1})
            request = open_request(world, tx, recorder, decision, voids=voids + 1)
            recorder.advance(Event.QUORUM, guard, void, *leaves, request, reason="STATE_CHANGED")
        case Guard.CHANGED_TOO_OFTEN:
            expiry = (K.EXPIRY, {"timer": "observe_deadline", "reason": "STATE_CHANGED_TOO_OFTEN"})
            recorder.advance(Event.QUORUM, guard, expiry, *leaves, reason="STATE_CHANGED_TOO_OFTEN")
        case _:
            recorder.advance(Event.QUORUM, Guard.BELOW_APPROVE, *leaves, reason=decision.reason)


def _after_quorum(world: World, case: _Case, seen: _Seen, decision: Decision) -> Guard:
    if decision.verdict < Verdict.APPROVE:
        return Guard.BELOW_APPROVE
    same = case.proposal.reads or seen.state_digest == case.row.state_digest
    return Guard.SAME_STATE if same and _met(world, case, decision) else Guard.CHANGED


def _met(world: World, case: _Case, decision: Decision) -> bool:
    """Tell whether the votes meet what the new decision requires; they stay bound to what was shown."""
    if not case.votes:
        return False
    approvals, nonce = decision.requirements.approvals, case.votes[0].nonce
    latest = max(v.at_ms for v in case.votes) + 1
    return count(case.row, nonce, latest, approvals, case.votes, world.settings).tally is Tally.QUORUM


async def _sign(world: World, case: _Case, decision: Decision, votes: tuple[VoteRow, ...], seen: _Seen) -> Granted:
    return await sign_action(world, case.row.id, case.proposal, decision, votes, seen.state_digest, seen.snapshot)


def _reload(world: World, tx: Tx, case: _Case) -> Recorder:
    recorder = Recorder.load(world, tx, case.row.id)
    recorder.expect(case.row.version)
    return recorder


def _set_decided(recorder: Recorder, decision: Decision, seen: _Seen) -> None:
    recorder.row = replace(
        recorder.row,
        decision_digest=decision.digest,
        revision=decision.revision,
        state_digest=seen.state_digest,
    )


def _decision(tx: Tx, recorder: Recorder, decision: Decision) -> LeafBody:
    document(tx, recorder.row.id, f"decision/{decision.digest}", decision.data)
    return K.DECISION, decision_body(decision, "decide")


def _observation(world: World, tx: Tx, recorder: Recorder, seen: _Seen) -> LeafBody:
    found = document(tx, recorder.row.id, f"observation/{digest_bytes(seen.data)}", seen.data)
    put_sealed(world, tx, recorder.row.id, "observation", seen.data)
    put_sealed(world, tx, recorder.row.id, "snapshot", seen.snapshot)
    return K.OBSERVATION, {"observation": found, "state_digest": seen.state_digest}


def _read(world: World, proposal: Proposal, data: bytes) -> _Seen:
    try:
        raw = loads_strict(data)
        steps = raw["steps"]
        snapshots = [s["snapshot"] for s in steps]
        public = [
            {
                "facts": world.redactor.json(s["facts"]),
                "preflight": world.redactor.json(s["preflight"]),
                "undo_class": Undo(s["undo_class"]).value,
                "state_digest": digest(s["snapshot"]),
            }
            for s in steps
        ]
        if len(public) != len(proposal.steps):
            raise InvalidRequest("OBSERVATION_MALFORMED", "an observation has one entry per step")
        seen = {"steps": public, "baseline": raw.get("baseline", {})}
        return _Seen(seen, canonical(seen), snapshot_bytes(snapshots))
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise InvalidRequest("OBSERVATION_MALFORMED", f"an observation is malformed: {exc}") from exc
