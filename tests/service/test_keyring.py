"""Keys that are made, rotated and revoked while the gateway runs."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.adapters.keys_file import KeyDirectory
from gateway.adapters.keys_live import LiveKeys
from gateway.core.canonical import canonical
from gateway.core.dsse import Envelope
from gateway.core.grant import Purpose
from gateway.core.kinds import LeafKind
from gateway.core.statement import Refused
from gateway.errors import SignerFault
from gateway.executor.claims import Claims
from gateway.executor.messages import Work
from gateway.service.keyring import KeyFollower
from gateway.service.regrant import lasting
from gateway.service.start import started
from gateway.service.views import WorkView
from tests.fakes.world import AGENT, AUDIENCE, READ, Lab, lab
from tests.service.hand import MIXED, TWO, Hand, applied, probed, running, undone
from tests.service.say import new, records, statuses

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def keyed(folder: Path, *, executor: bool = False) -> AsyncIterator[tuple[Lab, KeyDirectory, KeyFollower, str]]:
    """Run a lab that signs with a directory's keys; give it, the directory, who follows it, and the first kid."""
    keys = KeyDirectory(folder / "keys", b"p" * 32)
    first = keys.generate(0).kid
    async with lab(executor=executor, keys=keys) as made:
        assert isinstance(made.world.signer, LiveKeys)
        await started(made.world, keys.why_revoked)
        follower = KeyFollower(made.world, made.world.signer.refresh, keys.why_revoked, lambda: None)
        yield made, keys, follower, first


async def _events(made: Lab) -> list[tuple[str, str]]:
    return [
        (str(leaf.body["change"]), str(leaf.body["kid"])) for leaf in await records(made, "") if leaf.kind == "CM2002"
    ]


def _signer(envelope: bytes) -> str:
    return Envelope.from_bytes(envelope).sole_signature().keyid


def _as_work(view: WorkView, purpose: Purpose) -> Work:
    return Work(
        view.work_id, view.action, purpose, view.grant, view.plan, view.fence, view.snapshot, view.checks,
        view.deadline_ms, view.first_step,
    )  # fmt: skip


async def test_a_rotated_key_signs_what_comes_next_without_a_restart(tmp_path: Path) -> None:
    async with keyed(tmp_path) as (made, keys, follower, old):
        hand = Hand.attach(made)
        await made.settled(READ)
        assert _signer((await hand.take("apply")).grant) == old
        fresh = keys.rotate(made.clock.now_ms(), 60_000).kid
        await follower.look()
        await made.settled(READ)
        assert _signer((await hand.take("apply")).grant) == fresh
        assert {k["kid"] for k in json.loads(await made.gateway.jwks())["keys"]} == {old, fresh}
        assert await _events(made) == [
            ("in_use", old),
            *sorted([("retired", old), ("in_use", fresh)], key=lambda e: e[1]),
        ]
        await follower.look()
        assert len(await _events(made)) == 3


async def test_the_grants_of_a_revoked_key_are_revoked_and_the_log_says_why(tmp_path: Path) -> None:
    async with keyed(tmp_path) as (made, keys, follower, old):
        hand = Hand.attach(made)
        view = await made.settled(READ)
        work = await hand.take("apply")
        fresh = keys.generate(made.clock.now_ms()).kid
        await follower.look()
        other = await made.settled(READ)
        keys.revoke(old, made.clock.now_ms(), by="ana", reason="it was on a laptop that was stolen")
        await follower.look()
        view = await made.get(view.id)
        assert (view.state, view.reason) == ("REVOKED", "KEY_REVOKED")
        assert (await made.get(other.id)).state == "GRANTED"
        assert await hand.begin(work) == (False, "KEY_REVOKED")
        [told] = [leaf.body for leaf in await records(made, "") if leaf.body.get("change") == "revoked"]
        assert (told["kid"], told["by"], told["reason"]) == (old, "ana", "it was on a laptop that was stolen")
        assert made.world.signer.kid == fresh


async def test_a_key_that_was_revoked_while_the_gateway_was_down_is_found_at_its_start(tmp_path: Path) -> None:
    async with keyed(tmp_path) as (made, keys, _, old):
        view = await made.settled(READ)
        keys.generate(made.clock.now_ms())
        keys.revoke(old, made.clock.now_ms(), by="ana", reason="stolen")
        assert isinstance(made.world.signer, LiveKeys)
        await made.world.signer.refresh()
        await started(made.world, keys.why_revoked)
        assert (await made.get(view.id)).reason == "KEY_REVOKED"


async def test_begin_refuses_a_grant_whose_key_was_revoked_a_moment_ago_and_revokes_it(tmp_path: Path) -> None:
    """The follower has read the keys, and has not come to the grants yet; or the grant was recorded later."""
    async with keyed(tmp_path) as (made, keys, _, old):
        hand = Hand.attach(made)
        view = await made.settled(READ)
        work = await hand.take("apply")
        keys.generate(made.clock.now_ms())
        keys.revoke(old, made.clock.now_ms())
        assert isinstance(made.world.signer, LiveKeys)
        await made.world.signer.refresh()
        assert await hand.begin(work) == (False, "GRANT_KEY_REVOKED")
        view = await made.get(view.id)
        assert (view.state, view.reason) == ("REVOKED", "KEY_REVOKED")


@pytest.mark.parametrize(("end", "code"), [("revoked", "GRANT_KEY_REVOKED"), ("expired", "GRANT_KEY_EXPIRED")])
async def test_an_executor_refuses_a_key_whose_time_is_over(tmp_path: Path, end: str, code: str) -> None:
    async with keyed(tmp_path) as (made, keys, _, old):
        hand = Hand.attach(made)
        await made.settled(READ)
        work = _as_work(await hand.take("apply"), Purpose.APPLY)
        claims = Claims(AUDIENCE, hand.instance, keys.keys, made.clock)  # type: ignore[arg-type]
        assert not isinstance(claims.check(work), Refused)
        if end == "revoked":
            keys.revoke(old, made.clock.now_ms())
        else:
            keys.rotate(made.clock.now_ms(), 0)
        refused = claims.check(work)
        assert isinstance(refused, Refused)
        assert refused.code == code


@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_what_was_begun_under_a_key_that_ended_is_undone_under_a_grant_signed_again(
    tmp_path: Path, end: str
) -> None:
    async with keyed(tmp_path) as (made, keys, follower, old):
        hand, action = await running(made)
        await hand.say(hand.taken[-1], applied())
        await made.signer.sign()
        if end == "revoked":
            fresh = keys.generate(made.clock.now_ms()).kid
            keys.revoke(old, made.clock.now_ms(), by="ana", reason="stolen")
        else:
            fresh = keys.rotate(made.clock.now_ms(), 0).kid
        await follower.look()
        assert (await made.get(action)).state == "VERIFYING"
        await made.gateway.cancel(AGENT, new(), action, "wrong")
        work = await hand.take("undo")
        assert _signer(work.grant) == fresh
        claims = Claims(AUDIENCE, hand.instance, keys.keys, made.clock)  # type: ignore[arg-type]
        assert not isinstance(claims.check(_as_work(work, Purpose.UNDO)), Refused)
        assert await hand.begin(work) == (True, "")
        [told] = [
            leaf.body for leaf in await records(made, action) if leaf.body.get("kid") == fresh and leaf.kind == "CM1005"
        ]
        stored = await made.world.store.read(lambda tx: tx.document(action, f"grant_undo/{fresh}"))
        assert (told["purpose"], stored) == ("undo", work.grant)
        assert await hand.say(work, undone()) == (False, "")
        assert await statuses(made, action) == {0: "undone"}


async def test_a_grant_that_a_thief_of_the_key_put_into_the_database_is_not_signed_again(tmp_path: Path) -> None:
    async with keyed(tmp_path) as (made, keys, follower, old):
        hand, action = await running(made)
        await hand.say(hand.taken[-1], applied())
        genuine = await made.world.store.read(lambda tx: tx.document(action, "grant_undo"))
        assert genuine is not None
        payload = json.loads(Envelope.from_bytes(genuine).payload)
        payload["predicate"]["audience"] = "executor/mine"
        forged = Envelope.from_bytes(genuine)
        stolen = Envelope(canonical(payload), forged.payload_type, forged.signatures).to_bytes()
        keys.generate(made.clock.now_ms())
        keys.revoke(old, made.clock.now_ms())
        await follower.look()
        assert await lasting(made.world, action, stolen) == stolen
        assert _signer(await lasting(made.world, action, genuine)) == made.world.signer.kid


async def test_a_revoked_key_without_a_successor_signs_nothing(tmp_path: Path) -> None:
    async with keyed(tmp_path) as (made, keys, follower, old):
        keys.revoke(old, made.clock.now_ms())
        await follower.look()
        with pytest.raises(SignerFault) as raised:
            await made.submit(READ)
        assert raised.value.code == "KEY_REVOKED"
        keys.generate(made.clock.now_ms())
        await follower.look()
        assert (await made.submit(READ)).state == "GRANTED"


async def test_a_key_set_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    async with keyed(tmp_path) as (made, _, follower, old):
        path = tmp_path / "keys" / "jwks.json"
        good = path.read_bytes()
        path.write_bytes(b"{")
        with pytest.raises(SignerFault):
            await follower.look()
        assert made.world.signer.kid == old
        path.write_bytes(good)
        await follower.look()
        assert (await made.submit(READ)).state == "GRANTED"


async def test_a_revocation_holds_though_the_key_that_is_to_follow_does_not_open(tmp_path: Path) -> None:
    async with keyed(tmp_path) as (made, keys, follower, old):
        view = await made.settled(READ)
        fresh = keys.generate(made.clock.now_ms()).kid
        (tmp_path / "keys" / f"{fresh}.key").write_bytes(b"{}")
        keys.revoke(old, made.clock.now_ms())
        with pytest.raises(SignerFault):
            await follower.look()
        assert (await made.get(view.id)).reason == "KEY_REVOKED"
        with pytest.raises(SignerFault):
            await made.submit(READ)


async def _rotated(made: Lab, keys: KeyDirectory, follower: KeyFollower, old: str) -> None:
    """Put another key in the place of one that was stolen."""
    keys.generate(made.clock.now_ms())
    keys.revoke(old, made.clock.now_ms(), by="ana", reason="stolen")
    await follower.look()


async def _taken_back(made: Lab, hand: Hand, action: str, old: str, left: dict[int, str]) -> None:
    """Take the first step back, under a grant that the revoked key did not sign."""
    view = await made.get(action)
    assert (view.state, view.reason) == ("UNDOING", "KEY_REVOKED")
    work = await hand.take("undo")
    assert _signer(work.grant) != old
    assert await hand.begin(work) == (True, "")
    await hand.say(work, undone(0))
    assert await statuses(made, action) == left


async def test_a_plan_that_runs_while_its_key_is_revoked_takes_no_further_step_and_is_taken_back(
    tmp_path: Path,
) -> None:
    async with keyed(tmp_path) as (made, keys, follower, old):
        hand, action = await running(made, TWO, steps=2)
        await _rotated(made, keys, follower, old)
        assert (await made.get(action)).state == "EXECUTING"  # a step is in hand: its outcome is not known yet
        assert await hand.say(await hand.take("apply"), applied(0)) == (False, "")
        await _taken_back(made, hand, action, old, {0: "undone"})
        await hand.sample_again()
        assert (await made.get(action)).state == "UNDONE"
        said = await records(made, action)
        assert "CM1041" not in {leaf.kind.value for leaf in said}, "a stolen key says nothing against the agent"
        assert not any("counted" in leaf.body for leaf in said if leaf.kind is LeafKind.UNDO_OUTCOME)


@pytest.mark.parametrize("when", ["between two steps", "before it is taken up again"])
async def test_a_plan_between_two_steps_ends_at_once_when_its_key_is_revoked(tmp_path: Path, when: str) -> None:
    """Its executor was lost after the first step; the second waits to be taken up again."""
    async with keyed(tmp_path) as (made, keys, follower, old):
        hand, action = await running(made, TWO, steps=2)
        await hand.say(await hand.take("apply"), applied(0, "unknown"))
        probe = await hand.take("probe")
        await hand.begin(probe)
        await hand.say(probe, probed(0, "applied"))
        assert await statuses(made, action) == {0: "applied", 1: "pending"}
        rest = await hand.take("apply")
        assert rest.first_step == 1
        began = made.clock.now_ms()
        if when == "between two steps":
            await _rotated(made, keys, follower, old)
        else:  # the follower has read the keys, and not come to the plans yet
            keys.generate(made.clock.now_ms())
            keys.revoke(old, made.clock.now_ms())
            assert isinstance(made.world.signer, LiveKeys)
            await made.world.signer.refresh()
            assert await hand.begin(rest) == (False, "GRANT_KEY_REVOKED")
        await _taken_back(made, hand, action, old, {0: "undone", 1: "pending"})
        assert made.clock.now_ms() == began, "it waited for a deadline"
        assert not (await hand.begin(rest))[0]


async def test_a_plan_whose_key_was_revoked_before_anything_was_written_is_not_applied(tmp_path: Path) -> None:
    async with keyed(tmp_path) as (made, keys, follower, old):
        hand, action = await running(made, MIXED, steps=3)
        await _rotated(made, keys, follower, old)
        assert await hand.say(await hand.take("apply"), applied(0)) == (False, "")
        view = await made.get(action)
        assert (view.state, view.reason) == ("NOT_APPLIED", "KEY_REVOKED")
