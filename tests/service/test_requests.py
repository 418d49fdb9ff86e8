"""Request ids: the same request does nothing twice, and never stands for another."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.core.principal import Principal
from gateway.errors import CallerError, InvalidRequest, Precondition
from tests.fakes.world import AGENT, ALICE, OTHER_AGENT, READ, VERIFY, WRITE, Lab, lab
from tests.service.say import all_leaves, events, new

pytestmark = pytest.mark.anyio
Call = Callable[[Lab, str, str], Awaitable[object]]
CALLS: dict[str, Call] = {
    "cancel": lambda m, r, a: m.gateway.cancel(ALICE, r, a, "x"),
    "rollback": lambda m, r, a: m.gateway.rollback(ALICE, r, a, "x"),
    "renew": lambda m, r, a: m.gateway.renew(ALICE, r, a, 60),
    "release": lambda m, r, a: m.gateway.release(ALICE, r, a),
    "keep": lambda m, r, a: m.gateway.keep(ALICE, r, a),
    "reject": lambda m, r, a: m.gateway.reject(ALICE, r, a, "x"),
    "resolve": lambda m, r, a: m.gateway.resolve(ALICE, r, a, "kept", "x"),
    "acknowledge": lambda m, r, a: m.gateway.acknowledge(ALICE, r, a, "wrong"),
    "stop": lambda m, r, a: m.gateway.stop(ALICE, r, "", a, "x"),
    "freeze": lambda m, r, a: m.gateway.freeze(ALICE, r, "", a, "x"),
    "resume": lambda m, r, a: m.gateway.resume(ALICE, r, "", a, "x"),
    "withdraw": lambda m, r, _: m.gateway.withdraw(ALICE, r, "sha256:" + "0" * 64, "x"),
    "open_incident": lambda m, r, _: m.gateway.open_incident(ALICE, r, "x"),
}


@pytest.mark.parametrize("call", sorted(CALLS))
async def test_a_request_id_of_one_method_is_refused_by_every_other(call: str) -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view, request = await made.settled(), new()
        await made.gateway.open_incident(ALICE, request, "first")
        size = len(await all_leaves(made))
        with pytest.raises(InvalidRequest) as caught:
            await CALLS[call](made, request, view.id)
        assert caught.value.code == "REQUEST_ID_REUSED"
        assert len(await all_leaves(made)) == size


async def test_a_request_id_of_a_submit_stands_for_that_proposal_only() -> None:
    async with lab() as made:
        request = new()
        view = await made.submit(READ, request_id=request)
        for change in ({"justification": "another reason"}, {"scope": "orders-db"}, {"lease_s": 60}):
            told = {"justification": "", "scope": "", "lease_s": 0, **change}
            with pytest.raises(InvalidRequest) as caught:
                await made.gateway.submit(
                    AGENT, request_id=request, command=READ, steps=None, incident="", hypothesis="",
                    validate_only=False, **told,  # type: ignore[arg-type]
                )  # fmt: skip
            assert caught.value.code == "REQUEST_ID_REUSED"
        with pytest.raises(InvalidRequest):
            await made.gateway.cancel(AGENT, request, view.id, "x")


async def test_the_same_id_from_another_caller_is_another_request() -> None:
    async with lab() as made:
        request = new()
        mine = await made.submit(READ, request_id=request)
        theirs = await made.submit(READ, request_id=request, agent=OTHER_AGENT)
        assert mine.id != theirs.id
        assert theirs.agent == "agent-2"


async def test_one_proposal_sent_many_times_at_once_is_one_action() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        request = new()
        views = await asyncio.gather(*(made.submit(WRITE, request_id=request) for _ in range(8)))
        assert len({v.id for v in views}) == 1
        await made.clock.settle()
        assert [h[0] for h in made.target.history] == ["apply"]


async def _twice(made: Lab, action: str, event: str, call: Call) -> None:
    request = new()
    await asyncio.gather(call(made, request, action), call(made, request, action))
    await call(made, request, action)
    assert sum(e.startswith(event) for e in await events(made, action)) == 1


async def test_every_operation_counts_once_however_often_it_is_sent() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled(lease_s=600)
        await made.clock.advance(11_000)
        await _twice(made, view.id, "renew", CALLS["renew"])
        await _twice(made, view.id, "keep", CALLS["keep"])
        await _twice(made, view.id, "rollback", CALLS["rollback"])
        assert (await made.after(1_000, view.id)).state == "UNDONE"
        view = await made.settled()
        await _twice(made, view.id, "abort", CALLS["cancel"])
        made.policy.permit = "shadow"
        await _twice(made, (await made.settled()).id, "acknowledge", CALLS["acknowledge"])
        made.policy.permit = "approve"
        await _twice(made, (await made.settled()).id, "reject", CALLS["reject"])


async def test_one_request_id_on_two_actions_at_once_moves_one_of_them() -> None:
    async with lab(executor=False) as made:
        first, second = await made.settled(READ), await made.settled(READ)
        request = new()
        answers = await asyncio.gather(
            *(made.gateway.cancel(AGENT, request, a.id, "x") for a in (first, second)), return_exceptions=True
        )
        states = sorted([(await made.get(a.id)).state for a in (first, second)])
        assert states == ["CANCELLED", "GRANTED"]
        [refused] = [a for a in answers if isinstance(a, BaseException)]
        assert isinstance(refused, InvalidRequest)


@pytest.mark.parametrize("call", ["rollback", "renew", "release", "keep", "resolve", "acknowledge", "reject"])
async def test_an_operation_that_the_state_does_not_allow_changes_nothing(call: str) -> None:
    async with lab(executor=False) as made:
        view = await made.settled(READ)
        size = len(await all_leaves(made))
        with pytest.raises(Precondition) as caught:
            await CALLS[call](made, new(), view.id)
        assert caught.value.code == "STATE_FORBIDS"
        assert len(await all_leaves(made)) == size


@pytest.mark.parametrize("call", ["keep", "reject", "resolve", "acknowledge", "stop", "freeze", "resume", "withdraw"])
async def test_what_people_decide_is_not_for_agents(call: str) -> None:
    agent = Principal("alice", "", ("sre-oncall",), "agent", "mtls")
    methods: dict[str, Callable[[Lab, str], Awaitable[object]]] = {
        "keep": lambda m, a: m.gateway.keep(agent, new(), a),
        "reject": lambda m, a: m.gateway.reject(agent, new(), a, ""),
        "resolve": lambda m, a: m.gateway.resolve(agent, new(), a, "kept", ""),
        "acknowledge": lambda m, a: m.gateway.acknowledge(agent, new(), a, "wrong"),
        "stop": lambda m, _: m.gateway.stop(agent, new(), "", "", ""),
        "freeze": lambda m, _: m.gateway.freeze(agent, new(), "", "", ""),
        "resume": lambda m, _: m.gateway.resume(agent, new(), "", "", ""),
        "withdraw": lambda m, _: m.gateway.withdraw(agent, new(), m.policy.revision, ""),
    }
    async with lab() as made:
        view = await made.settled(READ)
        size = len(await all_leaves(made))
        with pytest.raises(CallerError) as caught:
            await methods[call](made, view.id)
        assert caught.value.code == "PEOPLE_ONLY"
        assert len(await all_leaves(made)) == size
