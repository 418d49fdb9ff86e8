"""A real gateway with a real executor, as processes, for commands to speak to."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway import strict_yaml

ROOT = Path(__file__).resolve().parents[2]
AGENT, PERSON = "agent/sre-1", "person/alice"
_WAIT_S = 60


@contextmanager
def gateway(folder: Path) -> Iterator[Path]:
    """Run `countermand serve` in a folder and yield its state directory."""
    config = write_site(folder)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "proto")))}
    log = folder / "serve.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve", "--config", str(config)], stderr=file, stdout=file, env=env
        )
    try:
        _wait_until_ready(process, log)
        yield folder / "state"
    finally:
        process.terminate()
        process.wait(timeout=20)


def write_site(folder: Path) -> Path:
    """Write the settings of a gateway whose prod changes need an approval and nothing else."""
    _overlay(folder, "incident", exempt_environments=["dev", "prod"])
    _yaml(folder / "executor.yaml", {
        "audience": "executor/local", "gateway": {"address": "unix:state/sockets/executor.sock"},
        "keys": {"jwks": "state/keys/trusted.json"},
        "scopes": {"web-1": {"tool": "process", "commands": {
            "systemctl": {"path": "/bin/true", "cwd": str(folder), "reads": False},
            "uptime": {"path": "/bin/echo", "cwd": str(folder), "reads": True},
        }}},
    })  # fmt: skip
    restart = [{"kind": "literal", "values": ["restart"]}, {"kind": "word", "name": "unit"}]
    word = [{"kind": "word", "name": "text", "optional": True}]
    return _yaml(folder / "gateway.yaml", {
        "state_dir": "state", "origin": "test/cli", "environments": {"prod": {"criticality": "high"}},
        "scopes": {"web-1": {"tool": "process", "environments": {"*": "prod"}}}, "aws_services": [],
        "commands": {
            "systemctl": {"operation": "systemctl.restart", "effects": ["write"], "undo": "neutral", "slots": restart},
            "uptime": {"operation": "uptime.show", "effects": ["read"], "undo": "not_needed", "slots": word},
        },
        "policy": {"overlay": "overlay", "workers": 0}, "timing": {"checkpoint_ms": 200}, "executor": "executor.yaml",
        "principals": [
            {"id": AGENT, "door": "agent", "owner": "team-shop", "groups": ["sre-agents"], "model_tier": "large",
             "default": True},
            {"id": PERSON, "door": "approver", "groups": ["sre-oncall"], "default": True},
        ],
    })  # fmt: skip


def _overlay(folder: Path, topic: str, **changes: object) -> None:
    shipped = strict_yaml.load((ROOT / "policies" / "countermand" / "config" / topic / "data.yaml").read_text())
    (folder / "overlay" / topic).mkdir(parents=True)
    _yaml(folder / "overlay" / topic / "data.yaml", shipped | changes)


def _yaml(path: Path, document: object) -> Path:
    path.write_text(strict_yaml.dump(document))
    return path


def _wait_until_ready(process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _WAIT_S
    while b"countermand: ready" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)  # another process starts: nothing but its file can be waited for
