"""Zombies: whoever was given up, and whoever never was asked, against every fence on the way to a target.

Each case names the guard that it is about, and was seen to fail without it. Where a second guard would stand in (a used
nonce), the attacker has taken that one away, in the database.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.canonical import canonical
from gateway.core.grant import Purpose
from gateway.core.statement import Refused
from gateway.executor.claims import Claims
from gateway.executor.messages import Work
from gateway.service.dispatch import ask_to_apply
from gateway.service.reports import ObservationReport, RefusalReport
from gateway.service.views import WorkView
from tests.attacks.database import Attacker
from tests.fakes.world import AGENT, AUDIENCE, VERIFY, Lab, lab
from tests.service.hand import FAST, TWO, Hand, applied, probed, running, samples, seen, undone
from tests.service.say import leaves, new, statuses

pytestmark = pytest.mark.anyio


def _file(folder: Path) -> Path:
    path = folder / "state" / "countermand.db"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return path


# --- BeginAttempt ------------------------------------------------------------------------------


async def test_an_offer_that_slept_begins_nothing_once_another_began_under_its_fence(tmp_path: Path) -> None:
    """Guard: the next fence. Its nonce was made to look unused."""
    async with lab(FAST, executor=False, path=_file(tmp_path)) as made:
        zombie = Hand.attach(made, "zombie")
        view = await made.settled(TWO)
        slept = await zombie.granted(steps=2)
        second = Hand.attach(made, "second")
        await made.clock.advance(2_000)
        assert await second.begin(await second.take("apply")) == (True, "")
        attacker = Attacker(tmp_path / "state" / "countermand.db")
        with attacker.undone("nonces"):
            attacker.run("DELETE FROM nonces WHERE action = ?", view.id)
            assert await zombie.begin(slept) == (False, "FENCE_STALE")


async def test_a_zombie_does_not_begin_by_naming_the_next_fence() -> None:
    """Guard: the fence is the one that the work was offered under."""
    async with lab(FAST, executor=False) as made:
        zombie = Hand.attach(made, "zombie")
        await made.settled(TWO)
        slept = await zombie.granted(steps=2)
        second = Hand.attach(made, "second")
        await made.clock.advance(2_000)
        assert await second.begin(await second.take("apply")) == (True, "")
        assert await zombie.begin(slept, fence=slept.fence + 1) == (False, "FENCE_STALE")


async def test_work_is_begun_only_by_the_executor_that_it_was_handed_to() -> None:
    """Guard: the session of the work. The thief knows work, nonce and fence."""
    async with lab(executor=False) as made:
        owner = Hand.attach(made, "owner")
        view = await made.settled()
        work = await owner.granted()
        thief = Hand.attach(made, "thief")
        assert await thief.begin(work) == (False, "WORK_UNKNOWN")
        assert await statuses(made, view.id) == {}
        assert await owner.begin(work) == (True, "")


async def test_old_work_that_another_executor_replays_after_its_end_begins_nothing() -> None:
    """Guard: work is forgotten once its last result was told."""
    async with lab(executor=False) as made:
        hand, action = await running(made)
        work = hand.taken[-1]
        await hand.say(work, applied())
        assert await hand.begin(work) == (False, "WORK_UNKNOWN")
        thief = Hand.attach(made, "thief")
        assert await thief.begin(work) == (False, "WORK_UNKNOWN")
        assert (await made.get(action)).state == "VERIFYING"


# --- reports -----------------------------------------------------------------------------------


async def test_a_zombie_that_wakes_after_it_was_given_up_reports_nothing() -> None:
    """Guard: the fence in force."""
    async with lab(FAST, executor=False) as made:
        zombie, action = await running(made)
        await made.clock.advance(5_600)
        assert await zombie.say(zombie.taken[-1], applied()) == (False, "FENCE_STALE")
        assert await statuses(made, action) == {0: "intended"}


@pytest.mark.parametrize("status", ["applied", "not_applied", "unknown"])
async def test_an_outcome_counts_only_from_the_executor_that_began(status: str) -> None:
    """Guard: the instance of the attempt. The stranger knows work and fence."""
    async with lab(executor=False) as made:
        hand, action = await running(made)
        stranger = Hand.attach(made, "stranger")
        said = applied(0, status, "" if status == "applied" else "LIED")
        assert await stranger.say(hand.taken[-1], said) == (False, "REPORT_FOREIGN")
        assert await stranger.say(hand.taken[-1], said, work_id="wrk_none") == (False, "REPORT_FOREIGN")
        assert await statuses(made, action) == {0: "intended"}
        assert await hand.say(hand.taken[-1], applied()) == (False, "")


async def test_an_outcome_under_the_fence_of_a_probe_counts_from_nobody() -> None:
    """Guard: the fence was taken to probe, not to apply. The zombie guessed the fence that replaced its own."""
    async with lab(FAST, executor=False) as made:
        zombie, action = await running(made)
        work = zombie.taken[-1]
        await made.clock.advance(5_600)
        assert (await zombie.take("probe")).fence == work.fence + 1
        assert await zombie.say(work, applied(), fence=work.fence + 1) == (False, "REPORT_FOREIGN")
        assert await statuses(made, action) == {0: "intended"}


@pytest.mark.parametrize("instance", ["hand", "stranger"])
async def test_after_a_restart_of_the_gateway_an_outcome_still_counts_only_from_the_executor_that_began(
    tmp_path: Path, instance: str
) -> None:
    """Guard: the log says who began; what the gateway had in memory is gone."""
    async with lab(executor=False, path=_file(tmp_path)) as made:
        hand, action = await running(made)
        work = hand.taken[-1]
    async with lab(executor=False, path=_file(tmp_path)) as again:
        again.policy.obligations = [VERIFY]
        speaker = Hand.attach(again, instance)
        answer = await speaker.say(work, applied())
        assert answer == ((False, "") if instance == "hand" else (False, "REPORT_FOREIGN"))
        assert (await again.get(action)).state == ("VERIFYING" if instance == "hand" else "EXECUTING")


async def test_an_observation_counts_only_from_the_executor_that_was_asked() -> None:
    """Guard: the session of the work."""
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        work = await hand.take("observe")
        await hand.begin(work)
        stranger = Hand.attach(made, "stranger")
        assert await stranger.say(work, ObservationReport(b"{}")) == (False, "REPORT_FOREIGN")
        assert await stranger.say(work, RefusalReport("GRANT_SIGNATURE", "")) == (False, "REPORT_FOREIGN")
        assert (await made.get(view.id)).state == "PROPOSED"
        await hand.say(work, ObservationReport(canonical(seen(made))))
        assert (await made.get(view.id)).state == "GRANTED"


async def test_a_probe_counts_only_from_the_executor_that_was_asked() -> None:
    """Guard: the session of the work."""
    async with lab(FAST, executor=False) as made:
        hand, action = await running(made)
        await made.clock.advance(5_600)
        probe = await hand.take("probe")
        await hand.begin(probe)
        stranger = Hand.attach(made, "stranger")
        assert await stranger.say(probe, probed(0, "applied")) == (False, "REPORT_FOREIGN")
        assert await statuses(made, action) == {0: "intended"}
        await hand.say(probe, probed(0, "applied"))
        assert await statuses(made, action) == {0: "applied"}


async def test_samples_count_only_from_the_executor_that_was_asked() -> None:
    """Guard: the session of the work."""
    async with lab(executor=False) as made:
        hand, action = await running(made)
        await hand.say(hand.taken[-1], applied())
        await made.clock.advance(1_000)
        work = await hand.take("sample")
        stranger = Hand.attach(made, "stranger")
        good = samples(("0/errors", made.clock.now_ms(), 1.0))
        before = await leaves(made, action)
        assert await stranger.say(work, good) == (False, "REPORT_FOREIGN")
        assert await leaves(made, action) == before


# --- undo --------------------------------------------------------------------------------------


async def _undoing(made: Lab) -> tuple[Hand, str]:
    hand, action = await running(made)
    await hand.say(hand.taken[-1], applied())
    await made.gateway.cancel(AGENT, new(), action, "wrong")
    assert (await made.get(action)).state == "UNDOING"
    return hand, action


async def test_an_undo_that_slept_begins_nothing_once_another_began_under_its_fence(tmp_path: Path) -> None:
    """Guard: the next fence. Its nonce was made to look unused."""
    async with lab(FAST, executor=False, path=_file(tmp_path)) as made:
        zombie, action = await _undoing(made)
        slept = await zombie.take("undo")
        second = Hand.attach(made, "second")
        await made.clock.advance(2_000)
        assert await second.begin(await second.take("undo")) == (True, "")
        attacker = Attacker(_file(tmp_path))
        with attacker.undone("nonces"):
            attacker.run("DELETE FROM nonces WHERE action = ?", action)
            assert await zombie.begin(slept) == (False, "FENCE_STALE")


async def test_an_undo_is_told_only_by_the_executor_that_began_it() -> None:
    """Guard: the instance of the attempt, and the purpose of its fence."""
    async with lab(executor=False) as made:
        hand, action = await _undoing(made)
        work = await hand.take("undo")
        assert await hand.say(work, undone(), fence=work.fence - 1) == (False, "REPORT_FOREIGN")  # the fence of apply
        assert await hand.begin(work) == (True, "")
        stranger = Hand.attach(made, "stranger")
        assert await stranger.say(work, undone()) == (False, "REPORT_FOREIGN")
        assert await statuses(made, action) == {0: "applied"}
        assert await hand.say(work, undone()) == (False, "")
        assert await statuses(made, action) == {0: "undone"}


async def test_an_undo_under_an_older_fence_reports_nothing() -> None:
    """Guard: the fence in force."""
    async with lab(FAST, executor=False) as made:
        zombie, action = await _undoing(made)
        slept = await zombie.take("undo")
        assert await zombie.begin(slept) == (True, "")
        await made.clock.advance(6_000)
        again = await zombie.take("undo")
        assert again.fence == slept.fence + 1
        assert await zombie.begin(again) == (True, "")
        assert await zombie.say(slept, undone()) == (False, "FENCE_STALE")
        assert (await made.get(action)).state == "UNDOING"


# --- the executor's own memory -----------------------------------------------------------------


@pytest.mark.parametrize("purpose", [Purpose.APPLY, Purpose.PROBE, Purpose.UNDO])
async def test_an_executor_refuses_work_under_a_fence_that_it_has_seen(purpose: Purpose) -> None:
    """Guard: the highest fence of each action. Whoever sends it holds a genuine grant."""
    async with lab(FAST, executor=False) as made:
        work = await _genuine(made, purpose)
        claims = Claims(AUDIENCE, "hand", made.world.keys, made.clock)  # type: ignore[arg-type]
        assert not isinstance(claims.check(work), Refused)
        claims.begun(work)
        for fence in (work.fence, work.fence - 1, 0):
            refused = claims.check(replace(work, fence=fence))
            assert isinstance(refused, Refused)
            assert refused.code == "GRANT_FENCE"
        assert not isinstance(claims.check(replace(work, fence=work.fence + 1)), Refused)


@pytest.mark.parametrize("purpose", [Purpose.APPLY, Purpose.UNDO])
async def test_an_executor_that_restarted_and_forgot_is_held_by_the_gateway(purpose: Purpose) -> None:
    """Guard: BeginAttempt. The new process has no memory, and the old work with its genuine grant."""
    async with lab(FAST, executor=False) as made:
        work = await _genuine(made, purpose)
        assert not isinstance(Claims(AUDIENCE, "again", made.world.keys, made.clock).check(work), Refused)  # type: ignore[arg-type]
        first, view = _hands.pop()
        assert await first.begin(view) == (True, "")
        restarted = Hand.attach(made, "restarted")
        assert await restarted.begin(view) == (False, "WORK_UNKNOWN")
        assert await restarted.say(view, undone() if purpose is Purpose.UNDO else applied()) == (
            False, "REPORT_FOREIGN",
        )  # fmt: skip


_hands: list[tuple[Hand, WorkView]] = []


async def _genuine(made: Lab, purpose: Purpose) -> Work:
    """Return work of a purpose as an executor gets it."""
    match purpose:
        case Purpose.APPLY:
            hand = Hand.attach(made)
            await made.settled()
            view = await hand.granted()
        case Purpose.PROBE:
            hand, _ = await running(made)
            await made.clock.advance(5_600)
            view = await hand.take("probe")
        case _:
            hand, _ = await _undoing(made)
            view = await hand.take("undo")
    _hands[:] = [(hand, view)]
    return Work(
        view.work_id, view.action, purpose, view.grant, view.plan, view.fence, view.snapshot, view.checks,
        view.deadline_ms, view.first_step,
    )  # fmt: skip


async def test_the_same_offer_made_twice_touches_the_target_once() -> None:
    """The real executor, the whole way: two offers of one grant under way at once."""
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.submit()
        await made.clock.settle()
        await ask_to_apply(made.world, view.id)
        await made.clock.settle()
        assert [h[0] for h in made.target.history] == ["apply"]
