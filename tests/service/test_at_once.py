"""Plain reads that are begun in the same commit as they are decided, for an executor that has a hand free."""

import asyncio
from dataclasses import replace

import pytest

from gateway.core.dsse import Envelope
from gateway.core.kinds import LeafKind
from gateway.core.statement import Statement
from gateway.service.dispatch import ask_to_apply
from gateway.service.reports import RefusalReport
from gateway.service.views import WorkView
from tests.fakes.world import READ, Lab, lab
from tests.service.hand import FAST, Hand, applied
from tests.service.say import events, freeze, new, records, stop

pytestmark = pytest.mark.anyio
TWO_READS = READ + b" && " + READ


def _leave(work: WorkView) -> object:
    return Statement.from_bytes(Envelope.from_bytes(work.grant).payload).predicate.get("leave")


async def test_a_plain_read_is_executing_when_its_decision_is_answered() -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made, concurrency=1)
        view = await made.submit(READ)
        assert view.state == "EXECUTING"
        assert await events(made, view.id) == ["submit[parsed]", "decide[allow]", "begin_attempt[holds]"]
        work = await hand.take("apply")
        assert (_leave(work), work.fence) == ({"instance": "hand", "fence": 1}, 1)
        assert await hand.say(work, applied()) == (False, "")
        assert (await made.get(view.id)).state == "SUCCEEDED"


async def test_the_executor_does_not_ask_and_the_read_runs_once() -> None:
    async with lab(FAST, concurrency=2) as made:
        asked: list[str] = []
        begin = made.gateway.begin_attempt

        async def heard(**said: object) -> tuple[bool, str]:
            asked.append(str(said["purpose"]))
            return await begin(**said)  # type: ignore[arg-type]

        made.gateway.begin_attempt = heard  # type: ignore[method-assign]
        view = await made.settled(READ)
        assert (view.state, [o.data for o in view.outputs], asked) == ("SUCCEEDED", [b"row\n"], [])


async def test_a_plan_of_reads_is_begun_with_its_first_step_and_goes_on() -> None:
    async with lab(FAST, concurrency=1) as made:
        view = await made.settled(TWO_READS)
        assert (view.state, [s.status for s in view.steps]) == ("SUCCEEDED", ["applied", "applied"])


async def test_an_executor_with_its_hands_full_asks_as_one_that_never_told_how_much_it_does() -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made, concurrency=1)
        assert (await made.submit(READ)).state == "EXECUTING"
        waits = await made.submit(READ)
        assert waits.state == "GRANTED"
        work = await hand.take("apply")
        assert (work.action, _leave(work)) == (waits.id, None)
        assert await hand.begin(work) == (True, "")


async def test_a_change_is_never_begun_with_its_decision() -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made, concurrency=1)
        view = await made.submit()
        work = await hand.granted()
        assert (await made.get(view.id)).state == "GRANTED"
        assert _leave(work) is None


async def test_a_read_that_people_approve_is_begun_by_asking() -> None:
    async with lab(FAST, concurrency=1) as made:
        made.policy.permit = "approve"
        view = await made.settled(READ)
        await made.approve(view.id)
        assert (await made.get(view.id)).state == "SUCCEEDED"
        assert "begin_attempt[holds]" in await events(made, view.id)


@pytest.mark.parametrize("turn", [stop, freeze])
async def test_a_switch_that_commits_first_revokes_the_grant_and_nobody_gets_the_work(turn: object) -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made, concurrency=1)
        evaluate = made.policy.evaluate

        async def slow(document: object) -> object:
            answer = await evaluate(document)  # type: ignore[arg-type]
            await turn(made)  # type: ignore[operator]
            return answer

        made.policy.evaluate = slow  # type: ignore[method-assign,assignment]
        assert (await made.submit(READ)).state == "REVOKED"
        assert hand.session.queue.empty()


async def test_what_has_leave_is_not_begun_again_by_anybody() -> None:
    async with lab(FAST, executor=False) as made:
        hand, other = Hand.attach(made, concurrency=1), Hand.attach(made, "other", concurrency=1)
        await made.submit(READ)
        work = await hand.take("apply")
        assert await hand.begin(work) == (False, "NONCE_REPLAYED")
        assert await other.begin(work) == (False, "WORK_UNKNOWN")
        assert await other.say(work, applied()) == (False, "REPORT_FOREIGN")


async def test_an_executor_that_goes_away_before_the_commit_leaves_a_read_that_failed() -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made, concurrency=1)
        sign = made.world.signer.sign

        async def leaves_meanwhile(data: bytes) -> bytes:
            made.world.signer.sign = sign  # type: ignore[method-assign]
            hand.session.close()
            return await sign(data)

        made.world.signer.sign = leaves_meanwhile  # type: ignore[method-assign]
        view = await made.submit(READ)
        again = await made.get(view.id)
        assert (again.state, again.reason) == ("FAILED", "EXECUTOR_LOST")


async def test_a_caller_that_goes_away_during_the_commit_does_not_keep_the_read_from_its_executor() -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made, concurrency=1)
        proposing = asyncio.create_task(made.submit(READ))
        sign = made.world.signer.sign

        async def and_goes_away(data: bytes) -> bytes:
            made.world.signer.sign = sign  # type: ignore[method-assign]
            proposing.cancel()
            return await sign(data)

        made.world.signer.sign = and_goes_away  # type: ignore[method-assign]
        with pytest.raises(asyncio.CancelledError):
            await proposing
        work = await hand.take("apply")
        await hand.say(work, applied())
        assert (await made.get(work.action)).state == "SUCCEEDED"


async def test_many_at_once_are_begun_for_as_many_hands_as_are_free() -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made, concurrency=2)
        views = await asyncio.gather(*(made.submit(READ) for _ in range(6)))
        assert sorted(view.state for view in views) == ["EXECUTING"] * 2 + ["GRANTED"] * 4
        assert hand.session.promised == 0


async def test_a_key_that_was_revoked_before_the_commit_begins_nothing() -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made, concurrency=1)
        sign, keys = made.world.signer.sign, made.world.keys()

        async def revoked_meanwhile(data: bytes) -> bytes:
            now = made.clock.now_ms()
            gone = {kid: replace(key, revoked_ms=now) for kid, key in keys.items()}
            object.__setattr__(made.world, "keys", lambda: gone)
            return await sign(data)

        made.world.signer.sign = revoked_meanwhile  # type: ignore[method-assign]
        view = await made.submit(READ)
        assert (view.state, view.reason, hand.session.queue.empty()) == ("REVOKED", "KEY_REVOKED", True)


async def test_a_refusal_of_another_executor_ends_no_read_that_is_under_way() -> None:
    """Guard: a copy went to an executor with stale keys, while the first one reads."""
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made)
        view = await made.submit(READ)
        work = await hand.take("apply")
        other = Hand.attach(made, "other")
        await ask_to_apply(made.world, view.id)
        assert await hand.begin(work) == (True, "")
        copy = await other.take("apply")
        await other.say(copy, RefusalReport("GRANT_KEY_UNKNOWN", "stale keys"))
        await hand.say(work, applied())
        assert (await made.get(view.id)).state == "SUCCEEDED"


async def test_an_executor_that_dies_with_leave_leaves_a_read_that_failed_at_its_deadline() -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made, concurrency=1)
        view = await made.submit(READ)
        hand.session.close()
        assert (await made.after(5_400, view.id)).state == "EXECUTING"
        ended = await made.after(200, view.id)
        assert (ended.state, ended.reason) == ("FAILED", "EXECUTOR_LOST")


async def test_a_refusal_of_the_leave_ends_the_read_and_tells_security() -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made, concurrency=1)
        view = await made.submit(READ)
        await hand.say(await hand.take("apply"), RefusalReport("GRANT_LEAVE", "as told"))
        ended = await made.get(view.id)
        assert (ended.state, ended.reason, ended.steps[0].status) == ("NOT_APPLIED", "GRANT_LEAVE", "pending")
        told = {leaf.kind: leaf.body for leaf in await records(made, view.id)}
        assert told[LeafKind.SECURITY]["code"] == "GRANT_LEAVE"


async def test_a_refusal_after_a_change_has_begun_ends_nothing() -> None:
    """Guard: only a plain read is begun before the executor has checked its grant."""
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made, concurrency=1)
        view = await made.submit()
        work = await hand.granted()
        assert await hand.begin(work) == (True, "")
        await hand.say(work, RefusalReport("GRANT_SIGNATURE", "a lie"))
        assert (await made.get(view.id)).state == "EXECUTING"
        await _give_up(made, view.id)


async def test_the_same_request_is_begun_once() -> None:
    async with lab(FAST, executor=False) as made:
        hand = Hand.attach(made, concurrency=2)
        request = new()
        first = await made.submit(READ, request_id=request)
        again = await made.submit(READ, request_id=request)
        assert (again.id, again.version) == (first.id, first.version)
        await hand.take("apply")
        assert len(hand.taken) == 1


async def _give_up(made: Lab, action: str) -> None:
    """Let an attempt that nobody reports end in the hands of people, so that the lab can be audited."""
    await made.clock.advance(60_000)
    assert (await made.get(action)).state == "NEEDS_HUMAN"
