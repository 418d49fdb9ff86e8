"""What stands is asked about again: rollback, renewal and keeping are decided by the policy in force, and recorded."""

from collections.abc import Awaitable, Callable

import pytest

from gateway.core.canonical import Json, loads_strict
from gateway.errors import Forbidden
from gateway.service.texts import Texts
from gateway.service.views import ActionView
from tests.fakes.world import AGENT, ALICE, OWNER, VERIFY, Lab, lab
from tests.service.say import events, new, records, stop

pytestmark = pytest.mark.anyio
LIMIT = {"code": "TEST_LIMIT", "limit": "deny", "step": 0, "args": {}}


async def _committed(made: Lab) -> str:
    made.policy.obligations = [VERIFY]
    view = await made.settled()
    assert (await made.after(11_000, view.id)).state == "COMMITTED"
    return view.id


async def _leased(made: Lab) -> str:
    made.policy.obligations = [VERIFY]
    view = await made.settled(lease_s=60)
    assert (await made.after(11_000, view.id)).state == "LEASED"
    return view.id


async def _rollback(made: Lab, action: str) -> ActionView:
    return await made.gateway.rollback(ALICE, new(), action, "not needed")


async def _renew(made: Lab, action: str) -> ActionView:
    return await made.gateway.renew(ALICE, new(), action, 60)


async def _keep(made: Lab, action: str) -> ActionView:
    return await made.gateway.keep(ALICE, new(), action)


Ask = Callable[[Lab, str], Awaitable[ActionView]]
CASES = [(_committed, _rollback, "rollback"), (_leased, _renew, "renew"), (_leased, _keep, "keep")]


@pytest.mark.parametrize(("begin", "ask", "purpose"), CASES)
async def test_the_policy_in_force_is_asked_and_its_decision_recorded(
    begin: Callable[[Lab], Awaitable[str]], ask: Ask, purpose: str
) -> None:
    async with lab() as made:
        action = await begin(made)
        made.policy.revision = "sha256:" + "b" * 64
        await ask(made, action)
        assert made.policy.asked[-1]["request"]["purpose"] == purpose
        assert made.policy.asked[-1]["steps"][0]["facts"]
        [leaf] = [leaf for leaf in await records(made, action) if leaf.event == purpose]
        assert (leaf.body["revision"], leaf.body["by"], leaf.body["verdict"]) == (
            made.policy.revision, "alice", "allow",
        )  # fmt: skip
        kind = f"decision/{leaf.body['decision_digest']}"
        record = await made.world.store.read(lambda tx: tx.document(action, kind))
        assert record is not None
        assert loads_strict(record)["input"]["request"]["purpose"] == purpose


@pytest.mark.parametrize(("begin", "ask", "purpose"), CASES)
async def test_what_the_policy_denies_is_refused_with_its_code_and_remedy_and_changes_nothing(
    begin: Callable[[Lab], Awaitable[str]], ask: Ask, purpose: str
) -> None:
    async with lab() as made:
        action = await begin(made)
        before = await made.get(action)
        made.policy.limits = [LIMIT]
        object.__setattr__(made.world, "texts", lambda: Texts({"TEST_LIMIT": ("not now", "wait for the window")}, {}))
        view = await ask(made, action)
        assert (view.state, view.reason, view.lease_end_ms) == (before.state, "TEST_LIMIT", before.lease_end_ms)
        assert view.decision is not None
        [found] = [f for f in view.decision.findings if f.code == "TEST_LIMIT"]
        assert (found.message, found.remedy) == ("not now", "wait for the window")
        assert (await events(made, action))[-1] == f"{purpose}[not_allowed]"
        assert [h[0] for h in made.target.history] == ["apply"]


@pytest.mark.parametrize(("begin", "ask", "_purpose"), CASES)
async def test_a_policy_that_cannot_answer_allows_nothing(
    begin: Callable[[Lab], Awaitable[str]], ask: Ask, _purpose: str
) -> None:
    async with lab() as made:
        action = await begin(made)
        made.policy.fault = True
        assert (await ask(made, action)).reason == "POLICY_FAULT"


async def test_where_a_person_decides_an_approver_does_so_by_asking_and_an_agent_does_not() -> None:
    async with lab() as made:
        action = await _committed(made)
        made.policy.permit = "approve"
        refused = await made.gateway.rollback(AGENT, new(), action, "please")
        assert refused.state == "COMMITTED"
        with pytest.raises(Forbidden):
            await made.gateway.rollback(OWNER, new(), action, "please")
        assert (await _rollback(made, action)).state == "UNDOING"


async def test_a_renewal_that_needs_a_person_is_not_the_agents() -> None:
    async with lab() as made:
        action = await _leased(made)
        made.policy.permit = "approve"
        refused = await made.gateway.renew(AGENT, new(), action, 300)
        assert (await events(made, action))[-1] == "renew[not_allowed]"
        assert (await _renew(made, action)).lease_end_ms > refused.lease_end_ms


@pytest.mark.parametrize("trouble", ["denied", "fault", "withdrawn", "stopped"])
async def test_an_undo_of_what_was_begun_needs_nobodys_leave(trouble: str) -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled(lease_s=60)
        made.policy.permit = "deny" if trouble == "denied" else "allow"
        made.policy.fault = trouble == "fault"
        if trouble == "withdrawn":
            await made.gateway.withdraw(ALICE, new(), made.policy.revision, "bad")
        if trouble == "stopped":
            await stop(made)
        asked = len(made.policy.asked)
        made.telemetry.value = 50.0
        assert (await made.after(4_000, view.id)).state == "UNDONE"
        assert len(made.policy.asked) == asked


async def test_neither_a_stop_nor_a_withdrawn_revision_keeps_a_person_from_rolling_back() -> None:
    async with lab() as made:
        action = await _committed(made)
        await stop(made)
        await made.gateway.withdraw(ALICE, new(), made.policy.revision, "bad")
        assert (await _rollback(made, action)).state == "UNDOING"
        assert (await made.after(2_000, action)).state == "UNDONE"


async def test_the_same_request_is_answered_once_and_asks_for_no_second_leaf() -> None:
    async with lab() as made:
        action, request = await _leased(made), new()
        first = await made.gateway.renew(ALICE, request, action, 300)
        count = len(await records(made, action))
        again = await made.gateway.renew(ALICE, request, action, 300)
        assert again.lease_end_ms == first.lease_end_ms
        assert len(await records(made, action)) == count


async def test_a_verification_that_may_not_be_cut_short_goes_on() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        made.policy.limits = [LIMIT]
        refused = await _keep(made, view.id)
        assert (refused.state, refused.reason) == ("VERIFYING", "TEST_LIMIT")
        assert (await made.after(11_000, view.id)).state == "COMMITTED"


async def test_a_commit_that_was_kept_has_a_receipt_of_it() -> None:
    async with lab() as made:
        action = await _leased(made)
        before = (await made.get(action)).receipt
        kept = await _keep(made, action)
        assert (kept.state, kept.receipt != before) == ("COMMITTED", True)


async def test_the_reason_of_a_rollback_is_recorded_redacted() -> None:
    async with lab() as made:
        action = await _committed(made)
        secret = "AKIA" + "QX3ZTG7WVB2LSE4K"
        await made.gateway.rollback(ALICE, new(), action, f"key {secret} leaked")
        bodies: list[Json] = [leaf.body for leaf in await records(made, action) if leaf.event == "rollback"]
        assert secret not in str(bodies)
        assert "leaked" in str(bodies)
