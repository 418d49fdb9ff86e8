"""Stop, freeze, withdrawal: what commits first wins, also over a decision that was under way."""

import pytest

from gateway.core.events import read_leaf
from gateway.errors import InvalidRequest
from tests.fakes.world import ALICE, OTHER_AGENT, READ, VERIFY, Lab, lab
from tests.service.hand import Hand
from tests.service.say import all_leaves, events, freeze, new, resume, stop

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", ["stop", "freeze"])
async def test_a_switch_covers_its_agent_and_environment_only(kind: str) -> None:
    async with lab() as made:
        turn = stop if kind == "stop" else freeze
        await turn(made, agent="agent-1", environment="staging")
        assert (await made.settled(READ)).state == "SUCCEEDED"
        await turn(made, agent="agent-1", environment="prod")
        denied = await made.settled(READ)
        assert (denied.state, denied.reason) == ("DENIED", "GATEWAY_STOPPED" if kind == "stop" else "GATEWAY_FROZEN")
        assert (await made.settled(READ, agent=OTHER_AGENT)).state == "SUCCEEDED"
        await resume(made, agent="agent-1", environment="prod")
        assert (await made.settled(READ)).state == "SUCCEEDED"


async def test_resuming_takes_back_exactly_what_it_names_and_the_log_says_what_that_was() -> None:
    async with lab() as made:
        await stop(made)
        await freeze(made, environment="prod")
        await resume(made, environment="prod")
        assert (await made.gateway.status()).switches == ("stop agent=* environment=* by alice",)
        await resume(made, environment="prod")
        said = [read_leaf(leaf).body for leaf in await all_leaves(made)]
        assert [b["kind"] for b in said if b.get("change") == "off"] == ["freeze", "none"]


@pytest.mark.parametrize("how", ["stop", "freeze", "withdraw"])
async def test_a_switch_that_commits_while_a_read_is_decided_revokes_its_grant(how: str) -> None:
    async with lab() as made:
        evaluate = made.policy.evaluate

        async def slow(document: object) -> object:
            answer = await evaluate(document)  # type: ignore[arg-type]
            await _turn(made, how)
            return answer

        made.policy.evaluate = slow  # type: ignore[method-assign,assignment]
        view = await made.settled(READ)
        assert view.state == "REVOKED"
        assert made.target.history == []
        if how != "withdraw":
            await resume(made)
            assert (await made.after(5_000, view.id)).state == "REVOKED"


@pytest.mark.parametrize("how", ["stop", "freeze", "withdraw"])
async def test_a_switch_that_commits_while_a_change_is_decided_revokes_its_grant(how: str) -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        evaluate = made.policy.evaluate

        async def slow(document: object) -> object:
            answer = await evaluate(document)  # type: ignore[arg-type]
            if document["stage"] == "decide":  # type: ignore[index]
                await _turn(made, how)
            return answer

        made.policy.evaluate = slow  # type: ignore[method-assign,assignment]
        view = await made.settled()
        assert view.state == "REVOKED"
        assert made.target.history == []


async def _turn(made: Lab, how: str) -> None:
    if how == "withdraw":
        await made.gateway.withdraw(ALICE, new(), made.policy.revision, "bad")
    else:
        await (stop if how == "stop" else freeze)(made)


@pytest.mark.parametrize("change", [False, True])
async def test_nothing_is_decided_by_a_revision_that_was_withdrawn(change: object) -> None:
    async with lab() as made:
        await made.gateway.withdraw(ALICE, new(), made.policy.revision, "bad rule")
        view = await (made.settled() if change else made.settled(READ))
        assert (view.state, view.reason) == ("DENIED", "REVISION_WITHDRAWN")
        made.policy.revision = "sha256:" + "b" * 64
        assert (await made.settled(READ)).state == "SUCCEEDED"


async def test_withdrawing_an_old_revision_kills_only_its_own_grants() -> None:
    async with lab(executor=False) as made:
        old = await made.settled(READ)
        before, made.policy.revision = made.policy.revision, "sha256:" + "b" * 64
        new_one = await made.settled(READ)
        assert await made.gateway.withdraw(ALICE, new(), before, "bad rule") == (old.id,)
        assert (await made.get(new_one.id)).state == "GRANTED"
        assert "revoke[withdrawn]" in await events(made, old.id)


async def test_a_stop_leaves_what_waits_for_people_waiting() -> None:
    async with lab(executor=False) as made:
        made.policy.permit = "approve"
        hand = Hand.attach(made)
        view = await made.settled()
        await hand.observe()
        await stop(made)
        assert (await made.get(view.id)).state == "AWAITING_APPROVAL"


@pytest.mark.parametrize("revision", ["", "latest", "sha256:abc", "sha256:" + "A" * 64])
async def test_what_is_no_revision_cannot_be_withdrawn(revision: str) -> None:
    """A name that was mistyped must not look as if something had been withdrawn."""
    async with lab() as made:
        size = len(await all_leaves(made))
        with pytest.raises(InvalidRequest) as caught:
            await made.gateway.withdraw(ALICE, new(), revision, "bad rule")
        assert caught.value.code == "REVISION_MALFORMED"
        assert len(await all_leaves(made)) == size
