"""Verification: no data is no good news, foreign data is no data, and every verdict takes its row."""

import pytest

from gateway.core.canonical import Json
from gateway.core.receipt import open_receipt
from gateway.core.statement import Refused
from gateway.errors import InvalidRequest
from gateway.service.reports import SamplesReport
from tests.fakes.world import ALICE, VERIFY, Lab, lab
from tests.service.hand import Hand, applied, running, samples
from tests.service.say import dues, events, freeze, leaves, new, records, stop

pytestmark = pytest.mark.anyio
IMPROVE = {
    "better": {"checks": [{"name": "errors", "kind": "improve", "limit": 1, "provider": "fake", "query": {}}]},
    "steady": {"checks": [{"name": "errors", "kind": "not_worse", "limit": 5, "provider": "fake", "query": {}}]},
}


def _verify(profile: str = "better", **more: Json) -> dict[str, Json]:
    return {"code": "TEST_VERIFY", "verify": {"profile": profile, "window_s": 10, "interval_s": 1, **more}}


async def _verifying(made: Lab, **more: Json) -> tuple[Hand, str]:
    hand, action = await running(made, **more)
    await hand.say(hand.taken[-1], applied())
    assert (await made.get(action)).state == "VERIFYING"
    return hand, action


@pytest.mark.parametrize(
    ("value", "on", "lease_s", "state", "row"),
    [
        (0.0, {}, 0, "COMMITTED", "verdict[effective]"),
        (0.0, {}, 60, "LEASED", "verdict[effective_ttl]"),
        (4.0, {}, 0, "UNDONE", "verdict[ineffective_undo]"),
        (4.0, {"on_ineffective": "needs_human"}, 0, "NEEDS_HUMAN", "verdict[ineffective_human]"),
        (4.0, {"on_ineffective": "commit_flagged"}, 0, "COMMITTED", "verdict[ineffective_commit]"),
        (4.0, {"on_ineffective": "commit_flagged"}, 60, "LEASED", "verdict[ineffective_lease]"),
        (None, {}, 0, "UNDONE", "verdict[inconclusive_undo]"),
        (None, {"on_inconclusive": "needs_human"}, 0, "NEEDS_HUMAN", "verdict[inconclusive_human]"),
        (None, {"on_ineffective": "commit_flagged"}, 60, "UNDONE", "verdict[inconclusive_undo]"),
    ],
)
async def test_every_verdict_takes_its_row(
    value: float | None, on: dict[str, str], lease_s: int, state: str, row: str
) -> None:
    async with lab(profiles=IMPROVE) as made:
        made.policy.obligations = [_verify(**on)]
        made.telemetry.value = 4.0
        view = await made.settled(lease_s=lease_s)
        made.telemetry.value = value
        view = await made.after(13_000, view.id)
        assert view.state == state
        assert row in await events(made, view.id)


async def test_what_could_not_be_taken_back_is_shown_to_people_when_it_did_not_help() -> None:
    async with lab(profiles=IMPROVE) as made:
        made.policy.obligations = [_verify()]
        made.target.undo_class = "neutral"
        made.telemetry.value = 4.0
        view = await made.settled()
        view = await made.after(13_000, view.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "VERIFICATION_INEFFECTIVE")
        assert "CM1039" in await leaves(made, view.id)


async def test_a_flagged_commit_says_so_in_log_and_receipt() -> None:
    async with lab(profiles=IMPROVE) as made:
        made.policy.obligations = [_verify(on_ineffective="commit_flagged")]
        made.telemetry.value = 4.0
        view = await made.settled()
        view = await made.after(13_000, view.id)
        assert view.reason == "VERIFICATION_INEFFECTIVE"
        receipt = open_receipt(view.receipt, keys=made.world.keys())
        assert not isinstance(receipt, Refused)
        assert (receipt.outcome, receipt.verdict) == ("COMMITTED", "ineffective")
        [verdict] = [leaf.body for leaf in await records(made, view.id) if leaf.kind.value == "CM1015"]
        assert verdict["flagged"] is True


async def test_a_change_without_any_verification_is_never_taken_for_good() -> None:
    async with lab() as made:
        view = await made.settled()
        view = await made.after(3_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_INCONCLUSIVE")


async def test_downtime_of_the_gateway_is_missing_samples() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        await made.clock.advance(2_500)
        await made.clock.leap(60_000)
        view = await made.after(1_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_INCONCLUSIVE")


async def test_samples_of_checks_that_nobody_asked_for_are_dropped() -> None:
    async with lab(executor=False) as made:
        hand, action = await _verifying(made)
        await made.clock.advance(1_000)
        work = await hand.take("sample")
        await hand.begin(work)
        now = made.clock.now_ms()
        told = samples(("0/errors", now, 1.0), ("0/forged", now, 9.0), ("password:hunter2hunter2", now, 1.0))
        assert await hand.say(work, told) == (False, "")
        [body] = [leaf.body for leaf in await records(made, action) if leaf.kind.value == "CM1014"]
        assert [s["check"] for s in body["samples"]] == ["0/errors"]


@pytest.mark.parametrize(
    "document",
    [b"{}", b"nonsense", *(b'{"samples":[%s]}' % sample for sample in (
        b"1", b'{"check":"0/errors","at_ms":"now","value":1}', b'{"check":"0/errors","at_ms":1,"value":"1"}',
        b'{"check":"0/errors","at_ms":1,"value":true}', b'{"check":"0/errors","at_ms":1}',
        b'{"check":"a b","at_ms":1,"value":1}', b'{"check":"0/errors","at_ms":1,"value":1e999}',
     ))],
)  # fmt: skip
async def test_samples_of_another_shape_are_refused(document: bytes) -> None:
    async with lab(executor=False) as made:
        hand, action = await _verifying(made)
        await made.clock.advance(1_000)
        work = await hand.take("sample")
        await hand.begin(work)
        with pytest.raises(InvalidRequest) as caught:
            await hand.say(work, SamplesReport(document))
        assert caught.value.code == "SAMPLES_MALFORMED"
        assert (await made.get(action)).state == "VERIFYING"


async def test_samples_come_once_for_each_round_that_was_asked() -> None:
    async with lab(executor=False) as made:
        hand, action = await _verifying(made)
        await made.clock.advance(1_000)
        work = await hand.take("sample")
        await hand.begin(work)
        told = samples(("0/errors", made.clock.now_ms(), 1.0))
        assert await hand.say(work, told) == (False, "")
        assert await hand.say(work, told) == (False, "WORK_UNKNOWN")
        assert (await leaves(made, action)).count("CM1014") == 1


async def test_samples_after_the_verdict_change_nothing() -> None:
    async with lab(executor=False) as made:
        hand, action = await _verifying(made)
        await made.clock.advance(1_000)
        work = await hand.take("sample")
        await hand.begin(work)
        await made.gateway.keep(ALICE, new(), action)
        version = (await made.get(action)).version
        await hand.say(work, samples(("0/errors", made.clock.now_ms(), 50.0)))
        assert (await made.get(action)).version == version


async def test_a_stop_lets_verification_and_its_undo_go_on() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        await stop(made)
        made.telemetry.value = 50.0
        view = await made.after(4_000, view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_HARMED")


async def test_a_freeze_hands_verification_and_undo_to_people_and_leaves_no_timer() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        first = await made.settled()
        second = await made.settled(b'psql -c "ALTER ROLE shop CONNECTION LIMIT 9"')
        made.target.undo_fails = "retry"
        await made.gateway.cancel(ALICE, new(), second.id, "wrong")
        await freeze(made)
        for action in (first.id, second.id):
            view = await made.get(action)
            assert (view.state, view.reason) == ("NEEDS_HUMAN", "GATEWAY_FROZEN")
            assert await dues(made, action) == set()


async def test_a_freeze_of_another_environment_or_agent_touches_nothing() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        await freeze(made, environment="staging")
        await freeze(made, agent="agent-2")
        assert (await made.get(view.id)).state == "VERIFYING"
        assert (await made.after(11_000, view.id)).state == "COMMITTED"
