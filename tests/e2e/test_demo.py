"""The demo as a user starts it: it ends well, it fails when nothing is really done, and it leaves nothing behind."""

import http.client
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from gateway.cli.demo.case import draw
from gateway.cli.demo.options import Options, Redirect
from gateway.cli.demo.run import run
from gateway.cli.demo.story import Story

pytestmark = pytest.mark.alone
DEMO = [sys.executable, "-m", "gateway", "demo"]


@pytest.mark.timeout(240)
def test_the_demo_ends_well_and_proves_it() -> None:
    seed = 20_261_124
    done = subprocess.run(
        [*DEMO, "--json"], env={**os.environ, "DEMO_SEED": str(seed)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["failed"] == []
    assert result["seed"] == seed
    assert 0 < result["first_read_s"] < 60
    verdicts = [(v["verdict"].partition(":")[0], v["outcome"].partition(" ")[0]) for v in result["verdicts"]]
    assert verdicts == [
        ("allow", "UNDONE"), *[("deny", "never")] * 4, ("approve", "COMMITTED"), ("allow", "UNDONE"),
    ]  # fmt: skip
    assert len(result["undone"]) == 2
    assert f"{draw(seed).file}:{draw(seed).line}" in done.stderr


@pytest.mark.timeout(240)
def test_the_demo_fails_at_verification_when_nothing_is_really_changed() -> None:
    transcript = io.StringIO()
    with pretending() as redirect:
        result = run(Options(7, redirect=redirect), Story(transcript))
    assert result.code == 1, transcript.getvalue()
    assert "the rate limit was verified and stood as a lease" in result.failed, transcript.getvalue()
    ends = {v.what.partition(":")[0]: v.outcome for v in result.verdicts}
    assert ends["rate limit"] == "UNDONE (VERIFICATION_INEFFECTIVE)", transcript.getvalue()


@pytest.mark.paired
@pytest.mark.timeout(120)
def test_a_killed_demo_leaves_no_process_behind(home: Path) -> None:
    demo = started(home)
    wait_until(lambda: {role for role, _ in living(home)} >= {"postgres", "serve", "agent"})
    demo.send_signal(signal.SIGKILL)
    demo.communicate()
    wait_until(lambda: not living(home))


@pytest.mark.paired
@pytest.mark.timeout(120)
def test_an_interrupted_demo_removes_its_folder(home: Path) -> None:
    demo = started(home)
    wait_until(lambda: any(role == "postgres" for role, _ in living(home)))
    demo.send_signal(signal.SIGINT)
    words, _ = demo.communicate(timeout=60)
    assert "interrupted" in words
    assert demo.returncode == 130
    assert list(home.iterdir()) == []
    assert not living(home)


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a folder that the database's own user can reach too, as pytest's are not."""
    folder = Path(tempfile.mkdtemp(prefix="countermand-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def started(home: Path) -> "subprocess.Popen[str]":
    # A shell that runs the tests in its background makes them, and so their children, deaf to SIGINT.
    listening = ["env", "--default-signal=INT", *DEMO]
    return subprocess.Popen(listening, env={**os.environ, "TMPDIR": str(home)}, stdout=subprocess.PIPE, text=True)


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.1)


def living(home: Path) -> set[tuple[str, int]]:
    """Return (role, pid) of every process whose words speak of a folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if not any(bytes(home) in word for word in words):
            continue
        roles = [r for r in ("postgres", "serve", "agent", "executor") if any(r.encode() in word for word in words[:5])]
        found |= {(role, int(entry.name)) for role in roles or ["other"]}
    return found


class Pretender(BaseHTTPRequestHandler):
    """Forwards everything but changes of usage plans: those it only remembers, and shows to whoever asks."""

    upstream: ClassVar[str]
    pretended: ClassVar[dict[str, dict[str, float]]] = {}

    def do_GET(self) -> None:
        self._answer("GET", b"")

    def do_POST(self) -> None:
        self._answer("POST", self._body())

    def do_PATCH(self) -> None:
        for patch in json.loads(self._body())["patchOperations"]:
            member = patch["path"].removeprefix("/throttle/")
            self.pretended.setdefault(self.path, {})[member] = float(patch["value"])
        self._answer("GET", b"")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _answer(self, method: str, body: bytes) -> None:
        with closing(http.client.HTTPConnection(urlsplit(self.upstream).netloc, timeout=10)) as there:
            sent = {
                k: v for k, v in self.headers.items() if k.lower() not in {"content-length", "content-type"} or body
            }
            there.request(method, self.path, body or None, sent)
            answer = there.getresponse()
            content, headers = answer.read(), answer.getheaders()
        if self.path in self.pretended:
            plan = json.loads(content)
            plan["throttle"] |= self.pretended[self.path]
            content = json.dumps(plan).encode()
        self.send_response(answer.status)
        for name, value in headers:
            if name.lower() not in {"content-length", "connection", "transfer-encoding", "date", "server"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""


@contextmanager
def pretending() -> Iterator[Redirect]:
    """Give a redirect to an API in front of the real one, which changes nothing and says that it did."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pretender)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def redirect(url: str) -> str:
        Pretender.upstream = url
        Pretender.pretended.clear()
        return f"http://127.0.0.1:{server.server_address[1]}"

    try:
        yield redirect
    finally:
        server.shutdown()
        server.server_close()
