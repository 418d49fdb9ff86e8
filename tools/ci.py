"""Run the phases of `make test`, and print how long each took.

    python tools/ci.py            everything
    python tools/ci.py cluster    only what needs the Kubernetes control plane

The control plane is built where Go is installed (about 10 minutes, once) and its tests must run then; where neither Go
nor a built one is there, one line says that they do not.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gateway.cli.demo.controlplane.find import find
from tools.monitoring import ready as monitoring_is_ready

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
PARALLEL = ("-n", "auto", "--dist", "loadfile")
PAIRS = ("-n", "2", "--dist", "loadfile")
Took = list[tuple[str, float]]
_TESTS_FAILED = 1
"""pytest's exit code."""
_FEW = 3


def main(words: list[str]) -> int:
    """Run everything, or the phases of the cluster; the first phase that fails ends it."""
    took: Took = []
    shutil.rmtree(ROOT / ".pytest_cache", ignore_errors=True)  # what failed yesterday says nothing about today
    only_cluster = words == ["cluster"]
    try:
        for name, run in _phases(only_cluster=only_cluster):
            started = time.monotonic()
            print(f"== {name}", flush=True)
            try:
                run()
            finally:
                took.append((name, time.monotonic() - started))
    except subprocess.CalledProcessError as failed:
        print(f"== failed: {took[-1][0]} (exit {failed.returncode})")
        return 1
    finally:
        print("\n".join(f"== {name}: {seconds:.0f} s" for name, seconds in took))
    return 0


def _phases(*, only_cluster: bool) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield each phase; what tools there are is known when the earlier phases ran."""
    if not only_cluster:
        yield "lint", lambda: _run("make", "--no-print-directory", "lint")
        yield "tools: opa", lambda: _run(PYTHON, "tools/opa.py")
    yield "tools: monitoring", lambda: _run(PYTHON, "tools/monitoring.py")
    if shutil.which("go") or find():
        yield "tools: control plane", lambda: _run(PYTHON, "-m", "tools.controlplane", "build")
    else:
        print(
            "== cluster: neither Go nor a built control plane is here; the tests against Kubernetes do not run",
            flush=True,
        )
    if not only_cluster:
        yield "tests", lambda: _pytest("not alone and not cluster", *PARALLEL)
    if find():
        yield "tests: cluster", lambda: _pytest("cluster and not alone", *PAIRS)  # a control plane for each of the two
    marked = "alone and cluster" if only_cluster else "alone"
    yield "tests: processes, two at a time", lambda: _pytest(f"{marked} and paired", *PAIRS)
    yield "tests: alone", lambda: _pytest(f"{marked} and not paired")


def _pytest(marked: str, *words: str) -> None:
    """Run the tests of a mark; that none is found is a failure, and so is a skip for want of a tool that is here.

    Where a few fail they are named, and their files run once more: a real control plane on a busy machine is late now
    and then. What is broken fails twice.
    """
    required = {}
    if find():
        required["COUNTERMAND_REQUIRE_CLUSTER"] = "1"
    if monitoring_is_ready():
        required["COUNTERMAND_REQUIRE_MONITORING"] = "1"
    try:
        _run(PYTHON, "-m", "pytest", "-q", *words, "-m", marked, env=required)
    except subprocess.CalledProcessError as failed:
        names = _failed()
        if failed.returncode != _TESTS_FAILED or not 0 < len(names) <= _FEW:
            raise
        print("== once more, file by file:\n" + "\n".join(f"==   {name}" for name in names), flush=True)
        files = sorted({name.partition("::")[0] for name in names})
        _run(PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", marked, *files, env=required)


def _failed() -> list[str]:
    """Return the tests that failed in the run before, as pytest kept them."""
    kept = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
    return sorted(json.loads(kept.read_text(encoding="utf-8"))) if kept.exists() else []


def _run(*argv: str, env: Mapping[str, str] | None = None) -> None:
    subprocess.run(argv, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
