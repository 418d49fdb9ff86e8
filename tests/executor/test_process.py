"""Programs of a host: real processes, no shell, nothing inherited, nothing left behind."""

import os
import select
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters.clock import SystemClock
from gateway.errors import TargetFault
from gateway.executor.config import Command, ProcessScope
from gateway.executor.targets.process import ProcessTarget
from gateway.ports_target import Applied
from tests.executor.steps import Heard, process, unheard

pytestmark = pytest.mark.anyio
LIMIT = 4_096


def command(tmp_path: Path, script: str, *, reads: bool = False, timeout_s: int = 20) -> Command:
    program = tmp_path / "program"
    program.write_text(f"#!{sys.executable} -IS\n{script}\n")
    program.chmod(0o755)
    return Command(program, tmp_path, reads, timeout_s, env={"LANG": "C.UTF-8"})


def target(made: Command) -> ProcessTarget:
    return ProcessTarget(ProcessScope({"tool": made}), SystemClock(), LIMIT)


async def run(made: Command, *words: str) -> Applied:
    return await target(made).apply(process("tool", *words), {}, unheard)


async def test_words_arrive_as_they_are_and_no_shell_reads_them(tmp_path: Path) -> None:
    words = ("$(touch x)", "a b", "; rm -rf /", "*", "'", "--flag=`id`")
    applied = await run(command(tmp_path, "import sys; print(sys.argv[1:])"), *words)
    assert applied.output.decode().strip() == repr(list(words))
    assert os.listdir(tmp_path) == ["program"]  # noqa: PTH208  # a list of names is what is wanted


async def test_nothing_of_the_executor_is_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    readable, writable = os.pipe()
    os.set_inheritable(writable, True)  # noqa: FBT003  # takes no keyword
    script = (
        "import os, sys; print(sorted(os.environ)); print(sorted(int(f) for f in os.listdir('/proc/self/fd'))[:3]);"
        "print(os.getcwd()); print(repr(sys.stdin.read())); print(os.getsid(0) == os.getpid());"
        f"print(os.path.exists('/proc/self/fd/{writable}'))"
    )
    applied = await run(command(tmp_path, script))
    os.close(readable)
    os.close(writable)
    assert applied.output.decode().splitlines() == ["['LANG']", "[0, 1, 2]", str(tmp_path), "''", "True", "False"]


async def test_limits_hold(tmp_path: Path) -> None:
    script = "import resource as r; print(*(r.getrlimit(x)[0] for x in (r.RLIMIT_CPU, r.RLIMIT_NOFILE, r.RLIMIT_CORE)))"
    made = replace(command(tmp_path, script), cpu_s=7, open_files=33)
    assert (await run(made)).output == b"7 33 0\n"
    greedy = replace(command(tmp_path, "x = bytearray(900 * 1024 * 1024)"), memory_mb=256)
    applied = await run(greedy)
    assert (applied.status, applied.code) == ("unknown", "PROCESS_EXIT")
    assert "MemoryError" in applied.detail


async def test_a_program_cannot_gain_privileges(tmp_path: Path) -> None:
    script = "print([l for l in open('/proc/self/status') if l.startswith('NoNewPrivs')])"
    assert b"NoNewPrivs:\\t1" in (await run(command(tmp_path, script))).output


@pytest.mark.parametrize(("reads", "status"), [(True, "not_applied"), (False, "unknown")])
async def test_a_failure_is_harmless_only_for_a_program_that_reads(tmp_path: Path, *, reads: bool, status: str) -> None:
    applied = await run(command(tmp_path, "import sys; print('half'); sys.exit('broken')", reads=reads))
    assert (applied.status, applied.code, applied.output) == (status, "PROCESS_EXIT", b"half\n")
    assert applied.detail == "exit code 1: broken"
    late = await run(command(tmp_path, "import time; time.sleep(60)", reads=reads, timeout_s=1))
    assert (late.status, late.code) == (status, "PROCESS_TIMEOUT")
    assert (await target(command(tmp_path, "", reads=reads)).probe(process("tool"), {})).status == status


async def test_the_deadline_ends_the_children_too(tmp_path: Path) -> None:
    script = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        f"    open('{tmp_path}/child', 'w').write(str(os.getpid()))\n"
        "time.sleep(60)\n"
    )
    applied = await run(command(tmp_path, script, timeout_s=1))
    assert applied.code == "PROCESS_TIMEOUT"
    assert ended(int((tmp_path / "child").read_text()))


async def test_children_that_outlive_their_program_are_ended_and_not_waited_for(tmp_path: Path) -> None:
    script = "import os, time\npid = os.fork()\nif pid == 0:\n    time.sleep(60)\nprint(pid)"
    applied = await run(command(tmp_path, script))
    assert applied.status == "applied"
    assert ended(int(applied.output))


def ended(pid: int) -> bool:
    """Tell whether a process ends within a few seconds: after SIGKILL it takes the kernel a moment."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    readable, _, _ = select.select([descriptor], [], [], 5)
    os.close(descriptor)
    return bool(readable)


async def test_output_is_streamed_and_over_the_limit_dropped_while_the_program_goes_on(tmp_path: Path) -> None:
    heard = Heard()
    script = f"print('x' * 500_000); open('{tmp_path}/done', 'w').close()"
    served = ProcessTarget(ProcessScope({"tool": command(tmp_path, script)}), SystemClock(), 100_000)
    applied = await served.apply(process("tool"), {}, heard)
    assert (applied.status, applied.truncated, len(applied.output)) == ("applied", True, 100_000)
    assert b"".join(heard.chunks) == applied.output
    assert (tmp_path / "done").exists()


async def test_a_word_that_is_not_configured_runs_nothing(tmp_path: Path) -> None:
    served = target(command(tmp_path, "print(1)"))
    applied = await served.apply(process("sh", "-c", "id"), {}, unheard)
    assert (applied.status, applied.code) == ("not_applied", "COMMAND_UNKNOWN")
    with pytest.raises(TargetFault, match="no program"):
        await served.observe(process("sh"))


async def test_a_program_that_is_not_there_is_not_applied(tmp_path: Path) -> None:
    gone = replace(command(tmp_path, ""), path=tmp_path / "absent")
    applied = await run(gone)
    assert (applied.status, applied.code) == ("not_applied", "PROCESS_NOT_STARTED")
    assert (await target(gone).observe(process("tool"))).facts[0]["value"] == {"exists": False}


async def test_what_a_program_did_has_no_way_back(tmp_path: Path) -> None:
    served = target(command(tmp_path, "print(1)"))
    assert (await served.observe(process("tool"))).undo_class == "none"
    assert (await served.undo(process("tool"), {})).status == "impossible"
    reads = target(command(tmp_path, "print(1)", reads=True))
    assert (await reads.observe(process("tool"))).undo_class == "not_needed"
