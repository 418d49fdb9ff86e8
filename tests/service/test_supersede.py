"""Supersession: who overwrites a change takes over its way back, and only then."""

import pytest

from gateway.core import snapshot
from gateway.core.canonical import loads_strict
from gateway.core.receipt import open_receipt
from gateway.core.statement import Refused
from gateway.core.undo import fields_of
from gateway.errors import Precondition
from gateway.service.supersede import way_back
from tests.fakes.world import ALICE, VERIFY, Lab, lab
from tests.service.hand import Hand, applied
from tests.service.say import dues, events, new, records

pytestmark = pytest.mark.anyio
ROLE = "pg:orders-db/role/checkout"
SHOP = "pg:orders-db/role/shop"


def limit(n: int, role: str = "checkout") -> bytes:
    return f'psql -c "ALTER ROLE {role} CONNECTION LIMIT {n}"'.encode()


async def _kept(made: Lab, command: bytes, lease_s: int = 0) -> str:
    """Return an action that is committed or, with a lease, leased."""
    made.policy.obligations = [VERIFY]
    view = await made.settled(command, lease_s=lease_s)
    view = await made.after(11_000, view.id)
    assert view.state == ("LEASED" if lease_s else "COMMITTED")
    return view.id


async def test_a_committed_change_is_superseded_by_the_one_that_overwrites_it() -> None:
    async with lab() as made:
        first = await _kept(made, limit(5))
        second = await made.settled(limit(9))
        view = await made.get(first)
        assert (second.state, view.state, view.reason) == ("VERIFYING", "SUPERSEDED", "SUPERSEDED")
        [leaf] = [leaf for leaf in await records(made, first) if leaf.event == "supersede"]
        assert leaf.body["by"] == second.id
        receipt = open_receipt(view.receipt, keys=made.world.keys())
        assert not isinstance(receipt, Refused)
        assert (receipt.outcome, receipt.cause) == ("SUPERSEDED", second.id)


async def test_what_was_superseded_cannot_be_rolled_back_by_itself() -> None:
    async with lab() as made:
        first = await _kept(made, limit(5))
        await made.settled(limit(9))
        with pytest.raises(Precondition) as caught:
            await made.gateway.rollback(ALICE, new(), first, "too late")
        assert caught.value.code == "STATE_FORBIDS"


async def test_over_a_committed_change_the_way_back_ends_at_it() -> None:
    async with lab() as made:
        await _kept(made, limit(5))
        second = await made.settled(limit(9))
        made.telemetry.value = 50.0
        assert (await made.after(4_000, second.id)).state == "UNDONE"
        assert made.target.values[ROLE] == 5


async def test_over_a_lease_the_way_back_ends_before_it_because_it_would_have_ended() -> None:
    async with lab() as made:
        lease = await _kept(made, limit(5), lease_s=60)
        second = await made.settled(limit(9))
        view = await made.get(lease)
        assert (view.state, view.lease_end_ms) == ("SUPERSEDED", 0)
        assert "lease_end" not in await dues(made, lease)
        made.telemetry.value = 50.0
        view = await made.after(4_000, second.id)
        assert (view.state, made.target.values[ROLE]) == ("UNDONE", 0)
        await made.clock.advance(120_000)
        assert made.target.values[ROLE] == 0


async def test_a_lease_over_a_lease_gives_back_what_was_there_before_both() -> None:
    async with lab() as made:
        await _kept(made, limit(5), lease_s=600)
        second = await _kept(made, limit(9), lease_s=60)
        third = await made.settled(limit(11), lease_s=120)
        assert (await made.get(second)).state == "SUPERSEDED"
        assert (await made.after(11_000, third.id)).state == "LEASED"
        assert (await made.after(120_000, third.id)).state == "UNDONE"
        assert made.target.values[ROLE] == 0
        assert [h for h in made.target.history if h[0] == "undo"] == [("undo", ROLE, 0)]


async def test_a_lease_over_a_committed_change_gives_back_that_change() -> None:
    async with lab() as made:
        await _kept(made, limit(5))
        lease = await _kept(made, limit(9), lease_s=60)
        assert (await made.after(60_000, lease)).state == "UNDONE"
        assert made.target.values[ROLE] == 5


async def test_a_change_that_could_not_be_applied_supersedes_nothing() -> None:
    async with lab() as made:
        lease = await _kept(made, limit(5), lease_s=60)
        made.target.fail = "not_applied"
        second = await made.settled(limit(9))
        assert (second.state, (await made.get(lease)).state) == ("NOT_APPLIED", "LEASED")
        made.target.fail = ""
        assert (await made.after(60_000, lease)).state == "UNDONE"
        assert made.target.values[ROLE] == 0


async def test_an_apply_that_a_probe_finds_supersedes_too() -> None:
    async with lab() as made:
        lease = await _kept(made, limit(5), lease_s=60)
        made.target.fails = {ROLE: "applied_unknown"}
        second = await made.settled(limit(9))
        view = await made.after(1_000, second.id)
        assert (view.state, (await made.get(lease)).state) == ("VERIFYING", "SUPERSEDED")


async def test_a_plan_that_is_overwritten_in_part_keeps_its_own_way_back() -> None:
    async with lab() as made:
        both = limit(5) + b" && " + limit(6, "shop")
        first = await _kept(made, both, lease_s=60)
        second = await _kept(made, limit(9))
        assert (await made.get(first)).state == "LEASED"
        assert await made.world.store.read(lambda tx: tx.document(second, "grant_undo/inherited")) is None
        view = await made.after(60_000, first)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "EDITED")
        assert made.target.values[ROLE] == 9


async def test_a_plan_supersedes_once_its_applied_steps_cover_the_whole_of_another() -> None:
    async with lab() as made:
        both = limit(5) + b" && " + limit(6, "shop")
        first = await _kept(made, both, lease_s=600)
        made.target.fails = {SHOP: "not_applied"}
        half = await made.settled(limit(7) + b" && " + limit(8, "shop"))
        assert (await made.after(2_000, half.id)).state == "UNDONE"
        assert (await made.get(first)).state == "LEASED"
        assert (made.target.values[ROLE], made.target.values[SHOP]) == (5, 6)  # the lease is in force as it was
        made.target.fails = {}
        whole = await made.settled(limit(7) + b" && " + limit(8, "shop"))
        assert (whole.state, (await made.get(first)).state) == ("VERIFYING", "SUPERSEDED")
        made.telemetry.value = 50.0
        assert (await made.after(4_000, whole.id)).state == "UNDONE"
        assert (made.target.values[ROLE], made.target.values[SHOP]) == (0, 0)


async def test_a_change_of_another_target_supersedes_nothing() -> None:
    async with lab() as made:
        first = await _kept(made, limit(5))
        await _kept(made, limit(9, "shop"))
        assert (await made.get(first)).state == "COMMITTED"


async def test_what_cannot_be_taken_back_any_more_is_left_as_it_is() -> None:
    async with lab() as made:
        first = await _kept(made, limit(5))
        await made.clock.leap(86_400_001)
        await _kept(made, limit(9))
        assert (await made.get(first)).state == "COMMITTED"


async def test_the_way_back_over_a_lease_is_signed_before_the_attempt_begins() -> None:
    async with lab() as made:
        await _kept(made, limit(5), lease_s=60)
        made.tasks[-1].cancel()
        hand = Hand.attach(made)
        view = await made.settled(limit(9))
        work = await hand.granted(limit=5)
        assert await hand.begin(work) == (True, "")
        leaf = [leaf for leaf in await records(made, view.id) if leaf.kind.value == "CM1005"][-1]
        assert (leaf.body["purpose"], leaf.event) == ("undo", None)
        observed, own = await made.world.store.read(lambda tx: way_back(made.world, tx, view.id))
        assert fields_of(loads_strict(own)["steps"][0]) == {"limit": 5}  # the lease still stands for itself
        await hand.say(work, applied())
        grant, back = await made.world.store.read(lambda tx: way_back(made.world, tx, view.id))
        assert grant != observed
        assert fields_of(loads_strict(back)["steps"][0]) == {"limit": 0}


async def test_a_lease_is_not_kept_while_another_is_about_to_overwrite_it() -> None:
    async with lab() as made:
        lease = await _kept(made, limit(5), lease_s=60)
        made.tasks[-1].cancel()
        hand = Hand.attach(made)
        second = await made.settled(limit(9))
        work = await hand.granted(limit=5)
        await hand.begin(work)
        with pytest.raises(Precondition) as caught:
            await made.gateway.keep(ALICE, new(), lease)
        assert caught.value.args_["by"] == second.id
        await hand.say(work, applied())
        assert (await made.get(lease)).state == "SUPERSEDED"


async def test_a_lease_that_was_kept_before_the_attempt_is_where_the_way_back_ends() -> None:
    async with lab() as made:
        lease = await _kept(made, limit(5), lease_s=60)
        made.policy.permit = "approve"
        second = await made.settled(limit(9))
        assert (await made.gateway.keep(ALICE, new(), lease)).state == "COMMITTED"
        assert (await made.approve(second.id)).state == "VERIFYING"
        assert (await made.get(lease)).state == "SUPERSEDED"
        assert "supersede" in await events(made, lease)
        made.telemetry.value = 50.0
        assert (await made.after(4_000, second.id)).state == "UNDONE"
        assert made.target.values[ROLE] == 5


async def test_a_person_who_tries_the_undo_again_goes_the_inherited_way() -> None:
    async with lab() as made:
        await _kept(made, limit(5), lease_s=60)
        second = await made.settled(limit(9))
        made.target.undo_fails = "impossible"
        made.telemetry.value = 50.0
        assert (await made.after(4_000, second.id)).state == "NEEDS_HUMAN"
        made.target.undo_fails = ""
        made.telemetry.value = 1.0
        await made.gateway.resolve(ALICE, new(), second.id, "retry_undo", "again")
        assert (await made.after(3_000, second.id)).state == "UNDONE"
        assert made.target.values[ROLE] == 0


async def test_a_lease_whose_way_back_cannot_be_taken_over_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async with lab() as made:
        lease = await _kept(made, limit(5), lease_s=60)
        monkeypatch.setattr(snapshot, "inherit", lambda _mine, _theirs: None)
        second = await _kept(made, limit(9))
        assert (await made.get(lease)).state == "LEASED"
        view = await made.after(60_000, lease)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "EDITED")
        assert (await made.get(second)).state == "COMMITTED"
