"""Supervised workers: a crash or a hang costs one denial and one worker."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.adapters.policy_workers import WorkerEngine
from gateway.errors import PolicyFault, PolicyRefused
from tests.fakes.mini_bundle import document, mini_bundle, text_of

pytestmark = pytest.mark.anyio
CONFIG = "countermand/config/demo/data.yaml"
WATCH = "countermand/rules/demo/watch.rego"


@contextlib.asynccontextmanager
async def _engine(workers: int = 1, timeout_s: float = 5.0) -> AsyncIterator[WorkerEngine]:
    engine = WorkerEngine(workers, timeout_s)
    try:
        await engine.load(mini_bundle())
        await engine.proven()
        yield engine
    finally:
        await engine.close()


async def _code(engine: WorkerEngine) -> str:
    try:
        await engine.evaluate(document())
    except PolicyFault as exc:
        return exc.code
    return "answered"


async def test_byte_code_takes_over_from_the_interpreter_once_it_is_proven() -> None:
    engine = WorkerEngine(2, timeout_s=5.0)
    try:
        await engine.load(mini_bundle())
        first, interpreted = engine.pids, await engine.evaluate(document())
        assert not engine.accelerated
        assert await engine.proven()
        assert len(engine.pids) == 2
        assert not {*first} & {*engine.pids}
        assert await engine.evaluate(document()) == interpreted
        assert not any(map(_alive, first))
    finally:
        await engine.close()


async def test_a_load_and_a_close_end_a_proof_that_is_under_way() -> None:
    engine = WorkerEngine(1, timeout_s=5.0)
    await engine.load(mini_bundle())
    await engine.load(mini_bundle())
    assert await _code(engine) == "answered"
    await engine.close()
    assert await _code(engine) == "POLICY_NOT_LOADED"


async def test_a_worker_that_is_killed_costs_its_question_and_is_replaced() -> None:
    async with _engine() as engine:
        (pid,) = engine.pids
        os.kill(pid, signal.SIGSTOP)  # it must not answer before it dies
        asked = asyncio.create_task(_code(engine))
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        assert await asked == "POLICY_WORKER_LOST"
        assert await _code(engine) == "answered"
        assert engine.pids != (pid,)


async def test_a_worker_that_hangs_is_ended_at_its_timeout_and_replaced() -> None:
    async with _engine(timeout_s=0.5) as engine:
        (pid,) = engine.pids
        os.kill(pid, signal.SIGSTOP)
        assert await _code(engine) == "POLICY_TIMEOUT"
        assert await _answers_again(engine)
        assert not _alive(pid)


async def test_one_hanging_worker_does_not_hold_up_the_other() -> None:
    async with _engine(workers=2, timeout_s=1.0) as engine:
        os.kill(engine.pids[0], signal.SIGSTOP)
        codes = await asyncio.gather(*(_code(engine) for _ in range(12)))
        assert sorted(codes) == ["POLICY_TIMEOUT"] + ["answered"] * 11


async def test_a_question_that_finds_no_free_worker_is_denied_in_time() -> None:
    async with _engine(timeout_s=0.4) as engine:
        os.kill(engine.pids[0], signal.SIGSTOP)
        codes = await asyncio.gather(*(_code(engine) for _ in range(3)))
        assert codes.count("POLICY_TIMEOUT") == 1
        assert set(codes) <= {"POLICY_TIMEOUT", "POLICY_BUSY", "answered"}


async def test_an_abandoned_question_does_not_answer_the_next_one() -> None:
    async with _engine() as engine:
        for _ in range(20):
            abandoned = asyncio.create_task(engine.evaluate(document("secrets.get")))
            await asyncio.sleep(0)
            abandoned.cancel()
            answer = await engine.evaluate(document("pods.get"))
            assert [f["code"] for f in answer.findings] == ["DEMO_PERMIT"]


async def test_a_runaway_rule_costs_one_denial() -> None:
    """No lint finds every slow rule: this one counts 64 million pairs."""
    pairs = 'count([1 | input.stage == "decide"; some i in _n; some j in _n; i < j]) >= 0'
    listed = "step.operation in config.demo.denied\n"
    slow = text_of(WATCH).replace(listed, f"{listed}\t{pairs}\n", 1) + "\n_n := numbers.range(1, 8000)\n"
    engine = WorkerEngine(1, timeout_s=1.0)
    try:
        await engine.load(mini_bundle({WATCH: slow}))
        with pytest.raises(PolicyFault) as fault:
            await engine.evaluate(document("secrets.get") | {"stage": "decide"})
        assert fault.value.code == "POLICY_TIMEOUT"
        assert await _answers_again(engine)
    finally:
        await engine.close()


async def test_workers_inherit_neither_environment_nor_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    with (tmp_path / "store").open("wb"):
        async with _engine() as engine:
            (pid,) = engine.pids
            environment, files = _of_process(pid)
            assert b"hush" not in environment
            assert not any(str(tmp_path) in name for name in files)


async def test_a_reload_lets_running_questions_finish_on_the_old_revision() -> None:
    async with _engine(workers=2) as engine:
        first = engine.revision
        pids = engine.pids
        asked = [asyncio.create_task(engine.evaluate(document())) for _ in range(2)]
        await asyncio.sleep(0)
        await engine.load(mini_bundle({CONFIG: "denied: []\nnotify: [on-call]\n"}))
        assert {answer.revision for answer in await asyncio.gather(*asked)} == {first}
        assert set(pids).isdisjoint(engine.pids)
        assert not any(map(_alive, pids))


async def test_a_refused_bundle_leaves_no_process_behind() -> None:
    async with _engine() as engine:
        before = _children()
        with pytest.raises(PolicyRefused):
            await engine.load(mini_bundle({"samples/limit.json": None}))
        assert _children() == before


async def test_closing_ends_all_workers() -> None:
    async with _engine(workers=2) as engine:
        pids = engine.pids
    assert not any(map(_alive, pids))
    assert await _code(engine) == "POLICY_NOT_LOADED"


def test_no_workers_is_no_engine() -> None:
    with pytest.raises(ValueError, match="at least one"):
        WorkerEngine(0)


async def _answers_again(engine: WorkerEngine) -> bool:
    """Ask until the replacement is up; a worker that was just ended makes the first question wait in vain."""
    return any([await _code(engine) == "answered" for _ in range(4)])


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _of_process(pid: int) -> tuple[bytes, set[str]]:
    files = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    return Path(f"/proc/{pid}/environ").read_bytes(), files


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
