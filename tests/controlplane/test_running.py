"""A control plane starts in seconds, survives what tests do to it, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.demo.controlplane.processes import port_is_free
from gateway.cli.demo.controlplane.running import ControlPlane, NotRunningError, attach, control_plane
from tests.fixtures_k8s import eventually, required

pytestmark = [pytest.mark.alone, pytest.mark.paired, pytest.mark.cluster]
ROOT = Path(__file__).parents[2]
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    required()
    with control_plane() as made:
        yield made


def test_it_frees_its_port_and_folder() -> None:
    required()
    with control_plane() as plane:
        port, pids, folder = _port(plane), _pids(plane), plane.layout.root
        assert not port_is_free(port)
    assert port_is_free(port)
    assert not [pid for pid in pids if _runs(pid)]
    assert not folder.exists()


def test_a_killed_api_server_comes_back_on_its_port_with_its_objects(plane: ControlPlane) -> None:
    api = plane.api()
    api.create("/api/v1/namespaces", {"metadata": {"name": "kept"}})
    before = plane.pid("kube-apiserver")
    os.kill(before, signal.SIGKILL)
    eventually(lambda: plane.pid("kube-apiserver") != before, what="it is started again")
    eventually(lambda: api.answers("/readyz"), 60, what="it is ready again")
    assert api.get("/api/v1/namespaces/kept")["metadata"]["name"] == "kept"


def test_a_lost_etcd_ends_it_all(plane: ControlPlane) -> None:
    pids = _pids(plane)
    os.kill(plane.pid("etcd"), signal.SIGKILL)
    eventually(lambda: not [pid for pid in pids if _runs(pid)], 30, what="everything has ended")
    with pytest.raises(NotRunningError):
        attach(plane.layout.root)


def test_a_killed_supervisor_takes_its_programs_with_it(plane: ControlPlane) -> None:
    pids = _pids(plane)
    os.kill(plane.supervisor, signal.SIGKILL)
    eventually(lambda: not [pid for pid in pids if _runs(pid)], what="everything has ended")
    with pytest.raises(NotRunningError, match="killed"):
        attach(plane.layout.root)


def test_a_killed_test_run_leaves_nothing_behind(tmp_path: Path) -> None:
    required()
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, env=_environment()
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        pids = [attach(tmp_path).supervisor, *_pids(attach(tmp_path))]
        holder.kill()
        eventually(lambda: not [pid for pid in pids if _runs(pid)], 30, what="everything has ended")


_HOLD = """
import sys, time
from pathlib import Path
from gateway.cli.demo.controlplane.running import control_plane
with control_plane(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(600)
"""


def test_up_prints_a_kubeconfig_twice_the_same_and_down_ends_it(tmp_path: Path) -> None:
    required()
    folder = tmp_path / "by-hand"
    try:
        first, second = _tool("up", folder), _tool("up", folder)
        assert first == second == f"{folder / 'kubeconfig'}\n"
        plane = attach(folder)
        pids = _pids(plane)
        kubectl = [str(plane.kubectl), f"--kubeconfig={folder / 'kubeconfig'}", "get", "nodes", "-o", "name"]
        assert (
            subprocess.run(kubectl, capture_output=True, text=True, check=True).stdout == "node/node-a\nnode/node-b\n"
        )
    finally:
        _tool("down", folder)
    assert not [pid for pid in pids if _runs(pid)]
    with pytest.raises(NotRunningError, match="no control plane is ready"):
        attach(folder)


def test_its_keys_and_tokens_are_for_the_owner_only(control_plane_of_session: ControlPlane) -> None:
    plane = control_plane_of_session
    secret = [plane.layout.kubeconfig, plane.layout.tokens, plane.layout.state, plane.layout.pki / "sa.key"]
    assert [path.stat().st_mode & 0o077 for path in secret] == [0, 0, 0, 0]


def _pids(plane: ControlPlane) -> list[int]:
    return [plane.pid(program) for program in PROGRAMS]


def _port(plane: ControlPlane) -> int:
    return int(plane.server.rpartition(":")[2])


def _runs(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _tool(*words: str | Path) -> str:
    command, folder = words
    argv = [sys.executable, "-m", "tools.controlplane", str(command), "--dir", str(folder)]
    done = subprocess.run(argv, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
