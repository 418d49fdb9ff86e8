"""Start everything in order, keep it, stop it in order."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.cli.demo.controlplane import audit, identity, nodes, stages
from gateway.cli.demo.controlplane.client import Api, ApiError
from gateway.cli.demo.controlplane.find import Programs
from gateway.cli.demo.controlplane.layout import Layout
from gateway.cli.demo.controlplane.processes import free_ports, port_is_free, say, spawn, stop, until
from gateway.cli.demo.controlplane.programs import Ports, arguments

_READY_S = 60.0
_STOP_ORDER = ("kwok", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")
_PATIENCE_S = {"kube-apiserver": 8.0}


class StartError(Exception):
    """The control plane did not come up; the text names the program and its log."""


@dataclass(slots=True)
class Supervisor:
    """One control plane's processes."""

    programs: Programs
    layout: Layout
    ports: Ports
    tokens: Mapping[str, str]
    api: Api
    """The administrator's client."""
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self) -> None:
        """Start all programs and wait until the cluster can be used."""
        self._spawn("etcd")
        self._spawn("kube-apiserver")
        self._await(lambda: self.api.answers("/readyz"), "the API server")
        for program in ("kube-controller-manager", "kube-scheduler", "kwok"):
            self._spawn(program)
        for name in nodes.NAMES:
            with contextlib.suppress(ApiError):  # there already, where a start is repeated
                self.api.create("/api/v1/nodes", nodes.node(name))
        self._await(lambda: nodes.settled(self.api), "the nodes")

    def keep(self, leave: Callable[[], bool]) -> str:
        """Wait until told to leave; an API server that dies is started again, any other death ends it all.

        Returns why it ended: "" when told.
        """
        while not leave():
            dead = [name for name, process in self.running.items() if process.poll() is not None]
            if dead == ["kube-apiserver"]:
                say("the API server ended; starting it again")
                until(lambda: port_is_free(self.ports.apiserver), _READY_S)
                self._spawn("kube-apiserver")
                self.publish()
            elif dead:
                return f"{dead[0]} ended: see {self.layout.log(dead[0])}"
            time.sleep(0.1)
        return ""

    def end(self) -> None:
        """Stop in order: an API server without its etcd would hold its port for up to a minute."""
        self.layout.state.unlink(missing_ok=True)
        for program in _STOP_ORDER:
            process = self.running.pop(program, None)
            if process is None:
                continue
            if not stop(process, _PATIENCE_S.get(program, 3.0)):
                say(f"{program} had to be killed")
            if program == "kube-apiserver" and not until(lambda: port_is_free(self.ports.apiserver), 5):
                say(f"port {self.ports.apiserver} is still held")

    def publish(self) -> None:
        """Write down what runs now, whole or not at all, for whoever waits."""
        state = {
            "server": self.ports.server,
            "tokens": dict(self.tokens),
            "supervisor": os.getpid(),
            "pids": {name: process.pid for name, process in self.running.items()},
            "kubectl": str(self.programs["kubectl"]),
        }
        new = self.layout.state.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(state, indent=2))
        new.replace(self.layout.state)

    def _spawn(self, program: str) -> None:
        argv = [str(self.programs[program]), *arguments(program, self.layout, self.ports)]
        self.running[program] = spawn(argv, self.layout.log(program))

    def _await(self, check: Callable[[], bool], what: str) -> None:
        def settled() -> bool:
            return any(process.poll() is not None for process in self.running.values()) or check()

        in_time = until(settled, _READY_S)
        for name, process in self.running.items():
            if process.poll() is not None:
                raise StartError(f"{name} ended at its start: {_tail(self.layout.log(name))}")
        if not in_time:
            raise StartError(f"{what} did not become ready in {_READY_S:.0f} s: see {self.layout.root}")


def prepare(programs: Programs, root: Path) -> Supervisor:
    """Write every file of a new, empty control plane; what an earlier one left in the folder is deleted."""
    layout = Layout(root)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in (layout.etcd_data, layout.pki):
        shutil.rmtree(old, ignore_errors=True)
    for file in (layout.state, layout.audit_log, *root.glob("*.log")):
        if file != layout.supervisor_log:
            file.unlink(missing_ok=True)
    ports = Ports(*free_ports(4))
    tokens = identity.create(layout, ports.server)
    layout.audit_policy.write_text(audit.POLICY)
    pod_log = root / "pod.txt"
    pod_log.write_text("".join(_log_line(number) for number in range(1, 201)))
    layout.stages.write_text(stages.config(str(pod_log)))
    api = Api(ports.server, layout.ca, tokens[identity.ADMIN])
    return Supervisor(programs, layout, ports, tokens, api)


def supervise(programs: Programs, root: Path, leave: Callable[[], bool]) -> int:
    """Run a control plane in `root` until told to leave; returns an exit status."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: asked.append(got))
    keeper = prepare(programs, root)
    started = time.monotonic()
    try:
        keeper.start()
        keeper.publish()
        say(f"ready in {time.monotonic() - started:.1f} s at {keeper.ports.server}")
        why = keeper.keep(lambda: bool(asked) or leave())
        if why:
            say(why)
    except StartError as failed:
        say(str(failed))
        why = str(failed)
    finally:
        keeper.end()
    return 1 if why else 0


def _log_line(number: int) -> str:
    """Return a line as a container runtime (CRI) writes it."""
    return f"2026-01-01T00:{number // 60:02}:{number % 60:02}.000000000Z stdout F line {number} of a pod on paper\n"


def _tail(log: Path) -> str:
    return log.read_bytes()[-2000:].decode(errors="replace")
