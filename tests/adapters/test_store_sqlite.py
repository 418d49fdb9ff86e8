# ruff: noqa: ASYNC220 - a test may look at its files while nothing else runs
import asyncio
import contextlib
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from gateway.adapters import store_writer
from gateway.adapters.store_files import DatabaseFiles
from gateway.adapters.store_migrate import HEAD, SCHEMA, alembic_config, migrate, schema_version
from gateway.adapters.store_schema import metadata
from gateway.adapters.store_sqlite import SqliteStore, open_readers
from gateway.adapters.store_tx_actions import _OF_INCIDENT
from gateway.core.merkle import leaf_hash, root_of
from gateway.errors import ConfigFault, StoreFault
from gateway.ports import LogHead, Tx
from tools.gen_schema import schema

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).with_name("store_child.py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "countermand.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore.open(path)
    yield opened
    await opened.close()


def append(leaf: bytes) -> Callable[[Tx], int]:
    return lambda tx: tx.append_leaf(leaf, action="act_1", kind="decision")


def leaves_of(path: Path) -> list[bytes]:
    """Read the leaves past the store, and check that its head says the same."""
    with sqlite3.connect(path) as connection:
        leaves = [row[0] for row in connection.execute("SELECT body FROM leaves ORDER BY idx")]
        head = connection.execute("SELECT size, root FROM log_head").fetchone()
    connection.close()
    root = root_of(map(leaf_hash, leaves))
    assert (head or (0, root)) == (len(leaves), root)
    return leaves


class TestOpening:
    async def test_everything_is_still_there_after_reopening(self, path: Path) -> None:
        for number in range(3):
            store = SqliteStore.open(path)
            assert await store.write(append(b"%d" % number)) == number
            await store.close()
        assert leaves_of(path) == [b"0", b"1", b"2"]

    async def test_actions_of_an_incident_are_found_by_their_index(self, store: SqliteStore, path: Path) -> None:  # noqa: ARG002
        sql = f"EXPLAIN QUERY PLAN SELECT * FROM actions WHERE {_OF_INCIDENT} ORDER BY id DESC"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            ((*_, plan),) = connection.execute(sql, ("inc_1",))
        assert "USING INDEX actions_incident" in plan

    async def test_files_and_directory_are_private(self, store: SqliteStore, path: Path) -> None:
        await store.write(append(b"a"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert modes == dict.fromkeys((path.name, f"{path.name}-wal", f"{path.name}-shm"), 0o600)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    @pytest.mark.parametrize("wide", ["store", "store/countermand.db"])
    def test_what_others_may_read_is_refused(self, path: Path, tmp_path: Path, wide: str) -> None:
        path.parent.mkdir(mode=0o700)
        path.touch(mode=0o600)
        (tmp_path / wide).chmod(0o750)
        with pytest.raises(ConfigFault) as fault:
            SqliteStore.open(path)
        assert fault.value.code == "FILE_NOT_PRIVATE"
        assert "chmod" in fault.value.message

    async def test_a_second_gateway_is_refused_until_the_first_has_closed(self, path: Path) -> None:
        first = SqliteStore.open(path)
        with pytest.raises(StoreFault) as fault:
            SqliteStore.open(path)
        assert fault.value.code == "STORE_LOCKED"
        await first.close()
        await SqliteStore.open(path).close()

    async def test_a_gateway_in_another_process_is_refused_too(self, path: Path) -> None:
        store = SqliteStore.open(path)
        done = await asyncio.to_thread(run_child, path, "open")
        assert (done.returncode, done.stdout) == (1, "STORE_LOCKED\n")
        await store.close()

    async def test_commits_are_synced_to_a_write_ahead_log(self, store: SqliteStore) -> None:
        def pragmas(tx: Tx) -> list[object]:
            names = ("synchronous", "journal_mode")
            return [tx._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]  # type: ignore[attr-defined]

        assert await store.write(pragmas) == [2, "wal"]

    @pytest.mark.parametrize("damage", ["DELETE FROM leaves WHERE idx = 1", "UPDATE log_head SET root = x'00'",
                                        "UPDATE log_head SET size = 7", "UPDATE log_head SET frontier = x'0102'",
                                        "DELETE FROM log_head"])  # fmt: skip
    async def test_a_log_that_does_not_add_up_is_refused(self, path: Path, damage: str) -> None:
        store = SqliteStore.open(path)
        await store.write(append(b"a"))
        await store.write(append(b"b"))
        await store.close()
        with sqlite3.connect(path) as connection:
            connection.execute(damage)
        connection.close()
        with pytest.raises(StoreFault) as fault:
            SqliteStore.open(path)
        assert fault.value.code == "STORE_LOG_DAMAGED"

    def test_a_file_that_is_no_database_is_refused(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700)
        path.touch(mode=0o600)
        path.write_bytes(b"not a database at all" * 100)
        with pytest.raises(StoreFault) as fault:
            SqliteStore.open(path)
        assert fault.value.code == "STORE_UNAVAILABLE"
        path.write_bytes(b"")
        SqliteStore.open(path)  # the failed attempt holds no lock


class TestReadersBesideAGateway:
    async def test_they_see_what_the_gateway_writes(self, store: SqliteStore, path: Path) -> None:
        await store.write(append(b"a"))
        readers = open_readers(path)
        await store.write(append(b"b"))
        assert await readers.read(lambda tx: tx.leaves(0, 9)) == [(0, b"a"), (1, b"b")]
        with pytest.raises(StoreFault) as fault:
            await readers.read(lambda tx: tx.lock("db/a", "act_1"))
        assert fault.value.code == "STORE_READ_ONLY"
        readers.close()

    async def test_they_read_a_database_that_no_gateway_has_open(self, path: Path) -> None:
        store = SqliteStore.open(path)
        await store.write(append(b"a"))
        await store.close()
        readers = open_readers(path)
        assert (await readers.read(lambda tx: tx.log_head())).size == 1
        readers.close()

    def test_they_make_no_database_where_there_is_none(self, path: Path) -> None:
        path.parent.mkdir()
        with pytest.raises(StoreFault) as fault:
            open_readers(path)
        assert fault.value.code == "STORE_UNAVAILABLE"
        assert list(path.parent.iterdir()) == []

    def test_they_refuse_a_schema_that_they_do_not_know(self, path: Path) -> None:
        path.parent.mkdir()
        sqlite3.connect(path).execute("CREATE TABLE other (x)").connection.close()
        with pytest.raises(StoreFault) as fault:
            open_readers(path)
        assert fault.value.code == "STORE_SCHEMA_OTHER"


class TestMigrations:
    async def test_the_newest_revision_is_the_one_the_code_expects(self) -> None:
        assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]

    def test_a_new_store_has_what_the_migrations_come_to(self) -> None:
        assert schema() == SCHEMA.read_text(), "run: python -m tools.gen_schema"

    def test_a_database_that_is_not_empty_is_migrated(self, path: Path) -> None:
        files = DatabaseFiles(path.with_name("other.db").absolute().as_uri())
        path.parent.mkdir()
        connection = files.connect()
        connection.execute("CREATE TABLE kept (x)")
        migrate(connection, files.connect)
        assert schema_version(connection) == HEAD
        connection.execute("SELECT x FROM kept")
        connection.close()

    async def test_migrations_and_metadata_describe_the_same_tables(self, store: SqliteStore, path: Path) -> None:  # noqa: ARG002
        engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
            created = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all()
        strict = {name for name, sql in created if sql.rstrip().endswith("STRICT")}
        assert strict == set(metadata.tables)

    async def test_a_schema_from_a_newer_gateway_is_refused_and_left_alone(self, path: Path) -> None:
        await SqliteStore.open(path).close()
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.close()
        before = path.read_bytes()
        with pytest.raises(StoreFault) as fault:
            SqliteStore.open(path)
        assert fault.value.code == "STORE_SCHEMA_NEWER"
        assert path.read_bytes() == before


class TestGroupCommit:
    async def test_concurrent_writers_share_commits(self, store: SqliteStore) -> None:
        statements: list[str] = []
        await store.write(lambda tx: tx._connection.set_trace_callback(statements.append))  # type: ignore[attr-defined]
        statements.clear()
        await asyncio.gather(*(store.write(append(b"%d" % number)) for number in range(200)))
        assert 1 <= statements.count("COMMIT") < 50
        assert sum(s.startswith("INSERT INTO leaves") for s in statements) == 200

    async def test_a_reader_keeps_its_snapshot_and_never_blocks_the_writer(self, store: SqliteStore) -> None:
        await store.write(append(b"a"))
        looking, go_on = threading.Event(), threading.Event()

        def slow_read(tx: Tx) -> list[int]:
            before = tx.log_head().size
            looking.set()
            go_on.wait(30)
            return [before, tx.log_head().size, len(tx.leaves(0, 99))]

        reading = asyncio.create_task(store.scan(slow_read))
        await asyncio.to_thread(looking.wait, 30)
        assert await store.write(append(b"b")) == 1
        assert await store.read(lambda tx: len(tx.leaves(0, 99))) == 2
        go_on.set()
        assert await reading == [1, 1, 1]


class TestFailures:
    async def test_a_full_database_fails_the_whole_batch_and_works_again_with_room(
        self, store: SqliteStore, path: Path
    ) -> None:
        await store.write(append(b"before"))

        def limit(pages: int) -> Callable[[Tx], object]:
            return lambda tx: tx._connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()  # type: ignore[attr-defined]

        await store.write(limit(1))  # SQLite takes the present size when it is larger
        big = b"x" * 200_000
        answers = await asyncio.gather(*(store.write(append(big)) for _ in range(3)), return_exceptions=True)
        assert [getattr(answer, "code", answer) for answer in answers] == ["STORE_UNAVAILABLE"] * 3
        assert (await store.read(lambda tx: tx.log_head())).size == 1
        await store.write(limit(2**30))
        assert await store.write(append(b"after")) == 1
        assert leaves_of(path) == [b"before", b"after"]

    async def test_a_commit_that_cannot_be_written_is_claimed_by_nobody(self, path: Path) -> None:
        done = run_child(path, "file-size-limit")
        assert done.stdout.splitlines() == ["0", "STORE_UNAVAILABLE", "STORE_UNAVAILABLE", "size 1", "1"], done.stderr
        assert leaves_of(path) == [b"before", b"after"]

    @pytest.mark.parametrize("suffix", ["", "-wal"])
    async def test_writes_fail_while_a_file_of_the_database_is_gone(
        self, store: SqliteStore, path: Path, suffix: str
    ) -> None:
        await store.write(append(b"before"))
        file = path.with_name(path.name + suffix)
        away = path.with_name("away")
        file.rename(away)
        for _ in range(2):
            with pytest.raises(StoreFault) as fault:
                await store.write(append(b"lost"))
            assert fault.value.code == "STORE_GONE"
        assert (await store.read(lambda tx: tx.log_head())).size == 1
        away.rename(file)
        assert await store.write(append(b"after")) == 1
        assert leaves_of(path) == [b"before", b"after"]

    async def test_a_commit_into_a_file_that_has_just_gone_is_not_claimed_either(
        self, store: SqliteStore, path: Path
    ) -> None:
        away = path.with_name("away")

        def unit(tx: Tx) -> int:
            path.rename(away)
            return append(b"nowhere")(tx)

        with pytest.raises(StoreFault) as fault:
            await store.write(unit)
        assert fault.value.code == "STORE_GONE"
        away.rename(path)
        await store.write(append(b"after"))
        assert leaves_of(path)[-1] == b"after"

    async def test_a_database_that_was_replaced_is_not_written_to(self, store: SqliteStore, path: Path) -> None:
        await store.write(append(b"before"))
        copy = path.with_name("copy")
        copy.write_bytes(path.read_bytes())
        copy.replace(path)
        with pytest.raises(StoreFault) as fault:
            await store.write(append(b"lost"))
        assert fault.value.code == "STORE_GONE"

    async def test_a_batch_that_a_signal_interrupts_is_given_up_and_the_next_one_runs(
        self, store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(store_writer, "save_tail", interrupted)
            with pytest.raises(KeyboardInterrupt):
                store.write(append(b"lost"))
        assert await store.write(append(b"after")) == 0
        assert leaves_of(path) == [b"after"]

    async def test_a_write_lock_that_somebody_else_has_is_waited_for_off_the_event_loop(
        self, store: SqliteStore, path: Path
    ) -> None:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as shell:
            shell.execute("BEGIN IMMEDIATE")
            waiting = store.write(append(b"a"))
            assert (await store.read(lambda tx: tx.log_head())).size == 0
            assert not waiting.done()
            shell.execute("ROLLBACK")
            assert await waiting == 0

    async def test_a_fault_of_the_batch_reaches_each_caller_as_its_own(self, store: SqliteStore, path: Path) -> None:
        await store.write(append(b"before"))
        path.rename(path.with_name("away"))
        answers = await asyncio.gather(*(store.write(append(b"lost")) for _ in range(8)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {StoreFault}
        assert len({id(answer) for answer in answers}) == 8


class BrokenError(Exception):
    """Raised by the units below."""


def unit_of(name: str, leaves: int, *, fails: bool) -> Callable[[Tx], list[tuple[int, bytes]]]:
    def run(tx: Tx) -> list[tuple[int, bytes]]:
        bodies = [f"{name}/{number}".encode() for number in range(leaves)]
        appended = [(append(body)(tx), body) for body in bodies]
        if fails:
            raise BrokenError
        return appended

    return run


def give_up(tx: Tx) -> None:
    """Do what a broken disk does: end the transaction under the hands of its units."""
    append(b"lost")(tx)
    tx._connection.execute("ROLLBACK")  # type: ignore[attr-defined]
    raise BrokenError


@given(rounds=st.lists(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=6), max_size=5))
@settings(max_examples=40, deadline=None)
def test_no_mix_of_failing_units_and_lost_batches_moves_the_tree_off_its_leaves(
    rounds: list[list[tuple[int, bool]]],
) -> None:
    async def play() -> None:
        store = SqliteStore.in_memory()
        kept: dict[int, bytes] = {}
        for number, drawn in enumerate(rounds):
            units = [unit_of(f"{number}/{place}", leaves, fails=fails) for place, (leaves, fails) in enumerate(drawn)]
            answers = await asyncio.gather(*map(store.write, [*units, give_up]), return_exceptions=True)
            assert isinstance(answers.pop(), StoreFault)
            for answer in answers:
                kept |= dict(answer) if isinstance(answer, list) else {}
        root = root_of(leaf_hash(kept[index]) for index in range(len(kept)))
        for look in (store.read, store.write):
            assert await look(lambda tx: tx.log_head()) == LogHead(len(kept), root)
            assert await look(lambda tx: tx.leaves(0, 999)) == sorted(kept.items())
        await store.close()

    asyncio.run(play())


class TestCrashes:
    async def test_nothing_acknowledged_is_lost_when_killed_between_commit_and_answer(self, path: Path) -> None:
        done = run_child(path, "die-before-answer")
        assert done.returncode == -signal.SIGKILL, done.stderr
        acknowledged = [line.encode() for line in done.stdout.split()]
        stored = leaves_of(path)
        assert len(acknowledged) >= 8
        assert set(acknowledged) < set(stored)  # the batch that nobody heard of was committed all the same
        store = SqliteStore.open(path)
        assert await store.write(append(b"after")) == len(stored)
        await store.close()

    @pytest.mark.parametrize("seen", [1, 40, 150])
    async def test_nothing_acknowledged_is_lost_when_killed_at_any_time(self, path: Path, seen: int) -> None:
        with subprocess.Popen([sys.executable, CHILD, path, "write"], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline() for _ in range(seen)]
            child.kill()
            lines += child.stdout.readlines()
        acknowledged = {line.strip() for line in lines if line.endswith(b"\n")}
        assert len(acknowledged) >= seen
        assert acknowledged <= set(leaves_of(path))
        await SqliteStore.open(path).close()


def run_child(path: Path, what: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(CHILD), str(path), what]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
