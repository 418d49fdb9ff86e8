"""The life of an action, end to end over the real use cases, with time in the hands of the test."""

import uuid

import pytest

from gateway.core.canonical import loads_strict
from gateway.core.receipt import open_receipt
from gateway.core.statement import Refused
from gateway.errors import Forbidden, InvalidRequest, NotFound, Precondition
from gateway.service.settings import Timing
from tests.fakes.world import ALICE, BOB, OTHER_AGENT, OWNER, READ, VERIFY, WRITE, Lab, lab

pytestmark = pytest.mark.anyio
FAST = Timing(attempt_ms=5_000, attempt_margin_ms=500)


async def _verified(lab: Lab) -> None:
    lab.policy.obligations = [VERIFY]


async def test_a_plain_read_runs_at_once_and_leaves_a_receipt() -> None:
    async with lab() as made:
        view = await made.settled(READ)
        assert view.state == "SUCCEEDED"
        assert [o.data for o in view.outputs] == [b"row\n"]
        receipt = open_receipt(view.receipt, keys=made.world.keys())
        assert not isinstance(receipt, Refused)
        assert (receipt.outcome, receipt.steps) == ("SUCCEEDED", ("applied",))


async def test_what_is_not_understood_is_denied_with_a_remedy() -> None:
    async with lab() as made:
        view = await made.submit(b"rm -rf /")
        assert view.state == "DENIED"
        assert view.decision is not None
        assert view.decision.findings[0].code == "TOOL_UNKNOWN"
        assert view.decision.findings[0].remedy


async def test_nothing_permitted_is_denied() -> None:
    async with lab() as made:
        made.policy.permit = "deny"
        view = await made.submit(READ)
        assert (view.state, view.reason) == ("DENIED", "NOTHING_PERMITTED")


async def test_an_engine_that_fails_is_a_denial() -> None:
    async with lab() as made:
        made.policy.fault = True
        view = await made.submit(READ)
        assert (view.state, view.reason) == ("DENIED", "POLICY_FAULT")


async def test_a_shadowed_change_never_runs_and_can_be_scored() -> None:
    async with lab() as made:
        made.policy.permit = "shadow"
        view = await made.settled()
        assert view.state == "SHADOWED"
        assert made.target.history == []
        marked = await made.gateway.acknowledge(ALICE, str(uuid.uuid4()), view.id, "would_do")
        assert (marked.state, marked.reason) == ("SHADOWED", "WOULD_DO")


async def test_a_change_is_verified_and_committed() -> None:
    async with lab() as made:
        await _verified(made)
        view = await made.settled()
        assert view.state == "VERIFYING"
        view = await made.after(11_000, view.id)
        assert view.state == "COMMITTED"
        assert [h[0] for h in made.target.history] == ["apply"]


async def test_a_change_that_makes_things_worse_is_taken_back_and_read_back() -> None:
    async with lab() as made:
        await _verified(made)
        view = await made.settled()
        made.telemetry.value = 50.0
        view = await made.after(4_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_HARMED")
        assert [(h[0], h[2]) for h in made.target.history] == [("apply", 5), ("undo", 0)]
        receipt = open_receipt(view.receipt, keys=made.world.keys())
        assert not isinstance(receipt, Refused)
        assert receipt.outcome == "UNDONE"


async def test_no_data_is_not_good_news() -> None:
    async with lab() as made:
        await _verified(made)
        made.telemetry.value = None
        view = await made.settled()
        view = await made.after(12_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_INCONCLUSIVE")


async def test_a_change_that_could_not_be_applied_is_not_applied() -> None:
    async with lab() as made:
        made.target.fail = "not_applied"
        view = await made.settled()
        assert (view.state, view.reason) == ("NOT_APPLIED", "TEST_FAILED")


async def test_an_unknown_outcome_is_probed_under_a_new_fence() -> None:
    async with lab() as made:
        made.target.fail = "unknown"
        view = await made.settled()
        view = await made.after(1_000, view.id)
        assert (view.state, view.reason) == ("NOT_APPLIED", "LOST_NOT_APPLIED")


async def test_an_attempt_that_never_reports_is_found_out_by_a_probe() -> None:
    async with lab(FAST) as made:
        await _verified(made)
        made.target.vanish = True
        view = await made.settled()
        assert view.state == "EXECUTING"
        made.link.cut = True
        made.tasks[-1].cancel()
        made.attach()
        view = await made.after(6_000, view.id)
        assert view.state == "VERIFYING"
        assert [h[0] for h in made.target.history] == ["apply"]


async def test_a_probe_that_cannot_tell_asks_people_and_keeps_the_target_locked() -> None:
    async with lab(FAST) as made:
        await _verified(made)
        made.target.vanish = True
        view = await made.settled()
        made.link.cut = True
        made.tasks[-1].cancel()
        made.attach()
        made.target.values = dict.fromkeys(made.target.values, 77)
        view = await made.after(6_000, view.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "PROBE_CANNOT_TELL")
        assert view.id in (await made.world.store.read(lambda tx: tx.locks())).values()
        other = await made.settled()
        assert other.state == "GRANTED"
        resolved = await made.gateway.resolve(ALICE, str(uuid.uuid4()), view.id, "kept", "seen")
        assert resolved.state == "RESOLVED"
        receipt = open_receipt(resolved.receipt, keys=made.world.keys())
        assert not isinstance(receipt, Refused)
        assert (receipt.outcome, receipt.cause, receipt.steps) == ("RESOLVED", "KEPT", ("unknown",))


async def test_whoever_answers_for_the_agent_may_not_resolve_its_actions() -> None:
    async with lab() as made:
        await _verified(made)
        made.target.undo_class = "neutral"
        made.target.undo_fails = "impossible"
        view = await made.settled()
        made.telemetry.value = 50.0
        view = await made.after(4_000, view.id)
        assert view.state == "NEEDS_HUMAN"
        with pytest.raises(Forbidden, match="may not"):
            await made.gateway.resolve(OWNER, str(uuid.uuid4()), view.id, "kept", "")


async def test_a_later_edit_of_our_fields_wins() -> None:
    async with lab() as made:
        await _verified(made)
        view = await made.settled()
        made.target.values = dict.fromkeys(made.target.values, 99)
        made.telemetry.value = 50.0
        view = await made.after(4_000, view.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "FIELDS_EDITED")
        assert set(made.target.values.values()) == {99}


async def test_a_lease_ends_and_is_taken_back() -> None:
    async with lab() as made:
        await _verified(made)
        view = await made.settled(lease_s=60)
        view = await made.after(11_000, view.id)
        assert view.state == "LEASED"
        assert view.lease_end_ms > 0
        view = await made.after(50_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "LEASE_ENDED")


async def test_a_lease_shorter_than_its_verification_is_denied() -> None:
    async with lab() as made:
        await _verified(made)
        view = await made.settled(lease_s=8)
        assert (view.state, view.reason) == ("DENIED", "LEASE_TOO_SHORT")


async def test_a_lease_can_be_released_renewed_and_kept() -> None:
    async with lab() as made:
        await _verified(made)
        view = await made.settled(lease_s=60)
        view = await made.after(11_000, view.id)
        renewed = await made.gateway.renew(ALICE, str(uuid.uuid4()), view.id, 600)
        assert renewed.lease_end_ms > view.lease_end_ms
        view = await made.after(60_000, view.id)
        assert view.state == "LEASED"
        kept = await made.gateway.keep(ALICE, str(uuid.uuid4()), view.id)
        assert kept.state == "COMMITTED"
        rolled = await made.gateway.rollback(ALICE, str(uuid.uuid4()), view.id, "not needed")
        await made.clock.settle()
        assert rolled.state == "UNDOING"
        assert (await made.after(2_000, view.id)).state == "UNDONE"


async def test_an_approval_is_observed_and_decided_again_before_it_counts() -> None:
    async with lab() as made:
        await _verified(made)
        made.policy.permit = "approve"
        view = await made.settled()
        assert view.state == "AWAITING_APPROVAL"
        view = await made.approve(view.id)
        assert view.state == "VERIFYING"
        receipt = (await made.after(11_000, view.id)).receipt
        assert receipt


async def test_votes_are_void_when_the_state_changed_meanwhile() -> None:
    async with lab() as made:
        await _verified(made)
        made.policy.permit = "approve"
        view = await made.settled()
        made.target.values = {"pg:orders-db/role/checkout": 42}
        view = await made.approve(view.id)
        assert (view.state, view.reason) == ("AWAITING_APPROVAL", "STATE_CHANGED")
        view = await made.approve(view.id, BOB)
        assert view.state == "VERIFYING"


async def test_an_approval_binds_what_was_shown() -> None:
    async with lab() as made:
        made.policy.permit = "approve"
        view = await made.settled()
        with pytest.raises(Precondition) as caught:
            await made.gateway.approve(
                ALICE, str(uuid.uuid4()), view.id, plan_digest=view.plan_digest, decision_digest="sha256:" + "0" * 64,
                state_digest=view.state_digest, nonce="x" * 22, comment="",
            )  # fmt: skip
        assert caught.value.code == "VOTE_BOUND_ELSEWHERE"


async def test_the_owner_of_the_agent_may_not_approve() -> None:
    async with lab() as made:
        made.policy.permit = "approve"
        view = await made.settled()
        with pytest.raises(Forbidden) as caught:
            await made.approve(view.id, OWNER)
        assert caught.value.code == "VOTE_BARRED"


async def test_two_people_are_two_people() -> None:
    async with lab() as made:
        await _verified(made)
        made.policy.permit = "approve"
        made.policy.obligations = [VERIFY, {"code": "TWO", "approvals": [{"group": "sre-oncall", "n": 2}]}]
        view = await made.settled()
        view = await made.approve(view.id)
        assert view.state == "AWAITING_APPROVAL"
        with pytest.raises(Precondition, match="voted"):
            await made.approve(view.id)
        view = await made.approve(view.id, BOB)
        assert view.state == "VERIFYING"


async def test_one_rejection_rejects() -> None:
    async with lab() as made:
        made.policy.permit = "approve"
        view = await made.settled()
        assert (await made.gateway.reject(ALICE, str(uuid.uuid4()), view.id, "no")).state == "REJECTED"


async def test_an_approval_that_nobody_gives_expires() -> None:
    async with lab() as made:
        made.policy.permit = "approve"
        view = await made.settled()
        assert (await made.after(3_600_001, view.id)).state == "EXPIRED"


async def test_a_grant_that_no_executor_takes_expires() -> None:
    async with lab(executor=False) as made:
        view = await made.settled(READ)
        assert view.state == "GRANTED"
        assert (await made.after(300_001, view.id)).state == "EXPIRED"


async def test_an_executor_that_attaches_later_takes_what_waits() -> None:
    async with lab(executor=False) as made:
        view = await made.settled(READ)
        made.attach()
        assert (await made.after(2_000, view.id)).state == "SUCCEEDED"


async def test_a_stop_revokes_grants_and_lets_undos_go_on() -> None:
    async with lab() as made:
        await _verified(made)
        running = await made.settled()
        made.tasks[-1].cancel()
        waiting = await made.settled(READ)
        await made.gateway.stop(ALICE, str(uuid.uuid4()), "", "", "incident")
        assert (await made.get(waiting.id)).reason == "GATEWAY_STOPPED"
        denied = await made.submit(READ)
        assert denied.state == "DENIED"
        made.attach()
        made.telemetry.value = 50.0
        assert (await made.after(5_000, running.id)).state == "UNDONE"
        await made.gateway.resume(ALICE, str(uuid.uuid4()), "", "", "over")
        assert (await made.settled(READ)).state == "SUCCEEDED"


async def test_a_freeze_hands_what_is_being_verified_to_people() -> None:
    async with lab() as made:
        await _verified(made)
        view = await made.settled()
        await made.gateway.freeze(ALICE, str(uuid.uuid4()), "", "prod", "audit")
        assert (await made.get(view.id)).state == "NEEDS_HUMAN"


async def test_withdrawing_a_revision_kills_its_grants() -> None:
    async with lab(executor=False) as made:
        view = await made.settled(READ)
        revoked = await made.gateway.withdraw(ALICE, str(uuid.uuid4()), made.policy.revision, "bad rule")
        assert revoked == (view.id,)
        assert (await made.get(view.id)).reason == "REVISION_WITHDRAWN"


async def test_agents_do_not_hold_the_switches() -> None:
    async with lab() as made:
        with pytest.raises(Forbidden):
            await made.gateway.stop(OTHER_AGENT, str(uuid.uuid4()), "", "", "")


async def test_the_same_request_returns_the_first_answer_and_other_content_is_an_error() -> None:
    async with lab() as made:
        request = str(uuid.uuid4())
        first = await made.submit(READ, request_id=request)
        again = await made.submit(READ, request_id=request)
        assert first.id == again.id
        with pytest.raises(InvalidRequest) as caught:
            await made.submit(WRITE, request_id=request)
        assert caught.value.code == "REQUEST_ID_REUSED"


async def test_validate_only_records_nothing() -> None:
    async with lab() as made:
        before = (await made.gateway.status()).log_size
        view = await made.submit(READ, validate_only=True)
        assert view.decision is not None
        assert view.decision.verdict == "allow"
        assert (await made.gateway.status()).log_size == before


async def test_an_agent_sees_only_its_own_actions() -> None:
    async with lab() as made:
        view = await made.settled(READ)
        with pytest.raises(NotFound):
            await made.gateway.get_action(OTHER_AGENT, view.id)


async def test_a_cancelled_verification_is_taken_back() -> None:
    async with lab() as made:
        await _verified(made)
        view = await made.settled()
        await made.gateway.cancel(ALICE, str(uuid.uuid4()), view.id, "wrong role")
        view = await made.after(1_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "ABORTED")


async def test_a_busy_target_is_waited_for() -> None:
    async with lab() as made:
        await _verified(made)
        first = await made.settled()
        second = await made.settled(b'psql -c "ALTER ROLE checkout CONNECTION LIMIT 7"')
        assert (first.state, second.state) == ("VERIFYING", "GRANTED")
        await made.clock.advance(13_000)
        assert (await made.get(first.id)).state == "SUPERSEDED"  # committed, then overwritten
        assert (await made.get(second.id)).state == "VERIFYING"


async def test_an_agents_own_incident_caps_its_changes_at_approval() -> None:
    async with lab() as made:
        incident = await made.gateway.open_incident(OTHER_AGENT, str(uuid.uuid4()), "self made")
        view = await made.settled(incident=incident.id)
        assert view.state == "AWAITING_APPROVAL"
        assert view.decision is not None
        assert "INCIDENT_OPENED_BY_AGENT" in {f.code for f in view.decision.findings}


async def test_reads_of_an_incident_become_evidence_and_move_its_phase() -> None:
    async with lab() as made:
        await _verified(made)
        alert = await made.gateway.open_alert(
            "alertmanager", title="too many connections", labels={}, alert_ms=made.clock.now_ms(), fingerprint="f1"
        )
        assert alert.phase == "triage"
        _, hypothesis = await made.gateway.add_hypothesis(ALICE, str(uuid.uuid4()), alert.id, "a leak")
        read = await made.settled(READ, incident=alert.id, hypothesis=hypothesis)
        seen = await made.gateway.get_incident(ALICE, alert.id)
        assert (seen.phase, seen.first_diagnostic_ms > 0) == ("validation", True)
        caused = await made.gateway.declare_cause(ALICE, str(uuid.uuid4()), alert.id, hypothesis, "a.py:3", (read.id,))
        assert caused.phase == "remediation"
        await made.settled(incident=alert.id)
        asked = made.policy.asked[-1]["incident"]
        assert asked["reads"][0]["outcome"] == "succeeded"


async def test_every_leaf_is_in_a_checkpoint_that_verifies() -> None:
    async with lab() as made:
        view = await made.settled(READ)
        assert await made.signer.sign()
        proof = await made.gateway.proof(index=None, action=view.id, first_size=0, size=0)
        assert loads_strict(proof.leaf)["action"] == view.id


async def test_an_incident_of_many_reads_does_not_outgrow_the_policy_input() -> None:
    async with lab() as made:
        alert = await made.gateway.open_alert(
            "alertmanager", title="slow", labels={}, alert_ms=made.clock.now_ms(), fingerprint="f2"
        )
        for _ in range(5):
            await made.settled(READ, incident=alert.id)
        assert len(made.policy.asked[-1]["incident"]["reads"]) == 1
