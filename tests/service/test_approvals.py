"""Approvals: whose vote counts, on what, until when, and what the quorum still has to survive."""

from dataclasses import replace

import pytest

from gateway.core.canonical import Json
from gateway.core.dsse import Envelope
from gateway.core.principal import Principal
from gateway.core.statement import Statement
from gateway.errors import Forbidden, InvalidRequest, Precondition
from gateway.service.observe import ask_to_observe
from gateway.service.views import PendingView
from tests.fakes.world import AGENT, ALICE, BOB, OTHER_AGENT, READ, VERIFY, Lab, lab
from tests.service.hand import ROLE, Hand
from tests.service.say import dues, events, leaves, new, statuses

pytestmark = pytest.mark.anyio
CAROL = Principal("carol", "", ("dba",), "approver", "socket")
TWO = {"code": "TWO", "approvals": [{"group": "sre-oncall", "n": 2}]}
DBA = {"code": "DBA", "approvals": [{"group": "dba", "n": 1}]}


async def _asked(made: Lab, *obligations: dict[str, Json]) -> str:
    """Return an action that waits for people."""
    made.policy.permit = "approve"
    made.policy.obligations = [VERIFY, *obligations]
    view = await made.settled()
    assert view.state == "AWAITING_APPROVAL"
    return view.id


async def _shown(made: Lab, action: str) -> PendingView:
    [pending] = [p for p in await made.gateway.list_pending(ALICE) if p.action.id == action]
    return pending


async def _vote(made: Lab, shown: PendingView, who: Principal, **other: str) -> None:
    assert shown.action.decision is not None
    bound = {
        "plan_digest": shown.action.plan_digest, "decision_digest": shown.action.decision.digest,
        "state_digest": shown.action.state_digest, "nonce": shown.nonce,
    }  # fmt: skip
    await made.gateway.approve(who, new(), shown.action.id, comment="", **{**bound, **other})
    await made.clock.settle()


@pytest.mark.parametrize("member", ["plan_digest", "decision_digest", "state_digest", "nonce"])
async def test_a_vote_on_anything_else_than_what_is_shown_does_not_count(member: str) -> None:
    async with lab() as made:
        shown = await _shown(made, await _asked(made))
        with pytest.raises(Precondition) as caught:
            await _vote(made, shown, ALICE, **{member: "sha256:" + "0" * 64})
        assert caught.value.code == "VOTE_BOUND_ELSEWHERE"
        assert made.target.history == []


async def test_who_is_asked_sees_what_a_trial_would_change_and_of_how_many() -> None:
    async with lab() as made:
        [trial] = (await _shown(made, await _asked(made))).trials
        assert (trial["step"], trial["status"], trial["targets"], trial["undo"]) == (0, "ok", 1, "exact")
        assert trial["objects"] == [ROLE]
        assert [(c["from"], c["to"]) for c in trial["changes"]] == [(0, 5)]


async def test_a_vote_after_its_request_was_voided_does_not_count() -> None:
    async with lab() as made:
        action = await _asked(made, TWO)
        shown = await _shown(made, action)
        await _vote(made, shown, ALICE)
        made.target.values = {ROLE: 42}
        await _vote(made, shown, BOB)
        view = await made.get(action)
        assert (view.state, view.reason) == ("AWAITING_APPROVAL", "STATE_CHANGED")
        with pytest.raises(Precondition) as caught:
            await _vote(made, shown, CAROL)
        assert caught.value.code == "VOTE_BOUND_ELSEWHERE"
        assert (await _shown(made, action)).voted == ()


async def test_a_vote_after_the_request_expired_does_not_count() -> None:
    async with lab() as made:
        action = await _asked(made)
        shown = await _shown(made, action)
        await made.clock.advance(3_600_000)
        assert (await made.get(action)).state == "EXPIRED"
        with pytest.raises(Precondition):
            await _vote(made, shown, ALICE)


async def test_a_vote_of_the_last_millisecond_counts_although_its_quorum_is_observed_later() -> None:
    async with lab(executor=False) as made:
        made.policy.permit = "approve"
        made.policy.obligations = [VERIFY, {"code": "TTL", "approval_ttl_s": 100}]
        hand = Hand.attach(made)
        view = await made.settled()
        await hand.observe()
        await made.clock.advance(99_999)
        await _vote(made, await _shown(made, view.id), ALICE)
        await hand.observe()
        assert (await made.get(view.id)).state == "GRANTED"


async def test_the_team_that_owns_the_agent_may_not_approve_through_any_member() -> None:
    member = Principal("dave", "", ("sre-oncall", AGENT.owner), "approver", "socket")
    async with lab() as made:
        shown = await _shown(made, await _asked(made))
        with pytest.raises(Forbidden) as caught:
            await _vote(made, shown, member)
        assert caught.value.code == "VOTE_BARRED"


async def test_an_agent_cannot_vote_under_its_own_name_at_the_approvers_door() -> None:
    async with lab() as made:
        shown = await _shown(made, await _asked(made))
        with pytest.raises(Forbidden) as caught:
            await _vote(made, shown, replace(ALICE, id=AGENT.id))
        assert caught.value.code == "VOTE_BARRED"
        with pytest.raises(Forbidden, match="only people"):
            await _vote(made, shown, replace(OTHER_AGENT, groups=("sre-oncall",)))


async def test_a_token_alone_does_not_meet_the_default_requirement() -> None:
    async with lab() as made:
        shown = await _shown(made, await _asked(made))
        with pytest.raises(Forbidden) as caught:
            await _vote(made, shown, replace(ALICE, assurance="token"))
        assert caught.value.code == "VOTE_ASSURANCE"


async def test_without_obligations_the_configured_group_is_asked() -> None:
    async with lab() as made:
        action = await _asked(made)
        with pytest.raises(Forbidden) as caught:
            await _vote(made, await _shown(made, action), CAROL)
        assert caught.value.code == "VOTE_NO_GROUP"
        await _vote(made, await _shown(made, action), ALICE)
        assert (await made.get(action)).state == "VERIFYING"


async def test_a_requirement_that_grew_meanwhile_voids_the_votes_and_asks_again() -> None:
    async with lab() as made:
        action = await _asked(made)
        made.policy.obligations = [VERIFY, TWO]
        await _vote(made, await _shown(made, action), ALICE)
        view = await made.get(action)
        assert (view.state, view.reason) == ("AWAITING_APPROVAL", "STATE_CHANGED")
        assert "CM1007" in await leaves(made, action)
        await _vote(made, await _shown(made, action), ALICE)
        assert (await made.get(action)).state == "AWAITING_APPROVAL"
        await _vote(made, await _shown(made, action), BOB)
        assert (await made.get(action)).state == "VERIFYING"


async def test_votes_are_void_at_most_three_times() -> None:
    async with lab() as made:
        action = await _asked(made)
        for value in (1, 2, 3, 4):
            assert (await made.get(action)).state == "AWAITING_APPROVAL"
            made.target.values = {ROLE: value}
            await _vote(made, await _shown(made, action), ALICE)
        view = await made.get(action)
        assert (view.state, view.reason) == ("EXPIRED", "STATE_CHANGED_TOO_OFTEN")
        assert made.target.history == []


async def test_what_is_decided_allow_at_the_quorum_still_rests_on_the_votes_that_were_asked_for() -> None:
    async with lab() as made:
        action = await _asked(made, DBA)
        made.policy.permit, made.policy.obligations = "allow", [VERIFY]
        await _vote(made, await _shown(made, action), CAROL)
        assert (await made.get(action)).state == "VERIFYING"
        grant = await made.world.store.read(lambda tx: tx.document(action, "grant_action"))
        assert grant is not None
        predicate = Statement.from_bytes(Envelope.from_bytes(grant).payload).predicate
        assert (predicate["tier"], [a["subject"] for a in predicate["approvals"]]) == ("approval", ["carol"])


@pytest.mark.parametrize(("permit", "because"), [("shadow", ""), ("deny", "NOTHING_PERMITTED")])
async def test_what_is_decided_below_approve_at_the_quorum_is_denied(permit: str, because: str) -> None:
    async with lab() as made:
        action = await _asked(made)
        made.policy.permit = permit
        await _vote(made, await _shown(made, action), ALICE)
        view = await made.get(action)
        assert view.state == "DENIED"
        assert because in view.reason
        assert made.target.history == []


async def test_a_rejection_after_the_quorum_but_before_the_grant_rejects() -> None:
    async with lab(executor=False) as made:
        made.policy.permit = "approve"
        hand = Hand.attach(made)
        view = await made.settled()
        await hand.observe()
        await _vote(made, await _shown(made, view.id), ALICE)
        await made.gateway.reject(BOB, new(), view.id, "wait")
        await hand.observe()
        view = await made.get(view.id)
        assert (view.state, view.reason) == ("REJECTED", "REJECTED")
        assert await statuses(made, view.id) == {}


async def test_an_observation_that_is_lost_at_the_quorum_is_made_again() -> None:
    async with lab(executor=False) as made:
        made.policy.permit = "approve"
        hand = Hand.attach(made)
        view = await made.settled()
        await hand.observe()
        await _vote(made, await _shown(made, view.id), ALICE)
        await hand.take("observe")
        hand.session.close()
        again = Hand.attach(made, "again")
        await made.clock.advance(2_000)
        await again.observe()
        assert (await made.get(view.id)).state == "GRANTED"


async def test_an_observation_that_never_comes_ends_with_the_request() -> None:
    async with lab(executor=False) as made:
        made.policy.permit = "approve"
        hand = Hand.attach(made)
        view = await made.settled()
        await hand.observe()
        await _vote(made, await _shown(made, view.id), ALICE)
        hand.session.close()
        view = await made.after(3_600_001, view.id)
        assert (view.state, view.reason) == ("EXPIRED", "APPROVAL_TTL")


async def test_an_observation_without_a_quorum_changes_nothing() -> None:
    """A late answer must not void what people are voting on."""
    async with lab(executor=False) as made:
        made.policy.permit = "approve"
        made.policy.obligations = [VERIFY, TWO]
        hand = Hand.attach(made)
        view = await made.settled()
        late = await hand.take("observe")
        await hand.observe()
        await _vote(made, await _shown(made, view.id), ALICE)
        version = (await made.get(view.id)).version
        made.world.hub.send("executor/local", replace(late, work_id="wrk_late"))
        hand.taken.clear()
        await hand.observe(limit=99)
        await ask_to_observe(made.world, view.id)
        await made.clock.advance(40_000)
        view = await made.get(view.id)
        assert (view.state, view.version) == ("AWAITING_APPROVAL", version)
        assert await dues(made, view.id) == {"approval_ttl"}


async def test_an_approval_may_come_back_with_the_same_request_id_and_counts_once() -> None:
    async with lab() as made:
        action = await _asked(made, TWO)
        shown, request = await _shown(made, action), new()
        assert shown.action.decision is not None
        for _ in range(2):
            await made.gateway.approve(
                ALICE, request, action, plan_digest=shown.action.plan_digest,
                decision_digest=shown.action.decision.digest, state_digest=shown.action.state_digest,
                nonce=shown.nonce, comment="",
            )  # fmt: skip
        assert (await _shown(made, action)).voted == ("alice",)
        with pytest.raises(InvalidRequest, match="something else"):
            await made.gateway.reject(ALICE, request, action, "no")


async def test_a_read_may_need_approval_and_is_observed_before_it_runs() -> None:
    async with lab() as made:
        made.policy.permit = "approve"
        view = await made.settled(READ)
        assert view.state == "AWAITING_APPROVAL"
        await _vote(made, await _shown(made, view.id), ALICE)
        assert (await made.get(view.id)).state == "SUCCEEDED"


async def test_cancelling_what_waits_for_people_ends_it() -> None:
    async with lab() as made:
        action = await _asked(made)
        shown = await _shown(made, action)
        assert (await made.gateway.cancel(AGENT, new(), action, "no need")).state == "CANCELLED"
        with pytest.raises(Precondition):
            await _vote(made, shown, ALICE)
        assert (await events(made, action))[-1] == "cancel"


async def test_a_stop_that_came_before_the_quorum_denies_it() -> None:
    async with lab() as made:
        action = await _asked(made)
        await made.gateway.stop(ALICE, new(), "", "prod", "incident")
        await _vote(made, await _shown(made, action), ALICE)
        view = await made.get(action)
        assert (view.state, view.reason) == ("DENIED", "GATEWAY_STOPPED")
