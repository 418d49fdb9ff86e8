"""What every store promises: actions, documents, timers, locks, incidents."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.errors import StoreFault
from gateway.ports import DueRow, History, IncidentRow, ReadRow, RequestRow, StepRow, Store, SwitchRow, Tx
from tests.contract.stores import ACTION, VOTE
from tests.contract.stores import store as store

pytestmark = pytest.mark.anyio


class TestActions:
    async def test_an_action_is_read_back_as_it_was_written(self, store: Store) -> None:
        await store.write(lambda tx: tx.insert_action(ACTION))
        assert await store.read(lambda tx: tx.action("act_01")) == ACTION

    async def test_an_action_without_environments_is_read_back_too(self, store: Store) -> None:
        bare = replace(ACTION, environments=())
        await store.write(lambda tx: tx.insert_action(bare))
        assert await store.read(lambda tx: tx.action("act_01")) == bare

    async def test_an_unknown_action_is_none(self, store: Store) -> None:
        assert await store.read(lambda tx: tx.action("act_99")) is None

    async def test_an_action_is_never_inserted_twice(self, store: Store) -> None:
        await store.write(lambda tx: tx.insert_action(ACTION))
        with pytest.raises(StoreFault) as fault:
            await store.write(lambda tx: tx.insert_action(replace(ACTION, state="DENIED")))
        assert fault.value.code == "STORE_CONFLICT"
        assert await store.read(lambda tx: tx.action("act_01")) == ACTION

    async def test_an_update_takes_only_from_the_expected_version(self, store: Store) -> None:
        await store.write(lambda tx: tx.insert_action(ACTION))
        moved = replace(ACTION, state="GRANTED", version=2)
        late = replace(ACTION, state="DENIED", version=2)
        assert await store.write(lambda tx: tx.update_action(moved, expect_version=1))
        assert not await store.write(lambda tx: tx.update_action(late, expect_version=1))
        assert await store.read(lambda tx: tx.action("act_01")) == moved

    async def test_of_many_racing_updates_exactly_one_wins(self, store: Store) -> None:
        await store.write(lambda tx: tx.insert_action(ACTION))

        def racer(number: int) -> Callable[[Tx], bool]:
            row = replace(ACTION, version=2, reason=str(number))
            return lambda tx: tx.update_action(row, expect_version=1)

        won = await asyncio.gather(*(store.write(racer(number)) for number in range(20)))
        assert won.count(True) == 1
        stored = await store.read(lambda tx: tx.action("act_01"))
        assert stored is not None
        assert stored.reason == str(won.index(True))

    async def test_an_update_of_an_unknown_action_is_refused(self, store: Store) -> None:
        assert not await store.write(lambda tx: tx.update_action(ACTION, expect_version=1))

    async def test_actions_come_newest_first_and_in_pages(self, store: Store) -> None:
        rows = [replace(ACTION, id=f"act_{n:02}") for n in range(5)]

        def fill(tx: Tx) -> None:
            for row in rows:
                tx.insert_action(row)

        await store.write(fill)
        page = await store.read(lambda tx: tx.actions(limit=2))
        assert [row.id for row in page] == ["act_04", "act_03"]
        rest = await store.read(lambda tx: tx.actions(before="act_03"))
        assert [row.id for row in rest] == ["act_02", "act_01", "act_00"]

    async def test_actions_are_found_by_state_incident_and_agent_together(self, store: Store) -> None:
        rows = [
            ACTION,
            replace(ACTION, id="act_02", state="GRANTED"),
            replace(ACTION, id="act_03", state="GRANTED", incident="inc_2"),
            replace(ACTION, id="act_04", state="DENIED", agent="agent/b"),
        ]

        def fill(tx: Tx) -> None:
            for row in rows:
                tx.insert_action(row)

        await store.write(fill)

        def ids(tx: Tx) -> list[list[str]]:
            found = (
                tx.actions(states=("GRANTED", "DENIED")),
                tx.actions(incident="inc_2"),
                tx.actions(agent="agent/a"),
                tx.actions(states=("GRANTED",), incident="inc_1", agent="agent/a", before="act_09"),
                tx.actions(states=("no 'quote\" breaks it",)),
            )
            return [[row.id for row in rows] for rows in found]

        assert await store.read(ids) == [
            ["act_04", "act_03", "act_02"],
            ["act_03"],
            ["act_03", "act_02", "act_01"],
            ["act_02"],
            [],
        ]


class TestDocuments:
    async def test_a_document_is_read_back(self, store: Store) -> None:
        await store.write(lambda tx: tx.put_document("act_01", "proposal", b"\x00\xff"))
        assert await store.read(lambda tx: tx.document("act_01", "proposal")) == b"\x00\xff"
        assert await store.read(lambda tx: tx.document("act_01", "receipt")) is None

    async def test_a_document_is_written_once(self, store: Store) -> None:
        await store.write(lambda tx: tx.put_document("act_01", "proposal", b"one"))
        await store.write(lambda tx: tx.put_document("act_01", "proposal", b"one"))
        with pytest.raises(StoreFault) as fault:
            await store.write(lambda tx: tx.put_document("act_01", "proposal", b"two"))
        assert fault.value.code == "DOCUMENT_WRITTEN"
        assert await store.read(lambda tx: tx.document("act_01", "proposal")) == b"one"

    async def test_sealed_blobs_of_one_action_can_be_deleted(self, store: Store) -> None:
        def fill(tx: Tx) -> None:
            tx.put_sealed("act_01", "snapshot/0", b"old")
            tx.put_sealed("act_01", "snapshot/0", b"new")
            tx.put_sealed("act_02", "snapshot/0", b"other")

        await store.write(fill)
        assert await store.read(lambda tx: tx.sealed("act_01", "snapshot/0")) == b"new"
        await store.write(lambda tx: tx.delete_sealed("act_01"))
        assert await store.read(lambda tx: tx.sealed("act_01", "snapshot/0")) is None
        assert await store.read(lambda tx: tx.sealed("act_02", "snapshot/0")) == b"other"

    async def test_the_journal_keeps_the_newest_row_of_each_step_in_order(self, store: Store) -> None:
        def fill(tx: Tx) -> None:
            tx.put_step(StepRow("act_01", 1, "pending", 0))
            tx.put_step(StepRow("act_01", 0, "intended", 1))
            tx.put_step(StepRow("act_01", 0, "not_applied", 2, "BUSY"))
            tx.put_step(StepRow("act_02", 0, "pending", 0))

        await store.write(fill)
        expected = [StepRow("act_01", 0, "not_applied", 2, "BUSY"), StepRow("act_01", 1, "pending", 0)]
        assert await store.read(lambda tx: tx.steps("act_01")) == expected


class TestTimers:
    async def test_what_is_due_is_claimed_earliest_first(self, store: Store) -> None:
        def fill(tx: Tx) -> None:
            for action, at_ms in (("act_3", 30), ("act_1", 10), ("act_2", 20), ("act_9", 99)):
                tx.put_due(DueRow(action, "verify", at_ms, "{}"))

        await store.write(fill)
        claimed = await store.write(lambda tx: tx.claim_due(50, 80, 2))
        assert claimed == [DueRow("act_1", "verify", 10, "{}", 80), DueRow("act_2", "verify", 20, "{}", 80)]
        assert [row.action for row in await store.write(lambda tx: tx.claim_due(50, 80, 9))] == ["act_3"]
        assert await store.write(lambda tx: tx.claim_due(50, 80, 9)) == []

    async def test_a_claim_that_runs_out_can_be_claimed_again(self, store: Store) -> None:
        await store.write(lambda tx: tx.put_due(DueRow("act_1", "verify", 10)))
        await store.write(lambda tx: tx.claim_due(10, 80, 9))
        assert await store.write(lambda tx: tx.claim_due(79, 200, 9)) == []
        assert await store.write(lambda tx: tx.claim_due(80, 200, 9)) == [DueRow("act_1", "verify", 10, "", 200)]

    async def test_of_many_claimants_each_timer_goes_to_one(self, store: Store) -> None:
        def fill(tx: Tx) -> None:
            for number in range(30):
                tx.put_due(DueRow(f"act_{number:02}", "verify", number))

        await store.write(fill)
        claims = await asyncio.gather(*(store.write(lambda tx: tx.claim_due(99, 200, 4)) for _ in range(10)))
        taken = [row.action for claim in claims for row in claim]
        assert sorted(taken) == [f"act_{number:02}" for number in range(30)]

    async def test_a_timer_that_is_put_again_replaces_the_old_one_and_its_claim(self, store: Store) -> None:
        await store.write(lambda tx: tx.put_due(DueRow("act_1", "verify", 10)))
        await store.write(lambda tx: tx.claim_due(10, 80, 9))
        await store.write(lambda tx: tx.put_due(DueRow("act_1", "verify", 20, "again")))
        assert await store.read(lambda tx: tx.due_of("act_1")) == [DueRow("act_1", "verify", 20, "again")]

    async def test_the_next_timer_is_the_first_that_can_be_claimed(self, store: Store) -> None:
        assert await store.read(lambda tx: tx.next_due_ms()) is None
        await store.write(lambda tx: tx.put_due(DueRow("act_1", "verify", 10)))
        await store.write(lambda tx: tx.put_due(DueRow("act_2", "verify", 50)))
        assert await store.read(lambda tx: tx.next_due_ms()) == 10
        await store.write(lambda tx: tx.claim_due(10, 40, 9))
        assert await store.read(lambda tx: tx.next_due_ms()) == 40
        await store.write(lambda tx: tx.claim_due(40, 80, 9))
        assert await store.read(lambda tx: tx.next_due_ms()) == 50

    async def test_one_timer_or_all_of_an_action_can_be_deleted(self, store: Store) -> None:
        def fill(tx: Tx) -> None:
            for kind in ("a", "b", "c"):
                tx.put_due(DueRow("act_1", kind, 10))
            tx.put_due(DueRow("act_2", "a", 10))

        await store.write(fill)
        await store.write(lambda tx: tx.delete_due("act_1", "b"))
        assert [row.kind for row in await store.read(lambda tx: tx.due_of("act_1"))] == ["a", "c"]
        await store.write(lambda tx: tx.delete_due("act_1"))
        assert await store.read(lambda tx: tx.due_of("act_1")) == []
        assert len(await store.read(lambda tx: tx.due_of("act_2"))) == 1


class TestLocksAndOnceOnly:
    async def test_a_lock_belongs_to_one_action_until_it_is_given_back(self, store: Store) -> None:
        assert await store.write(lambda tx: tx.lock("db/a", "act_1")) is None
        assert await store.write(lambda tx: tx.lock("db/a", "act_1")) is None
        assert await store.write(lambda tx: tx.lock("db/a", "act_2")) == "act_1"
        assert await store.write(lambda tx: tx.lock("db/b", "act_2")) is None
        assert await store.read(lambda tx: tx.locks()) == {"db/a": "act_1", "db/b": "act_2"}
        await store.write(lambda tx: tx.unlock("act_1"))
        assert await store.write(lambda tx: tx.lock("db/a", "act_2")) is None

    async def test_a_nonce_is_consumed_once_per_action_purpose_and_fence(self, store: Store) -> None:
        facts = [("act_1", "apply", "n", 1), ("act_1", "undo", "n", 1), ("act_1", "apply", "n", 2)]
        for fact in facts:
            assert await store.write(lambda tx, fact=fact: tx.consume_nonce(*fact))  # type: ignore[misc]
        for fact in facts:
            assert not await store.write(lambda tx, fact=fact: tx.consume_nonce(*fact))  # type: ignore[misc]

    async def test_the_answer_to_a_request_is_kept_per_caller(self, store: Store) -> None:
        row = RequestRow("agent/a", "req-1", "sha256:x", "act_1", 10)
        await store.write(lambda tx: tx.put_request(row))
        assert await store.read(lambda tx: tx.request("agent/a", "req-1")) == row
        assert await store.read(lambda tx: tx.request("agent/b", "req-1")) is None
        with pytest.raises(StoreFault):
            await store.write(lambda tx: tx.put_request(replace(row, answer="act_2")))

    async def test_a_subject_votes_once_under_a_nonce(self, store: Store) -> None:
        second = replace(VOTE, subject="human/c", approve=False, at_ms=4)
        assert await store.write(lambda tx: tx.put_vote(VOTE))
        assert not await store.write(lambda tx: tx.put_vote(replace(VOTE, approve=False)))
        assert await store.write(lambda tx: tx.put_vote(second))
        assert await store.write(lambda tx: tx.put_vote(replace(VOTE, nonce="n2")))
        assert await store.read(lambda tx: tx.votes("act_01", "n1")) == [second, VOTE]


class TestIncidentsAndHistory:
    async def test_incidents_come_newest_first_and_can_be_closed(self, store: Store) -> None:
        rows = [IncidentRow(f"inc_{n}", "alert/prom", "open", n, n + 1, "{}") for n in range(3)]
        closed = replace(rows[1], status="closed")

        def fill(tx: Tx) -> None:
            for row in (*rows, closed):
                tx.put_incident(row)

        await store.write(fill)
        assert await store.read(lambda tx: tx.incident("inc_1")) == closed
        assert await store.read(lambda tx: tx.incident("inc_9")) is None
        assert await store.read(lambda tx: tx.incidents()) == [rows[2], closed, rows[0]]
        assert await store.read(lambda tx: tx.incidents(open_only=True)) == [rows[2], rows[0]]
        assert await store.read(lambda tx: tx.incidents(before="inc_2", limit=1)) == [closed]

    async def test_evidence_is_kept_in_the_order_it_was_made(self, store: Store) -> None:
        rows = [ReadRow("inc_1", f"act_{n}", "hyp", ("db/a",) * n, 5, "ok") for n in range(3)]
        for row in rows:
            await store.write(lambda tx, row=row: tx.put_read(row))  # type: ignore[misc]
        await store.write(lambda tx: tx.put_read(replace(rows[0], incident="inc_2")))
        assert await store.read(lambda tx: tx.reads("inc_1")) == rows

    async def test_history_counts_applied_and_undone_inside_its_window(self, store: Store) -> None:
        def fill(tx: Tx) -> None:
            tx.note_applied("act_1", "agent/a", ["db/a"], 10)
            tx.note_applied("act_2", "agent/a", ["db/b"], 20)
            tx.note_applied("act_3", "agent/b", ["db/a", "db/b"], 30)
            tx.note_undone("act_1", 40)

        await store.write(fill)

        def counts(tx: Tx) -> list[History]:
            return [
                tx.history(since_ms=0),
                tx.history(since_ms=20),
                tx.history(agent="agent/a", since_ms=0),
                tx.history(target="db/a", since_ms=15),
                tx.history(agent="agent/b", target="db/b", since_ms=0),
                tx.history(agent="agent/b", since_ms=31),
            ]

        assert await store.read(counts) == [
            History(3, 1, 30),
            History(2, 1, 30),
            History(2, 1, 20),
            History(1, 1, 30),
            History(1, 0, 30),
            History(0, 0, 0),
        ]

    async def test_an_action_of_several_steps_counts_once_at_its_latest_time(self, store: Store) -> None:
        await store.write(lambda tx: tx.note_applied("act_1", "agent/a", ["db/a"], 10))
        await store.write(lambda tx: tx.note_applied("act_1", "agent/a", ["db/b"], 20))
        assert await store.read(lambda tx: tx.history(since_ms=0)) == History(1, 0, 20)
        assert await store.read(lambda tx: tx.history(target="db/b", since_ms=15)) == History(1, 0, 20)

    async def test_what_stands_on_a_target_is_leased_or_committed_inside_its_window(self, store: Store) -> None:
        rows = (
            replace(ACTION, id="act_1", state="LEASED"),
            replace(ACTION, id="act_2", state="COMMITTED", undo_until_ms=51),
            replace(ACTION, id="act_3", state="COMMITTED", undo_until_ms=50),
            replace(ACTION, id="act_4", state="UNDONE", undo_until_ms=51),
            replace(ACTION, id="act_5", state="LEASED"),
        )

        def fill(tx: Tx) -> None:
            for row in rows:
                tx.insert_action(row)
                tx.note_applied(row.id, "agent/a", ["db/b"] if row.id == "act_5" else ["db/a"], 10)

        await store.write(fill)
        assert await store.read(lambda tx: tx.standing("db/a", 50)) == [rows[0], rows[1]]

    async def test_switches_are_put_replaced_and_lifted(self, store: Store) -> None:
        stop = SwitchRow("stop", "", "", 10, "human/b", "drill")
        freeze = SwitchRow("freeze", "agent/a", "prod", 20, "human/b", "")
        for row in (replace(stop, reason="first"), stop, freeze):
            await store.write(lambda tx, row=row: tx.put_switch(row))  # type: ignore[misc]
        assert await store.read(lambda tx: tx.switches()) == [stop, freeze]
        await store.write(lambda tx: tx.delete_switch("stop", "", ""))
        assert await store.read(lambda tx: tx.switches()) == [freeze]

    async def test_a_revision_has_its_newest_status(self, store: Store) -> None:
        await store.write(lambda tx: tx.put_revision("sha256:a", "active"))
        await store.write(lambda tx: tx.put_revision("sha256:b", "active"))
        await store.write(lambda tx: tx.put_revision("sha256:a", "withdrawn"))
        assert await store.read(lambda tx: tx.revisions()) == {"sha256:a": "withdrawn", "sha256:b": "active"}

    async def test_each_sink_has_its_own_place_and_dead_letters(self, store: Store) -> None:
        assert await store.read(lambda tx: tx.cursor("file")) == 0

        def move(tx: Tx) -> None:
            tx.set_cursor("file", 7)
            tx.set_cursor("file", 9)
            tx.set_cursor("hec", 2)
            tx.put_dead_letter("file", 8, "too long", 50)
            tx.put_dead_letter("file", 3, "poison", 40)

        await store.write(move)
        assert await store.read(lambda tx: (tx.cursor("file"), tx.cursor("hec"))) == (9, 2)
        assert await store.read(lambda tx: tx.dead_letters("file")) == [(3, "poison", 40), (8, "too long", 50)]
        assert await store.read(lambda tx: tx.dead_letters("hec")) == []
