"""A control plane that runs: for the demo and tests (`control_plane()`) and by hand (`launch`, `attach`, `stop`)."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.demo.controlplane import identity
from gateway.cli.demo.controlplane.client import Api
from gateway.cli.demo.controlplane.layout import Layout
from gateway.cli.demo.controlplane.processes import until

_MODULE = "gateway.cli.demo.controlplane"
_START_S = 90.0
_STOP_S = 30.0


class NotRunningError(Exception):
    """No control plane is ready there; the text says why."""


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A ready control plane."""

    layout: Layout
    server: str
    tokens: Mapping[str, str]
    """Bearer token of the administrator, the human and the control plane's own users."""
    supervisor: int
    kubectl: Path

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.layout.kubeconfig

    @property
    def audit_log(self) -> Path:
        """The API server's audit events: read with `audit.requests`."""
        return self.layout.audit_log

    def api(self, user: str = identity.ADMIN) -> Api:
        """Return a client of a user with a static token."""
        return Api(self.server, self.layout.ca, self.tokens[user])

    def pid(self, program: str) -> int:
        """Return a program's process id now; a killed API server comes back under another."""
        return int(json.loads(self.layout.state.read_text())["pids"][program])


def attach(root: Path) -> ControlPlane:
    """Return the control plane that runs in a folder; raise NotRunningError when there is none."""
    layout = Layout(root.resolve())
    try:
        state = json.loads(layout.state.read_text())
    except FileNotFoundError:
        raise NotRunningError(f"no control plane is ready in {root}") from None
    if not _alive(state["supervisor"]):
        raise NotRunningError(f"the control plane in {root} was killed")
    return ControlPlane(layout, state["server"], state["tokens"], state["supervisor"], Path(state["kubectl"]))


def launch(root: Path, *, attended: bool) -> subprocess.Popen[bytes]:
    """Start a supervisor; an attended one ends when the returned process's stdin is closed, or when we die."""
    layout = Layout(root.resolve())
    layout.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout.state.unlink(missing_ok=True)
    argv = [sys.executable, "-m", _MODULE, str(layout.root)]
    with layout.supervisor_log.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  # our own argv, no shell
            argv + (["--attended"] if attended else []),
            stdin=subprocess.PIPE if attended else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    until(lambda: layout.state.exists() or process.poll() is not None, _START_S)
    if process.poll() is not None or not layout.state.exists():
        process.kill()
        process.wait()
        raise NotRunningError(f"the control plane did not start: {layout.supervisor_log.read_text()[-3000:]}")
    return process


@contextmanager
def control_plane(root: Path | None = None) -> Iterator[ControlPlane]:
    """Run a fresh control plane, in a temporary folder unless one is named."""
    with tempfile.TemporaryDirectory(prefix="cm-k8s-", ignore_cleanup_errors=True) as folder:
        where = root or Path(folder)
        process = launch(where, attended=True)
        try:
            yield attach(where)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()  # its children die with it
                process.wait()


def stop(root: Path) -> bool:
    """Stop what `up` started in a folder; tell whether something ran."""
    try:
        found = attach(root)
    except NotRunningError:
        return False
    os.kill(found.supervisor, 15)
    if not until(lambda: not _alive(found.supervisor), _STOP_S):
        os.kill(found.supervisor, 9)
    return True


def _alive(pid: int) -> bool:
    """Tell whether a supervisor of ours has this process id."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return _MODULE.encode() in words
