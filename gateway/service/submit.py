"""Submit: parse, admit, record; nothing is answered before it is on disk."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from gateway.core.canonical import Json, digest, loads_strict
from gateway.core.finding import Verdict
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.core.principal import Principal
from gateway.errors import Edited, InvalidRequest
from gateway.parsing.parse import parse, parse_typed
from gateway.parsing.result import ParsedPlan, Refusal
from gateway.ports import ActionRow, RequestRow, Tx
from gateway.service.approval_request import open_request
from gateway.service.begin import begin_at_once
from gateway.service.common import KEY_REVOKED
from gateway.service.context import quick_context, read_context
from gateway.service.control import revoke, revoke_forbidden
from gateway.service.decide import Decision, decide, refused
from gateway.service.dispatch import attempt_lost
from gateway.service.grant_key import key_refusal
from gateway.service.grants import FIRST_FENCE, Granted, policy_ref, sign_action, sign_observe
from gateway.service.hub import Session
from gateway.service.proposal import Ask, Proposal, write_proposal, write_refused
from gateway.service.query import action_view, compose, decision_view
from gateway.service.record import LeafBody, Recorder, document
from gateway.service.sealed import put_sealed
from gateway.service.views import ActionView, WorkView
from gateway.service.work import checks_of, make_work, offer, offer_again_ms
from gateway.service.world import World

_STEPS = 'steps are JSON: {"steps": […], "connectors": […]}'


@dataclass(frozen=True, slots=True)
class _Draft:
    """A proposal that is about to be recorded."""

    principal: Principal
    ask: Ask
    request_digest: str
    row: ActionRow
    proposal: Proposal
    plan: bytes
    decision: Decision


async def submit(
    world: World,
    principal: Principal,
    ask: Ask,
    *,
    command: bytes | None,
    steps: bytes | None,
    scope: str,
    validate_only: bool,
) -> ActionView:
    """Parse, decide and record a proposal; the same request_id with the same content returns the first answer."""
    parsed = _parse(world, command, steps, scope or None)
    draft = await _draft(world, principal, ask, parsed, _request_digest(ask, command, steps, scope))
    if validate_only:
        return _explained(world, draft)
    # Whoever goes away meanwhile does not keep what is recorded from being handed over.
    return await asyncio.shield(_take(world, draft))


async def _take(world: World, draft: _Draft) -> ActionView:
    """Record a proposal and hand over what follows from it."""
    at_once = draft.proposal.reads and draft.decision.verdict is Verdict.ALLOW
    with world.hub.place(draft.row.audience) if at_once else nullcontext() as session:
        granted, work = await _prepare(world, draft, session)
        recording = world.store.write(lambda tx: _record(world, tx, draft, granted, work))
        decision = decision_view(draft.decision.record, draft.decision.digest, world.texts())  # the disk is at work
        recorded = await recording
        if isinstance(recorded, ActionView):
            return recorded
        if work is not None and session is not None:
            await _hand(world, recorded, work, session)
        elif work is not None:
            offer(world, draft.row, work)
            world.bus.armed(offer_again_ms(world, draft.row.audience))
    world.bus.changed(draft.row.id)
    return compose(recorded, draft.proposal, decision)


async def _hand(world: World, row: ActionRow, work: WorkView, session: Session) -> None:
    """Hand a read that was begun to the executor that has leave; what forbade it meanwhile has revoked it."""
    if row.state != State.EXECUTING:
        return
    world.hub.begun(row.id)
    world.bus.armed(world.clock.now_ms() + world.settings.timing.attempt_ms)
    if not world.hub.hand(session, work):
        await attempt_lost(world, row.id)  # nobody has it, and nobody else may


def _parse(world: World, command: bytes | None, steps: bytes | None, scope: str | None) -> ParsedPlan | Refusal:
    if (command is None) == (steps is None):
        raise InvalidRequest("PROPOSAL_MISSING", "give either a command or steps")
    if command is not None:
        return parse(command, world.clusters.catalog(world.catalog), scope)
    try:
        doc = loads_strict(steps or b"")
        listed, connectors = doc["steps"], doc.get("connectors", ["&&"] * (len(doc["steps"]) - 1))
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise InvalidRequest("STEPS_MALFORMED", _STEPS) from exc
    if not set(doc) <= {"steps", "connectors"}:
        raise InvalidRequest("STEPS_MALFORMED", f"{_STEPS} and have no other member")
    return parse_typed(listed, connectors, world.clusters.catalog(world.catalog), scope)


def _request_digest(ask: Ask, command: bytes | None, steps: bytes | None, scope: str) -> str:
    return digest(
        {
            "command": None if command is None else command.hex(), "steps": None if steps is None else steps.hex(),
            "scope": scope, "incident": ask.incident, "hypothesis": ask.hypothesis, "lease_s": ask.lease_s,
            "justification": ask.justification,
        }
    )  # fmt: skip


async def _draft(
    world: World, principal: Principal, ask: Ask, parsed: ParsedPlan | Refusal, request_digest: str
) -> _Draft:
    now, action = world.clock.now_ms(), world.ids.new("act")
    if isinstance(parsed, Refusal):
        proposal, plan = write_refused(ask, principal, world.redactor), b""
        decision = refused(parsed.code, world.redactor.json(parsed.args), parsed.span, world.policy.revision)
    else:
        proposal = write_proposal(ask, principal, parsed, world.settings, world.redactor)
        plan = parsed.plan.to_bytes()
        if proposal.reads and not ask.incident:
            withdrawn = world.policy.revision in world.bus.withdrawn
            context = quick_context(world.bus.switches, proposal, withdrawn=withdrawn)
        else:
            context = await world.store.scan(lambda tx: read_context(world, tx, proposal))
        decision = await decide(
            world.policy, world.settings,
            stage="admit", now_ms=now, action=action, proposal=proposal, context=context,
        )  # fmt: skip
    row = ActionRow(
        id=action, state="", version=0, agent=principal.id, owner=principal.owner, door=principal.door,
        audience=str(proposal.doc["audience"]), environments=proposal.environments, incident=ask.incident,
        plan_digest=str(proposal.doc["plan_digest"]), doc_digest=proposal.digest, created_ms=now, updated_ms=now,
        decision_digest=decision.digest, revision=decision.revision,
    )  # fmt: skip
    return _Draft(principal, ask, request_digest, row, proposal, plan, decision)


async def _prepare(world: World, draft: _Draft, session: Session | None) -> tuple[Granted | None, WorkView | None]:
    """Sign what the record will name: the grants of an allowed read, or the grant to observe."""
    if draft.decision.verdict is Verdict.DENY:
        return None, None
    timing = world.settings.timing
    if draft.proposal.reads:
        if draft.decision.verdict is not Verdict.ALLOW:
            return None, None
        granted = await sign_action(world, draft.row.id, draft.proposal, draft.decision, (), "", b"", session)
        work = make_work(world, draft.row, "apply", grant=granted.action, plan=draft.plan, fence=FIRST_FENCE)
        return granted, work
    policy = policy_ref(draft.row.id, draft.decision.revision, draft.decision.digest)
    expires = world.clock.now_ms() + timing.observe_ms
    envelope = await sign_observe(world, draft.row.id, draft.proposal, policy, expires)
    requirements: Json = draft.decision.requirements.to_json()
    checks = checks_of(world.settings, requirements, draft.proposal.steps)
    work = make_work(
        world, draft.row, "observe", grant=envelope, plan=draft.plan, fence=0, checks=checks, limit_ms=timing.observe_ms
    )
    return None, work


def _record(
    world: World, tx: Tx, draft: _Draft, granted: Granted | None, work: WorkView | None
) -> ActionView | ActionRow:
    """Record a new proposal and return its row, or return the action that this request_id made before."""
    now = draft.row.created_ms
    prior = tx.claim_request(
        RequestRow(draft.principal.id, draft.ask.request_id, draft.request_digest, draft.row.id, now)
    )
    if prior is not None:
        if prior.digest != draft.request_digest:
            raise InvalidRequest("REQUEST_ID_REUSED", "this request_id was used for another proposal")
        row = tx.action(prior.answer)
        if row is None or row.agent != draft.principal.id:
            raise Edited("REQUEST_EDITED", "what was answered to this request_id is not what was recorded")
        return action_view(world, tx, row)
    recorder = Recorder(world, tx, draft.row)
    document(tx, draft.row.id, "proposal", draft.proposal.data)
    document(tx, draft.row.id, f"decision/{draft.decision.digest}", draft.decision.data)
    if draft.plan:
        put_sealed(world, tx, draft.row.id, "plan", draft.plan)
    _walk(world, tx, recorder, draft, granted, work)
    recorder.insert()
    return recorder.row


def _walk(
    world: World, tx: Tx, recorder: Recorder, draft: _Draft, granted: Granted | None, work: WorkView | None
) -> None:
    """Take the rows of the table from nothing to where the admission leads."""
    request = {"request_id": draft.ask.request_id, "digest": draft.request_digest}
    proposed = (K.PROPOSAL, {**proposal_body(draft.row, draft.proposal), **request})
    decided = (K.DECISION, decision_body(draft.decision, "admit"))
    if not draft.plan:
        recorder.advance(Event.SUBMIT, Guard.NOT_PARSED, proposed, decided, reason=draft.decision.reason)
        return
    recorder.advance(Event.SUBMIT, Guard.PARSED, proposed)
    if draft.decision.verdict is Verdict.DENY:
        reason = draft.decision.reason
        recorder.advance(Event.ADMIT, Guard.DENY, decided, reason=reason)
    elif not draft.proposal.reads:
        if work is None:
            raise ValueError("what is observed needs work")
        body = (K.GRANT, grant_body("observe", document(tx, draft.row.id, "grant_observe/0", work.grant)))
        recorder.advance(Event.ADMIT, Guard.OBSERVE, body, decided)
        recorder.due(Due.OBSERVE_DEADLINE, draft.row.created_ms + world.settings.timing.observe_ms)
        recorder.due(Due.DISPATCH, offer_again_ms(world, draft.row.audience))
    else:
        conclude(world, tx, recorder, draft.decision, (decided,), granted)


def conclude(
    world: World,
    tx: Tx,
    recorder: Recorder,
    decision: Decision,
    leaves: Sequence[LeafBody],
    granted: Granted | None,
) -> None:
    """Leave PROPOSED as decided; shared by reads at admission and changes after observation."""
    match decision.verdict:
        case Verdict.DENY:
            recorder.advance(Event.DECIDE, Guard.DENY, *leaves, reason=decision.reason)
        case Verdict.SHADOW:
            recorder.advance(Event.DECIDE, Guard.SHADOW, *leaves)
        case Verdict.APPROVE:
            recorder.advance(Event.DECIDE, Guard.APPROVE, *leaves, open_request(world, tx, recorder, decision, voids=0))
        case Verdict.ALLOW:
            if granted is None:
                raise ValueError("an allowed action has its grants")
            recorder.advance(Event.DECIDE, Guard.ALLOW, *leaves, record_grants(tx, recorder, granted))
            arm_grant(world, tx, recorder, granted)


def record_grants(tx: Tx, recorder: Recorder, granted: Granted) -> tuple[K, Json]:
    """Store the grants and return the leaf that names them."""
    body = grant_body("action", document(tx, recorder.row.id, "grant_action", granted.action))
    body["expires_ms"] = granted.expires_ms
    body["nonce"] = granted.nonce
    if granted.undo:
        body["undo_envelope"] = document(tx, recorder.row.id, "grant_undo", granted.undo)
    return K.GRANT, body


def arm_grant(world: World, tx: Tx, recorder: Recorder, granted: Granted) -> None:
    """Set the timers of GRANTED: expiry, and another offer should this one be lost; or begin what need not ask.

    What forbids it since it was decided revokes it here: a grant that was not there yet could not be revoked then.
    """
    if revoke_forbidden(tx, recorder):
        return
    if granted.instance and key_refusal(world, granted.action):
        revoke(recorder, Guard.KEY_REVOKED, KEY_REVOKED)
        return
    if granted.instance:
        begin_at_once(world, tx, recorder, granted)
        return
    recorder.due(Due.GRANT_EXPIRY, granted.expires_ms)
    recorder.due(Due.DISPATCH, offer_again_ms(world, recorder.row.audience))


def proposal_body(row: ActionRow, proposal: Proposal) -> dict[str, Json]:
    """Return the public members of a proposal leaf; the state row is folded from it again."""
    return {
        "doc_digest": proposal.digest, "plan_digest": row.plan_digest, "agent": row.agent, "owner": row.owner,
        "door": row.door, "audience": row.audience, "environments": list(row.environments), "incident": row.incident,
        "created_ms": row.created_ms,
        "operations": [s["step"]["operation"] for s in proposal.steps], "targets": list(proposal.targets),
        "effects": sorted({effect for s in proposal.steps for effect in s["effects"]}),
    }  # fmt: skip


def decision_body(decision: Decision, stage: str) -> dict[str, Json]:
    """Return the public members of a decision leaf."""
    return {
        "decision_digest": decision.digest, "stage": stage, "verdict": decision.verdict.word,
        "because": list(decision.because), "codes": decision.codes, "revision": decision.revision,
    }  # fmt: skip


def grant_body(purpose: str, envelope_digest: str) -> dict[str, Json]:
    """Return the public members of a grant leaf."""
    return {"purpose": purpose, "envelope": envelope_digest}


def _explained(world: World, draft: _Draft) -> ActionView:
    """Return what submitting would answer at admission, recording and running nothing."""
    state = "PROPOSED" if draft.decision.verdict is not Verdict.DENY else "DENIED"
    decision = decision_view(draft.decision.record, draft.decision.digest, world.texts())
    return compose(replace(draft.row, id="", state=state), draft.proposal, decision)
