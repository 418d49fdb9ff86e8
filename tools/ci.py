"""Run the phases of `make test` in two lanes beside each other, and print how long each took.

    python tools/ci.py            everything
    python tools/ci.py cluster    only what needs the Kubernetes control plane

Tests of real processes in real time mostly wait, so what computes runs beside them at a low priority: it gets the
processor when they do not want it.

The control plane is built where Go is installed (about 10 minutes, once) and its tests must run then; where neither Go
nor a built one is there, one line says that they do not.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from gateway.cli.demo.controlplane.find import find
from tools.monitoring import ready as monitoring_is_ready

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".pytest_cache"
PYTHON = sys.executable
PAIRS = ("-n", "2", "--dist", "loadfile")
_BESIDE = ("nice", "-n", "10")
_TESTS_FAILED = 1
"""pytest's exit code."""
_FEW = 3


@dataclass(frozen=True, slots=True)
class Phase:
    """A program, or the tests of a mark; `beside` is at a low priority, and shows its output when it has ended."""

    name: str
    argv: tuple[str, ...]
    marked: str = ""
    words: tuple[str, ...] = ()
    """Only files with one of these can have such a test: to collect all 8,000 takes seconds of both processors."""
    beside: bool = False


def main(words: list[str]) -> int:
    """Run everything, or the phases of the cluster; of each lane the first phase that fails ends it."""
    only_cluster = words == ["cluster"]
    shutil.rmtree(CACHE, ignore_errors=True)  # what failed yesterday says nothing about today
    took: list[str] = []
    well = _lane(_tools(only_cluster=only_cluster), took)
    if well:
        with ThreadPoolExecutor() as pool:
            beside = [replace(phase, beside=True) for phase in _computing(only_cluster=only_cluster)]
            lanes = [pool.submit(_lane, phases, took) for phases in (_waiting(only_cluster=only_cluster), beside)]
        well = all(lane.result() for lane in lanes)
    print("\n".join(took))
    return 0 if well else 1


def _tools(*, only_cluster: bool) -> Iterator[Phase]:
    """Yield what must be there before a test runs."""
    if not only_cluster:
        yield Phase("tools: opa", (PYTHON, "tools/opa.py"))
    yield Phase("tools: monitoring", (PYTHON, "tools/monitoring.py"))
    if shutil.which("go") or find():
        yield Phase("tools: control plane", (PYTHON, "-m", "tools.controlplane", "build"))
    else:
        _say("== cluster: neither Go nor a built control plane is here; the tests against Kubernetes do not run")


def _waiting(*, only_cluster: bool) -> Iterator[Phase]:
    """Yield the tests of real processes in real time, and the lint behind them: what computes takes longer."""
    marked = "alone and cluster" if only_cluster else "alone"
    yield Phase("tests: processes, two at a time", PAIRS, f"{marked} and paired", ("mark.alone",))
    yield Phase("tests: alone", (), f"{marked} and not paired", ("mark.alone",))
    if not only_cluster:
        yield Phase("lint", ("make", "--no-print-directory", "lint"))


def _computing(*, only_cluster: bool) -> Iterator[Phase]:
    """Yield everything else."""
    if not only_cluster:
        order = "--no-loadscope-reorder"  # as in tests/conftest.py: xdist's own puts files of a single test last
        yield Phase("tests", (*PAIRS, order), "not alone and not cluster")
    if find():
        words = ("cluster", "namespace")
        yield Phase("tests: cluster", PAIRS, "cluster and not alone", words)  # a control plane for each of the two


def _lane(phases: Iterable[Phase], took: list[str]) -> bool:
    """Run phases one after another, and tell whether all went well; the first that fails ends the lane."""
    for phase in phases:
        started = time.monotonic()
        _say(f"== {phase.name}: {'beside it' if phase.beside else 'begins'}")
        with tempfile.TemporaryFile() as kept:
            code = _tests(phase, kept) if phase.marked else _run(phase, phase.argv, kept)
            kept.seek(0)
            _say(kept.read().decode(errors="replace"))
        took.append(f"== {phase.name}: {time.monotonic() - started:.0f} s" + (f", failed ({code})" if code else ""))
        _say(took[-1])
        if code:
            return False
    return True


def _tests(phase: Phase, kept: IO[bytes]) -> int:
    """Run the tests of a mark; that none is found is a failure, and so is a skip for want of a tool that is here.

    Where a few fail they are named, and their files run once more: a real control plane on a busy machine is late now
    and then. What is broken fails twice.
    """
    cache = CACHE / phase.name.replace(" ", "-")
    pytest = (PYTHON, "-m", "pytest", "-q", "-o", f"cache_dir={cache}", "-m", phase.marked)
    code = _run(phase, (*pytest, *phase.argv, *_files(phase.words)), kept)
    names = _failed(cache)
    if code != _TESTS_FAILED or not 0 < len(names) <= _FEW:
        return code
    told = "\n".join(("== once more, file by file:", *(f"==   {name}" for name in names)))
    if phase.beside:
        kept.write(f"{told}\n".encode())
        kept.flush()
    else:
        _say(told)
    return _run(phase, (*pytest, *sorted({name.partition("::")[0] for name in names})), kept)


def _files(words: tuple[str, ...]) -> list[str]:
    """Return the test files that have one of some words; none stands for all."""
    texts = {file: file.read_text(encoding="utf-8") for file in sorted((ROOT / "tests").rglob("test_*.py"))}
    return [str(file) for file, text in texts.items() if any(word in text for word in words)]


def _failed(cache: Path) -> list[str]:
    """Return the tests that failed in the run before, as pytest kept them."""
    file = cache / "v" / "cache" / "lastfailed"
    return sorted(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else []


def _run(phase: Phase, argv: tuple[str, ...], kept: IO[bytes]) -> int:
    """Return a program's exit code; what runs beside others writes into `kept`."""
    required = {"COUNTERMAND_REQUIRE_CLUSTER": find(), "COUNTERMAND_REQUIRE_MONITORING": monitoring_is_ready()}
    env = {**os.environ, "PYTHONPATH": str(ROOT), **{name: "1" for name, here in required.items() if here}}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes start: each would compile everything again
    sink = kept if phase.beside else None
    return subprocess.run(
        (*_BESIDE, *argv) if phase.beside else argv, cwd=ROOT, env=env, stdout=sink, stderr=sink, check=False
    ).returncode


def _say(text: str) -> None:
    if text:
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
