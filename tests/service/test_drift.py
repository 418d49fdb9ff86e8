"""The drift ledger: what stands outside its owner in code, until it is reverted, ends, or is proposed."""

from dataclasses import fields, replace

import pytest

from gateway.errors import Edited, Forbidden, InvalidRequest, NotFound, Precondition
from gateway.ports import DriftRow, Tx
from gateway.service.views import DriftView
from tests.fakes.world import AGENT, ALICE, VERIFY, Lab, lab
from tests.service.say import dues, new, records

pytestmark = pytest.mark.anyio
ARGO = {"manager": "argo", "name": "orders", "path": "roles/checkout.yaml"}
WEEK_MS = 604_800_000


def limit(n: int, role: str = "checkout") -> bytes:
    return f'psql -c "ALTER ROLE {role} CONNECTION LIMIT {n}"'.encode()


async def ledger(made: Lab, *, open_only: bool = True) -> list[DriftView]:
    entries, _ = await made.gateway.list_drift(entry="", open_only=open_only, page_size=50, page_token="")
    return entries


async def _kept(made: Lab, command: bytes = limit(5), lease_s: int = 0) -> str:
    made.target.iac = ARGO
    made.policy.obligations = [VERIFY]
    view = await made.settled(command, lease_s=lease_s)
    view = await made.after(11_000, view.id)
    assert view.state == ("LEASED" if lease_s else "COMMITTED")
    return view.id


async def test_a_change_outside_its_owner_in_code_is_an_entry() -> None:
    async with lab() as made:
        began = made.clock.now_ms()
        action = await _kept(made)
        [entry] = await ledger(made)
        assert (entry.action, entry.step, entry.target) == (action, 0, "pg:orders-db/role/checkout")
        assert (entry.path, entry.before, entry.after) == ("/limit", "0", "5")
        assert (entry.manager, entry.name, entry.file, entry.owner) == (
            "argo", "orders", "roles/checkout.yaml", "team-db",
        )  # fmt: skip
        assert (entry.opened_ms, entry.due_ms, entry.status) == (began, began + WEEK_MS, "open")
        assert "File:  roles/checkout.yaml\nField: /limit\nValue: 5\n" in entry.proposal


@pytest.mark.parametrize("iac", [None, {"manager": "none"}])
async def test_what_no_code_owns_does_not_drift(iac: dict[str, str] | None) -> None:
    async with lab() as made:
        made.target.iac = iac
        made.policy.obligations = [VERIFY]
        await made.settled()
        assert await ledger(made, open_only=False) == []


async def test_a_change_that_was_not_applied_does_not_drift() -> None:
    async with lab() as made:
        made.target.iac = ARGO
        made.target.fail = "not_applied"
        await made.settled()
        assert await ledger(made, open_only=False) == []


async def test_an_undo_closes_the_entry() -> None:
    async with lab() as made:
        made.target.iac = ARGO
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        made.telemetry.value = 50.0
        assert (await made.after(4_000, view.id)).state == "UNDONE"
        [entry] = await ledger(made, open_only=False)
        assert (entry.status, entry.how) == ("closed", "reverted")
        assert entry.closed_ms > entry.opened_ms


async def test_a_lease_is_due_when_it_ends_and_its_end_closes_the_entry() -> None:
    async with lab() as made:
        action = await _kept(made, lease_s=60)
        [entry] = await ledger(made)
        assert entry.due_ms == (await made.get(action)).lease_end_ms
        assert (await made.after(55_000, action)).state == "UNDONE"
        [entry] = await ledger(made, open_only=False)
        assert (entry.status, entry.how) == ("closed", "lease_ended")


async def test_a_lease_that_is_renewed_or_kept_is_due_later() -> None:
    async with lab() as made:
        action = await _kept(made, lease_s=60)
        renewed = await made.gateway.renew(ALICE, new(), action, 600)
        assert [e.due_ms for e in await ledger(made)] == [renewed.lease_end_ms]
        await made.gateway.keep(ALICE, new(), action)
        assert [e.due_ms for e in await ledger(made)] == [made.clock.now_ms() + WEEK_MS]
        said = [leaf.body["change"] for leaf in await records(made, action) if leaf.kind.value == "CM1040"]
        assert said == ["opened", "due", "due"]


async def test_what_is_overdue_is_paged_once() -> None:
    async with lab() as made:
        action = await _kept(made)
        await made.clock.leap(WEEK_MS + 1)
        await made.clock.advance(120_000)
        pages = [leaf.body for leaf in await records(made, action) if leaf.kind.value == "CM1039"]
        assert [(p["code"], p["targets"]) for p in pages] == [("DRIFT_OVERDUE", ["pg:orders-db/role/checkout"])]
        assert "drift" not in await dues(made, action)
        assert [e.status for e in await ledger(made)] == ["open"]


async def test_what_was_closed_in_time_pages_nobody() -> None:
    async with lab() as made:
        action = await _kept(made)
        [entry] = await ledger(made)
        await made.gateway.close_drift(ALICE, new(), entry.id, "pr/7")
        await made.clock.leap(WEEK_MS + 1)
        await made.clock.advance(120_000)
        assert not [leaf for leaf in await records(made, action) if leaf.kind.value == "CM1039"]


async def test_a_rollback_closes_the_entry() -> None:
    async with lab() as made:
        action = await _kept(made)
        await made.gateway.rollback(ALICE, new(), action, "not needed")
        assert (await made.after(2_000, action)).state == "UNDONE"
        [entry] = await ledger(made, open_only=False)
        assert entry.how == "reverted"


async def test_each_step_of_a_plan_has_its_entry_and_what_is_half_applied_is_closed_again() -> None:
    async with lab() as made:
        made.target.iac = ARGO
        made.target.fails = {"pg:orders-db/role/shop": "not_applied"}
        made.policy.obligations = [VERIFY]
        view = await made.settled(limit(5) + b" && " + limit(6, "shop"))
        assert (await made.after(2_000, view.id)).state == "UNDONE"
        [entry] = await ledger(made, open_only=False)
        assert (entry.step, entry.how) == (0, "reverted")


async def test_a_later_change_of_the_field_takes_the_entry_over_with_the_value_of_the_code() -> None:
    async with lab() as made:
        first = await _kept(made, limit(5))
        second = await _kept(made, limit(9))
        new_entry, old_entry = await ledger(made, open_only=False)
        assert (old_entry.action, old_entry.status, old_entry.how) == (first, "closed", "superseded")
        assert (new_entry.action, new_entry.before, new_entry.after) == (second, "0", "9")


async def test_what_sets_a_field_back_to_what_code_says_drifts_no_more() -> None:
    async with lab() as made:
        await _kept(made, limit(5))
        await _kept(made, limit(0))
        assert await ledger(made) == []


async def test_an_entry_is_closed_by_its_proposal_and_the_leaf_has_the_digest_of_the_text() -> None:
    async with lab() as made:
        action = await _kept(made)
        [entry] = await ledger(made)
        closed = await made.gateway.close_drift(ALICE, new(), entry.id, "https://git.example/pr/7")
        assert (closed.status, closed.how, closed.by) == ("closed", "proposed", "alice")
        assert closed.reference == "https://git.example/pr/7"
        opened, shut = [leaf.body for leaf in await records(made, action) if leaf.kind.value == "CM1040"]
        assert (opened["change"], opened["entry"]) == ("opened", entry.id)
        assert (shut["change"], shut["how"], shut["by"]) == ("closed", "proposed", "alice")
        assert str(shut["proposal"]).startswith("sha256:")
        assert (await made.get(action)).state == "COMMITTED"


async def test_an_entry_is_closed_once_by_a_person_who_says_where_the_proposal_is() -> None:
    async with lab() as made:
        await _kept(made)
        [entry] = await ledger(made)
        with pytest.raises(Forbidden):
            await made.gateway.close_drift(AGENT, new(), entry.id, "pr/7")
        with pytest.raises(InvalidRequest):
            await made.gateway.close_drift(ALICE, new(), entry.id, " ")
        with pytest.raises(NotFound):
            await made.gateway.close_drift(ALICE, new(), "dft_none", "pr/7")
        request = new()
        await made.gateway.close_drift(ALICE, request, entry.id, "pr/7")
        assert (await made.gateway.close_drift(ALICE, request, entry.id, "pr/7")).status == "closed"
        with pytest.raises(Precondition) as caught:
            await made.gateway.close_drift(ALICE, new(), entry.id, "pr/8")
        assert caught.value.code == "DRIFT_CLOSED"


async def test_what_people_kept_goes_on_drifting_and_what_they_took_back_does_not() -> None:
    async with lab() as made:
        made.target.iac = ARGO
        made.policy.obligations = [VERIFY]
        for role, resolution in (("checkout", "kept"), ("shop", "undone_by_hand")):
            view = await made.settled(limit(5, role))
            made.target.undo_fails = "impossible"
            made.telemetry.value = 50.0
            view = await made.after(4_000, view.id)
            assert view.state == "NEEDS_HUMAN"
            await made.gateway.resolve(ALICE, new(), view.id, resolution, "seen")
            made.telemetry.value = 1.0
        assert {e.target.rpartition("/")[2]: e.status for e in await ledger(made, open_only=False)} == {
            "checkout": "open", "shop": "closed",
        }  # fmt: skip


async def test_an_edited_entry_is_named_in_a_page_and_the_rest_is_shown() -> None:
    async with lab() as made:
        for role in ("checkout", "shop"):
            await _kept(made, limit(5, role))
        newest, oldest = await ledger(made)

        def edit(tx: Tx) -> None:
            row = tx.drift_entry(newest.id)
            assert row is not None
            tx.put_drift(replace(row, owner="x"))

        await made.world.store.write(edit)
        named, shown = await ledger(made)
        assert (named.id, named.status, named.how, named.target) == (newest.id, "edited", "DRIFT_EDITED", "")
        assert shown == oldest
        with pytest.raises(Edited):
            await made.gateway.list_drift(entry=newest.id, open_only=True, page_size=0, page_token="")
        await made.world.store.write(lambda tx: tx.put_drift(_row(newest)))


def _row(view: DriftView) -> DriftRow:
    """Return the row that an entry was shown from, so that the log holds again."""
    members = {f.name: getattr(view, f.name) for f in fields(DriftRow)}
    return DriftRow(**members)


async def test_the_ledger_is_paged_and_one_entry_can_be_asked_for() -> None:
    async with lab() as made:
        for role in ("checkout", "shop", "web"):
            await _kept(made, limit(5, role))
        page, token = await made.gateway.list_drift(entry="", open_only=True, page_size=2, page_token="")
        rest, last = await made.gateway.list_drift(entry="", open_only=True, page_size=2, page_token=token)
        assert [e.target.rpartition("/")[2] for e in (*page, *rest)] == ["web", "shop", "checkout"]
        assert last == ""
        [one], _ = await made.gateway.list_drift(entry=rest[0].id, open_only=True, page_size=0, page_token="")
        assert one == rest[0]
