"""What every store promises: the log and units of work."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.core.merkle import (
    Frontier,
    consistency_proof,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    root_of,
    verify_inclusion,
)
from gateway.errors import NotFound, StoreFault
from gateway.ports import DueRow, LogHead, Store, Tx
from tests.contract.stores import ACTION, append, assert_log_adds_up
from tests.contract.stores import store as store

pytestmark = pytest.mark.anyio


class TestLog:
    async def test_an_empty_log_has_the_root_of_nothing(self, store: Store) -> None:
        await assert_log_adds_up(store, [])

    async def test_leaves_get_dense_indexes_and_move_the_root(self, store: Store) -> None:
        assert await store.write(append(b"a", b"b")) == [0, 1]
        assert await store.write(append(b"c")) == [2]
        await assert_log_adds_up(store, [b"a", b"b", b"c"])

    async def test_a_unit_of_work_sees_the_leaves_it_has_appended(self, store: Store) -> None:
        def unit(tx: Tx) -> tuple[bytes, LogHead]:
            tx.append_leaf(b"a", action="", kind="start")
            return tx.last_leaf_hash(), tx.log_head()

        last = leaf_hash(b"a")
        assert await store.write(unit) == (last, LogHead(1, Frontier().append(last).root()))

    async def test_pages_of_leaves_and_hashes_are_half_open(self, store: Store) -> None:
        await store.write(append(*(bytes([n]) for n in range(10))))
        assert await store.read(lambda tx: tx.leaves(8, 5)) == [(8, b"\x08"), (9, b"\x09")]
        assert await store.read(lambda tx: tx.leaves(3, 1)) == [(3, b"\x03")]
        assert await store.read(lambda tx: tx.leaf_hashes(2, 4)) == [leaf_hash(b"\x02"), leaf_hash(b"\x03")]

    async def test_proofs_of_every_leaf_and_size_come_from_roots_of_ranges(self, store: Store) -> None:
        leaves = [b"%d" % number for number in range(41)]
        hashes = [leaf_hash(leaf) for leaf in leaves]
        for leaf in leaves:
            await store.write(append(leaf))

        def prove(tx: Tx) -> None:
            for size in range(1, 42):
                for index in range(size):
                    proof = tx.range_roots(inclusion_ranges(index, size))
                    assert verify_inclusion(index, size, hashes[index], root_of(hashes[:size]), proof)
                    consistency = tx.range_roots(consistency_ranges(index + 1, size))
                    assert consistency == consistency_proof(index + 1, size, hashes)

        await store.read(prove)
        await store.write(prove)

    async def test_every_range_has_the_root_of_its_leaves(self, store: Store) -> None:
        hashes = [leaf_hash(b"%d" % number) for number in range(20)]
        await store.write(append(*(b"%d" % number for number in range(20))))
        ranges = [(first, last) for first in range(20) for last in range(first + 1, 21)]
        roots = await store.read(lambda tx: tx.range_roots(ranges))
        assert roots == [root_of(hashes[first:last]) for first, last in ranges]

    @pytest.mark.parametrize("bad", [(0, 0), (0, 3), (2, 1), (-1, 1)])
    async def test_a_range_that_does_not_exist_has_no_root(self, store: Store, bad: tuple[int, int]) -> None:
        await store.write(append(b"a", b"b"))
        with pytest.raises(ValueError, match="no range"):
            await store.read(lambda tx: tx.range_roots([bad]))

    async def test_the_newest_leaf_of_a_kind_is_found_for_an_action(self, store: Store) -> None:
        await store.write(append(b"a", b"b"))
        await store.write(append(b"c", kind="receipt"))
        await store.write(append(b"d", action="act_2"))
        assert await store.read(lambda tx: tx.leaf_of("act_1", "decision")) == 1
        assert await store.read(lambda tx: tx.leaf_of("act_1", "receipt")) == 2
        assert await store.read(lambda tx: tx.leaf_of("act_2", "receipt")) is None

    async def test_the_newest_checkpoint_that_covers_enough_is_returned(self, store: Store) -> None:
        assert await store.read(lambda tx: tx.checkpoint()) is None
        await store.write(append(b"a", b"b", b"c"))
        await store.write(lambda tx: tx.put_checkpoint(1, b"r1", "note 1"))
        await store.write(lambda tx: tx.put_checkpoint(2, b"r2", "note 2"))
        assert await store.read(lambda tx: tx.checkpoint()) == (2, "note 2")
        assert await store.read(lambda tx: tx.checkpoint(2)) == (2, "note 2")
        assert await store.read(lambda tx: tx.checkpoint(3)) is None

    async def test_a_size_has_one_root_which_may_be_signed_again(self, store: Store) -> None:
        await store.write(append(b"a"))
        await store.write(lambda tx: tx.put_checkpoint(1, b"r1", "old key"))
        await store.write(lambda tx: tx.put_checkpoint(1, b"r1", "new key"))
        with pytest.raises(StoreFault) as fault:
            await store.write(lambda tx: tx.put_checkpoint(1, b"r2", "fork"))
        assert fault.value.code == "CHECKPOINT_FORK"
        assert await store.read(lambda tx: tx.checkpoint()) == (1, "new key")

    async def test_a_checkpoint_cannot_cover_leaves_that_do_not_exist(self, store: Store) -> None:
        with pytest.raises(StoreFault) as fault:
            await store.write(lambda tx: tx.put_checkpoint(1, b"r", "note"))
        assert fault.value.code == "CHECKPOINT_AHEAD"


class TestUnitsOfWork:
    async def test_a_unit_that_raises_leaves_nothing_and_its_caller_gets_the_error(self, store: Store) -> None:
        def unit(tx: Tx) -> None:
            tx.append_leaf(b"lost", action="act_1", kind="decision")
            tx.insert_action(ACTION)
            raise NotFound("NO_SUCH", "by intention")

        with pytest.raises(NotFound) as error:
            await store.write(unit)
        assert error.value.code == "NO_SUCH"
        assert await store.read(lambda tx: tx.action("act_01")) is None
        await assert_log_adds_up(store, [])

    async def test_a_failing_unit_does_not_harm_those_committed_with_it(self, store: Store) -> None:
        def unit(number: int) -> Callable[[Tx], int]:
            def run(tx: Tx) -> int:
                index = tx.append_leaf(b"%d" % number, action="act_1", kind="decision")
                if number % 3 == 0:
                    raise NotFound("NO_SUCH", str(number))
                return index

            return run

        answers = await asyncio.gather(*(store.write(unit(n)) for n in range(60)), return_exceptions=True)
        assert all(isinstance(answer, NotFound) is (n % 3 == 0) for n, answer in enumerate(answers))
        kept = [(index, n) for n, index in enumerate(answers) if isinstance(index, int)]
        assert sorted(index for index, _ in kept) == list(range(40))
        await assert_log_adds_up(store, [b"%d" % n for _, n in sorted(kept)])

    async def test_an_error_of_the_database_inside_a_unit_is_a_store_fault(self, store: Store) -> None:
        def unit(tx: Tx) -> None:
            tx.append_leaf(b"lost", action="act_1", kind="decision")
            tx.put_due(DueRow("act_1", "verify", "soon"))  # type: ignore[arg-type]

        with pytest.raises(StoreFault):
            await store.write(unit)
        await assert_log_adds_up(store, [])

    async def test_an_error_that_a_unit_handles_itself_costs_it_nothing(self, store: Store) -> None:
        await store.write(lambda tx: tx.put_document("act_1", "proposal", b"one"))

        def unit(tx: Tx) -> str:
            try:
                tx.put_document("act_1", "proposal", b"two")
            except StoreFault as fault:
                tx.append_leaf(b"kept", action="act_1", kind="refusal")
                return fault.code
            return ""

        assert await store.write(unit) == "DOCUMENT_WRITTEN"
        await assert_log_adds_up(store, [b"kept"])

    @pytest.mark.parametrize("error", [StopIteration, GeneratorExit, SystemExit, asyncio.CancelledError])
    async def test_no_error_of_a_unit_stops_the_store(self, store: Store, error: type[BaseException]) -> None:
        def unit(tx: Tx) -> None:
            tx.append_leaf(b"lost", action="act_1", kind="decision")
            raise error

        with pytest.raises(BaseException):  # noqa: B017, PT011 - which one depends on what a future can carry
            await store.write(unit)
        assert await store.write(append(b"kept")) == [0]
        await assert_log_adds_up(store, [b"kept"])

    async def test_many_concurrent_writers_are_all_answered_and_all_kept(self, store: Store) -> None:
        async def writer(number: int) -> list[int]:
            return [(await store.write(append(b"%d/%d" % (number, step))))[0] for step in range(10)]

        indexes = await asyncio.gather(*(writer(number) for number in range(32)))
        assert all(mine == sorted(mine) for mine in indexes)
        assert sorted(index for mine in indexes for index in mine) == list(range(320))
        places = {index: b"%d/%d" % (n, step) for n, mine in enumerate(indexes) for step, index in enumerate(mine)}
        await assert_log_adds_up(store, [places[index] for index in range(320)])

    async def test_several_event_loops_can_write_at_once(self, store: Store) -> None:
        def from_another_loop(name: bytes) -> list[int]:
            async def write() -> list[int]:
                return await store.write(append(name))

            return asyncio.run(write())

        names = [b"x%d" % number for number in range(6)]
        indexes = await asyncio.gather(*(asyncio.to_thread(from_another_loop, name) for name in names))
        assert sorted(index for (index,) in indexes) == list(range(6))

    async def test_a_caller_that_is_cancelled_does_not_disturb_the_others(self, store: Store) -> None:
        tasks = [asyncio.ensure_future(store.write(append(b"%d" % number))) for number in range(10)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [n for n, answer in enumerate(answers) if isinstance(answer, asyncio.CancelledError)] == [3]
        assert await store.write(append(b"after")) == [10]

    async def test_a_read_sees_all_of_a_unit_or_none_of_it(self, store: Store) -> None:
        def pair(tx: Tx) -> None:
            tx.append_leaf(b"one", action="act_1", kind="decision")
            tx.append_leaf(b"two", action="act_1", kind="decision")

        async def look() -> set[bool]:
            seen = [await store.read(lambda tx: (tx.log_head().size, len(tx.leaves(0, 999)))) for _ in range(40)]
            return {size == found and size % 2 == 0 for size, found in seen}

        looking = asyncio.create_task(look())
        for _ in range(40):
            await store.write(pair)
        assert await looking == {True}

    async def test_what_was_written_is_seen_by_the_next_read(self, store: Store) -> None:
        for number in range(20):
            row = replace(ACTION, id=f"act_{number}")
            await store.write(lambda tx, row=row: tx.insert_action(row))  # type: ignore[misc]
            assert await store.read(lambda tx, row=row: tx.action(row.id)) == row  # type: ignore[misc]

    @pytest.mark.parametrize(
        "unit",
        [
            lambda tx: tx.insert_action(ACTION),
            lambda tx: tx.append_leaf(b"a", action="", kind=""),
            lambda tx: tx.lock("db/a", "act_1"),
            lambda tx: tx.claim_due(0, 0, 1),
        ],
    )
    async def test_a_read_that_writes_is_refused(self, store: Store, unit: Callable[[Tx], object]) -> None:
        for read in (store.read, store.scan):
            with pytest.raises(StoreFault) as fault:
                await read(unit)
            assert fault.value.code == "STORE_READ_ONLY"

    async def test_a_read_that_raises_does_not_stop_the_next(self, store: Store) -> None:
        def unit(_: Tx) -> None:
            raise NotFound("NO_SUCH", "by intention")

        for read in (store.read, store.scan) * 5:
            with pytest.raises(NotFound):
                await read(unit)
        assert await store.read(lambda tx: tx.log_head().size) == 0

    async def test_a_closed_store_refuses_instead_of_hanging(self, store: Store) -> None:
        waiting = asyncio.ensure_future(store.write(append(b"queued")))
        await asyncio.sleep(0)
        await store.close()
        assert await waiting == [0]
        for call in (store.write, store.read, store.scan):
            with pytest.raises(StoreFault) as fault:
                await call(lambda tx: tx.log_head())
            assert fault.value.code == "STORE_CLOSED"
