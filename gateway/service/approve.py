"""Votes: bound to exactly what was shown; a quorum is observed and decided again before it counts."""

from dataclasses import replace

from gateway.core.approval import Tally, refusal
from gateway.core.canonical import digest
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.core.principal import Principal
from gateway.errors import Edited, Forbidden, Precondition
from gateway.ports import Tx, VoteRow
from gateway.service.approval_request import Request as Asked
from gateway.service.approval_request import current_request
from gateway.service.control import open_rows
from gateway.service.grants import vote_evidence
from gateway.service.observe import ask_to_observe
from gateway.service.once import check_request
from gateway.service.operate import get_action, read_surely, remember
from gateway.service.people import people_only
from gateway.service.query import decision_record, edited_view, is_edited, listed_view, trials
from gateway.service.quorum import as_vote, count, request_of, required
from gateway.service.record import Recorder
from gateway.service.settle import Case, Choice, settle
from gateway.service.views import ActionView, PendingView
from gateway.service.world import World


async def approve(
    world: World, principal: Principal, request_id: str, action: str, *, plan_digest: str, decision_digest: str,
    state_digest: str, nonce: str, comment: str,
) -> ActionView:  # fmt: skip
    """Vote for exactly what was shown; raises Precondition when something else is there by now."""
    people_only(principal)
    vote = VoteRow(
        action, principal.id, principal.groups, principal.assurance, approve=True,
        at_ms=world.clock.now_ms(), plan_digest=plan_digest, decision_digest=decision_digest,
        state_digest=state_digest, nonce=nonce, comment=world.redactor.text(comment),
    )  # fmt: skip
    await _vote(world, principal, request_id, vote)
    return await get_action(world, principal, action)


async def reject(world: World, principal: Principal, request_id: str, action: str, comment: str) -> ActionView:
    """Vote against an action; one countable rejection is enough."""
    people_only(principal)
    said = digest({"action": action, "reject": comment})

    def choose(tx: Tx, case: Case) -> Choice | None:
        if check_request(tx, principal, request_id, said) is not None:
            return None
        asked = _asked(tx, case)
        vote = VoteRow(
            action, principal.id, principal.groups, principal.assurance, approve=False,
            at_ms=world.clock.now_ms(), plan_digest=case.row.plan_digest, decision_digest=case.row.decision_digest,
            state_digest=case.row.state_digest, nonce=asked.nonce, comment=world.redactor.text(comment),
        )  # fmt: skip
        _countable(world, case, asked, vote)

        def also(tx: Tx, _: Recorder) -> None:
            tx.put_vote(vote)
            remember(world, tx, principal, request_id, said, action)

        return Choice(Event.REJECT, None, ((K.VOTE, _body(vote)),), reason="REJECTED", also=also)

    await settle(world, action, choose)
    return await get_action(world, principal, action)


async def list_pending(world: World) -> list[PendingView]:
    """Return every action that waits for people, and what a vote on it must bind."""

    def unit(tx: Tx) -> list[PendingView]:
        pending = []
        for row in open_rows(tx, State.AWAITING_APPROVAL):
            view = listed_view(world, tx, row)
            try:
                asked = current_request(tx, row.id) if view.steps else None
            except Edited as exc:
                view, asked = edited_view(row, exc), None
            if asked is not None:
                voted = tuple(v.subject for v in tx.votes(row.id, asked.nonce))
                seen = trials(decision_record(tx, row))
                pending.append(PendingView(view, asked.nonce, asked.expires_ms, voted, seen))
            elif not view.steps:  # nobody can vote on it, and its reason says why
                pending.append(PendingView(view, "", 0, ()))
        return pending

    return await read_surely(world.store.scan, unit, lambda found: any(is_edited(each.action) for each in found))


async def _vote(world: World, principal: Principal, request_id: str, vote: VoteRow) -> None:
    said = digest({"action": vote.action, "approve": vote_evidence(replace(vote, at_ms=0))})
    complete = False

    def choose(tx: Tx, case: Case) -> Choice | None:
        nonlocal complete
        if check_request(tx, principal, request_id, said) is not None:
            return None
        asked = _asked(tx, case)
        _countable(world, case, asked, vote)
        given = tx.votes(vote.action, asked.nonce)
        if any(v.subject == vote.subject for v in given):
            raise Precondition("VOTE_TWICE", "you have voted on this request")
        tallied = count(case.row, asked, asked.requirements, (*given, vote), world.settings)
        complete = tallied.tally is Tally.QUORUM

        def also(tx: Tx, recorder: Recorder) -> None:
            tx.put_vote(vote)
            remember(world, tx, principal, request_id, said, vote.action)
            if complete:
                recorder.due(Due.OBSERVE_DEADLINE, vote.at_ms + world.settings.timing.observe_ms)
                recorder.due(Due.DISPATCH, vote.at_ms + world.settings.timing.redispatch_ms)

        guard = Guard.COMPLETES if complete else Guard.COUNTED
        return Choice(Event.VOTE, guard, ((K.VOTE, _body(vote)),), also=also)

    if await settle(world, vote.action, choose) is not None and complete:
        await ask_to_observe(world, vote.action)


def _asked(tx: Tx, case: Case) -> Asked:
    asked = current_request(tx, case.row.id)
    if case.state is not State.AWAITING_APPROVAL or asked is None:
        raise Precondition("STATE_FORBIDS", f"an action in {case.state} waits for nobody", state=case.state)
    return asked


def _countable(world: World, case: Case, asked: Asked, vote: VoteRow) -> None:
    """Raise for a vote that cannot count, saying why."""
    why = refusal(as_vote(vote), request_of(case.row, asked), required(asked.requirements, world.settings))
    if why is not None:
        kind = Precondition if why.value in {"VOTE_BOUND_ELSEWHERE", "VOTE_LATE"} else Forbidden
        raise kind(why.value, "this vote does not count", action=case.row.id)


def _body(vote: VoteRow) -> dict[str, object]:
    return {
        "subject": vote.subject, "groups": list(vote.groups), "assurance": vote.assurance,
        "choice": "approve" if vote.approve else "reject", "at_ms": vote.at_ms, "comment": vote.comment,
        "plan_digest": vote.plan_digest, "decision_digest": vote.decision_digest, "state_digest": vote.state_digest,
        "nonce": vote.nonce, "evidence": vote_evidence(vote), "row": vote.digest,
    }  # fmt: skip
