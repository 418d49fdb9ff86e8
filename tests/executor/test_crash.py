"""An executor that dies at each of its crash points: what the target's fields and the gateway then know."""

import asyncio
import os
import select
import sys
from pathlib import Path

import pytest
from countermand.gateway.v1 import executor_service_pb2 as pb

from gateway import crash
from tests.executor.grants import jwks, work
from tests.executor.processes import executor_process, write_config
from tests.executor.steps import process, role_limit
from tests.fakes.executor_gateway import ExecutorGateway, serving
from tests.fixtures_pg import Postgres

STEP = role_limit("crashing", 3)
BEFORE = [{"connection_limit": 20}]
# Point → the purpose of the work, whether leave was asked for, and the limit that is left behind.
POINTS = {
    "before_intent": (pb.PURPOSE_APPLY, False, 20),
    "begin_attempt": (pb.PURPOSE_APPLY, True, 20),
    "intent_sent": (pb.PURPOSE_APPLY, True, 20),
    "applied_unreported": (pb.PURPOSE_APPLY, True, 3),
    "undo_sent": (pb.PURPOSE_UNDO, True, 3),
    "undone_unreported": (pb.PURPOSE_UNDO, True, 20),
}


@pytest.mark.anyio
@pytest.mark.parametrize("point", POINTS)
async def test_after_a_crash_a_probe_under_a_new_fence_tells_what_happened(
    postgres: Postgres, tmp_path: Path, point: str
) -> None:
    purpose, asked, left = POINTS[point]
    start = 3 if purpose == pb.PURPOSE_UNDO else 20
    postgres.run("DROP ROLE IF EXISTS crashing", f"CREATE ROLE crashing CONNECTION LIMIT {start}")
    gateway = ExecutorGateway()
    crashing = {
        "COUNTERMAND_CRASH_AT": point, "COUNTERMAND_CRASH_PROCESS": "executor",
        "COUNTERMAND_CRASH_MARKER": str(tmp_path / "crashed"),
    }  # fmt: skip
    async with serving(gateway, tmp_path / "gateway.sock") as address:
        scopes = {"db": {"tool": "postgres", "dsn": postgres.dsn}}
        config = write_config(tmp_path, address, jwks(), scopes)
        async with executor_process(config, **crashing) as executor:
            await gateway.work.put(work([STEP], purpose, snapshots=BEFORE))
            assert await executor.wait() == crash.EXIT_CODE
        assert (bool(gateway.begins), gateway.reports) == (asked, [])
        assert postgres.run("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'crashing'") == [(left,)]
        async with executor_process(config, **crashing):
            probed = await gateway.send(work([STEP], pb.PURPOSE_PROBE, snapshots=BEFORE, fence=2))
            applied = pb.STEP_STATUS_APPLIED if left == 3 else pb.STEP_STATUS_NOT_APPLIED
            assert [r.probe.status for r in probed] == [applied]
            undone = await gateway.send(work([STEP], pb.PURPOSE_UNDO, snapshots=BEFORE, fence=3))
            assert [r.undo.status for r in undone] == [pb.UNDO_STATUS_UNDONE]
    assert postgres.run("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'crashing'") == [(20,)]
    postgres.run("DROP ROLE crashing")


@pytest.mark.anyio
async def test_a_program_dies_with_the_executor_that_ran_it(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    program = tmp_path / "program"
    program.write_text(
        f"#!{sys.executable} -IS\nimport os, time\nopen('{pids}', 'w').write(str(os.getpid()))\ntime.sleep(120)\n"
    )
    program.chmod(0o755)
    command = {"path": str(program), "cwd": str(tmp_path), "reads": False, "timeout_s": 100}
    gateway = ExecutorGateway()
    async with serving(gateway, tmp_path / "gateway.sock") as address:
        scopes = {"host": {"tool": "process", "commands": {"tool": command}}}
        async with executor_process(write_config(tmp_path, address, jwks(), scopes)) as executor:
            await gateway.work.put(work([process("tool")], pb.PURPOSE_APPLY))
            running = os.pidfd_open(int(await asyncio.to_thread(pids.read_text)))
            executor.kill()
            ended, _, _ = await asyncio.to_thread(select.select, [running], [], [], 20)
            os.close(running)
    assert ended
    assert gateway.reports == []


def test_a_crash_point_is_inert_unless_the_environment_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def died(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", died)
    for name in ("COUNTERMAND_CRASH_AT", "COUNTERMAND_CRASH_PROCESS", "COUNTERMAND_CRASH_MARKER"):
        monkeypatch.delenv(name, raising=False)
    crash.point("intent_sent", "executor")
    monkeypatch.setenv("COUNTERMAND_CRASH_AT", "intent_sent")
    crash.point("intent_sent", "executor")
    monkeypatch.setenv("COUNTERMAND_CRASH_PROCESS", "executor")
    crash.point("undo_sent", "executor")
    crash.point("intent_sent", "gateway")
    monkeypatch.setenv("COUNTERMAND_CRASH_MARKER", str(tmp_path / "marker"))
    with pytest.raises(SystemExit):
        crash.point("intent_sent", "executor")
    crash.point("intent_sent", "executor")
