"""Days on which something of the machine is broken: what the gateway says, what it keeps, what goes on."""

import asyncio
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gateway.adapters.store_sqlite import SqliteStore
from gateway.cli.main import main
from gateway.core.events import leaf
from gateway.core.kinds import LeafKind
from gateway.core.redact import Redactor
from gateway.ports import Tx
from tests.cli.running import ROOT, gateway, write_site

pytestmark = [pytest.mark.alone, pytest.mark.paired]
Break = Callable[[Path], None]
_UNLIMITED = resource.RLIM_INFINITY


def _first(folder: Path, pattern: str) -> Path:
    return next((folder / "state").glob(pattern))


def _garble(path: Path) -> None:
    path.write_bytes(b"garbage")


def _bundle(folder: Path, copied: Path | None = None) -> None:
    settings = folder / "gateway.yaml"
    if copied is None:
        (folder / "bundle").mkdir()
    else:
        shutil.copytree(copied, folder / "bundle")
    settings.write_text(settings.read_text().replace("policy:", f"policy:\n  bundle: {folder / 'bundle'}", 1))


def _no_rego(folder: Path) -> None:
    _bundle(folder, ROOT / "policies")
    (folder / "bundle" / "countermand" / "lib" / "steps.rego").write_text("package countermand.lib.steps\n\nx := {\n")


def _twice(folder: Path) -> None:
    data = folder / "overlay" / "incident" / "data.yaml"
    data.write_text(data.read_text() + data.read_text())


def _append(folder: Path, text: str) -> None:
    with (folder / "gateway.yaml").open("a") as settings:
        settings.write(text)


def _sql(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(_first(folder, "store/*.db"))) as database:
        database.execute(statement)
        database.commit()


def _ahead(folder: Path) -> None:
    """Write a leaf as a gateway does whose clock was an hour ahead."""

    async def write() -> None:
        store = SqliteStore.open(_first(folder, "store/*.db"))
        late = time.time_ns() // 1_000_000 + 3_600_000

        def unit(tx: Tx) -> None:
            data = leaf(
                LeafKind.RESTART, action="", at_ms=late, state_before=None, event=None, guard=None, state_after=None,
                version=0, body={}, prev_leaf=tx.last_leaf_hash(), redactor=Redactor("k", b"k"),
            )  # fmt: skip
            tx.append_leaf(data, action="", kind=LeafKind.RESTART.value)

        await store.write(unit)
        await store.close()

    asyncio.run(write())


BROKEN: dict[str, tuple[Break, str]] = {
    "the signing key is readable by others": (lambda f: _first(f, "keys/*.key").chmod(0o644), "FILE_NOT_PRIVATE"),
    "the signing key is gone": (lambda f: _first(f, "keys/*.key").unlink(), "KEY_MISSING"),
    "the signing key is garbled": (lambda f: _garble(_first(f, "keys/*.key")), "KEY_MALFORMED"),
    "the passphrase is gone": (lambda f: _first(f, "secrets/passphrase").unlink(), "KEY_LOST"),
    "the state is open to others": (lambda f: (f / "state").chmod(0o755), "FILE_NOT_PRIVATE"),
    "the log is readable by others": (lambda f: _first(f, "store/*.db").chmod(0o644), "FILE_NOT_PRIVATE"),
    "the log is no database": (lambda f: _garble(_first(f, "store/*.db")), "STORE_UNAVAILABLE"),
    "the policy is empty": (_bundle, "POLICY_NONE"),
    "the policy is no Rego": (_no_rego, "POLICY_NONE"),
    "the policy's data has a key twice": (_twice, "POLICY_NONE"),
    "the settings have a key twice": (lambda f: _append(f, "origin: another\n"), "CONFIG_UNREADABLE"),
    "a setting is of another type": (lambda f: _append(f, "breaker: {agent: many}\n"), "CONFIG_VALUE"),
    "the sealing key is readable by others": (lambda f: _first(f, "secrets/seal.key").chmod(0o640), "FILE_NOT_PRIVATE"),
    "the sealing key was cut": (lambda f: _first(f, "secrets/seal.key").write_bytes(b"x"), "SEAL_KEY_LENGTH"),
    "the redaction key was cut": (lambda f: _first(f, "secrets/redact.key").write_bytes(b""), "SECRET_SHORT"),
    "the passphrase was cut": (lambda f: _first(f, "secrets/passphrase").write_bytes(b""), "PASSPHRASE_SHORT"),
    "a token was cut": (lambda f: _first(f, "**/*sre-1*").write_bytes(b"x\n"), "TOKEN_SHORT"),
    "the log was cut": (
        lambda f: _sql(f, "DELETE FROM leaves WHERE idx = (SELECT MAX(idx) FROM leaves)"),
        "STORE_LOG_DAMAGED",
    ),
    "a leaf was exchanged": (lambda f: _sql(f, "UPDATE leaves SET hash = zeroblob(32) WHERE idx = 0"), "LOG_REWRITTEN"),
    "the clock is behind the log": (_ahead, "CLOCK_BEHIND"),
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
    error, remedy = capsys.readouterr().err.rpartition("error: " + code)[2].rsplit("\nremedy: ", 1)
    error = code + error
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
