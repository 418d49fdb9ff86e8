"""Days on which something of the machine is broken: what the gateway says, what it keeps, what goes on."""

import json
import os
import resource
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.cli.main import main
from tests.cli.running import ROOT, gateway, write_site

pytestmark = [pytest.mark.alone, pytest.mark.paired]
Break = Callable[[Path], None]
_UNLIMITED = resource.RLIM_INFINITY


def _first(folder: Path, pattern: str) -> Path:
    return next((folder / "state").glob(pattern))


def _garble(path: Path) -> None:
    path.write_bytes(b"garbage")


def _bundle(folder: Path) -> None:
    settings = folder / "gateway.yaml"
    (folder / "bundle").mkdir()
    settings.write_text(settings.read_text().replace("policy:", f"policy:\n  bundle: {folder / 'bundle'}", 1))


BROKEN: dict[str, tuple[Break, str]] = {
    "the signing key is readable by others": (lambda f: _first(f, "keys/*.key").chmod(0o644), "FILE_NOT_PRIVATE"),
    "the signing key is gone": (lambda f: _first(f, "keys/*.key").unlink(), "KEY_MISSING"),
    "the signing key is garbled": (lambda f: _garble(_first(f, "keys/*.key")), "KEY_MALFORMED"),
    "the passphrase is gone": (lambda f: _first(f, "secrets/passphrase").unlink(), "KEY_LOST"),
    "the state is open to others": (lambda f: (f / "state").chmod(0o755), "FILE_NOT_PRIVATE"),
    "the log is readable by others": (lambda f: _first(f, "store/*.db").chmod(0o644), "FILE_NOT_PRIVATE"),
    "the log is no database": (lambda f: _garble(_first(f, "store/*.db")), "STORE_UNAVAILABLE"),
    "the policy is empty": (_bundle, "POLICY_NONE"),
}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a gateway that ran and was stopped."""
    folder = tmp_path_factory.mktemp("stopped")
    with gateway(folder):
        pass
    return folder


@pytest.mark.parametrize("name", BROKEN)
def test_a_gateway_that_cannot_be_trusted_does_not_start_and_says_what_to_do(
    stopped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    site = tmp_path / "site"
    subprocess.run(["cp", "-a", str(stopped), str(site)], check=True)
    for rest in ("store/*.db-wal", "store/*.db-shm"):
        assert not list((site / "state").glob(rest))
    spoil, code = BROKEN[name]
    spoil(site)
    kept = _contents(site / "state")
    assert main(["serve", "--config", str(site / "gateway.yaml")]) == 1
    error, remedy = capsys.readouterr().err.rpartition("error: ")[2].rsplit("\nremedy: ", 1)
    assert error.startswith(f"{code}: ")
    assert remedy.strip()
    assert remedy.strip() != "see docs/codes.md for what the code means"
    unchanged = {path: data for path, data in kept.items() if "store/" not in path}
    assert {path: data for path, data in _contents(site / "state").items() if path in unchanged} == unchanged


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _ask(state: Path, *args: str) -> tuple[int, str, str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "proto")))}
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", *args, "--state-dir", str(state)],
        env=env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return ran.returncode, ran.stdout, ran.stderr


@contextmanager
def _no_room(state: Path) -> Iterator[None]:
    """Let the gateway write nothing more to any file, as on a full disk."""
    inodes = {f"socket:[{line.split()[6]}]" for line in Path("/proc/net/unix").read_text().splitlines()[1:]
              if line.endswith(str(state / "sockets" / "agent.sock"))}  # fmt: skip
    owners = {int(fd.parts[2]) for fd in Path("/proc").glob("[0-9]*/fd/*")
              if os.access(fd.parent, os.R_OK) and _target(fd) in inodes}  # fmt: skip
    (owner,) = owners
    resource.prlimit(owner, resource.RLIMIT_FSIZE, (1, _UNLIMITED))
    try:
        yield
    finally:
        resource.prlimit(owner, resource.RLIMIT_FSIZE, (_UNLIMITED, _UNLIMITED))


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # it ended meanwhile
        return ""


def test_with_no_room_on_the_disk_nothing_is_decided_or_lost_and_questions_are_answered(tmp_path: Path) -> None:
    with gateway(tmp_path) as state:
        before = json.loads(_ask(state, "submit", "uptime first", "--wait", "--json")[1])
        request = str(uuid.uuid4())
        with _no_room(state):
            code, out, err = _ask(state, "submit", "uptime second", "--request-id", request)
            assert (code, out) == (1, "")
            assert err.startswith("error: STORE_UNAVAILABLE: nothing was stored")
            assert "remedy: try again under the same request_id" in err
            assert _ask(state, "show", before["id"])[0] == 0
            assert _ask(state, "status")[0] == 0
            assert _ask(state, "submit", "uptime second", "--dry-run")[0] == 0
        once = json.loads(_ask(state, "submit", "uptime second", "--request-id", request, "--wait", "--json")[1])
        again = json.loads(_ask(state, "submit", "uptime second", "--request-id", request, "--json")[1])
        assert (once["state"], again["id"]) == ("SUCCEEDED", once["id"])
    assert _ask(state, "audit", "verify")[0] == 0


def test_without_an_executor_the_gateway_answers_and_says_that_none_is_attached(tmp_path: Path) -> None:
    config = write_site(tmp_path)
    config.write_text(config.read_text().replace("executor: executor.yaml\n", ""))
    with _serving(config) as state:
        action = json.loads(_ask(state, "submit", "uptime x", "--json")[1])
        assert action["state"] == "GRANTED"
        code, _, err = _ask(state, "submit", "uptime y", "--wait", "--wait-s", "1")
        assert (code, err.split(":")[1].strip()) == (1, "WAIT_TIMEOUT")
        assert "whether an executor is attached" in err
        assert "none attached" in _ask(state, "status")[1]


@contextmanager
def _serving(config: Path) -> Iterator[Path]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "proto")))}
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, text=True) as process:
        assert process.stdout is not None
        try:
            assert any("countermand: ready" in line for line in process.stdout)
            yield config.parent / "state"
        finally:
            process.send_signal(signal.SIGTERM)
