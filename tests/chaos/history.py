"""What the targets themselves remember: append-only, and written by nobody of Countermand.

PostgreSQL fires no trigger for ALTER ROLE, so the server's own log is the history: it names every statement that
completed, in order, and the login under test is not allowed to switch it off. In front of the AWS API stands a proxy
that writes down every request that changes something, once the API has carried it out.
"""

import http.client
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.fixtures_aws import Aws
from tests.fixtures_pg import Postgres

EXECUTOR = "executor"
_COMPLETED = re.compile(
    r"^\S+ \S+ \S+ \[(?P<session>\S+)\] (?P<user>\S+) LOG:  duration: \S+ ms  statement: (?P<sql>.*)$"
)
_ALTER = re.compile(r'^ALTER ROLE "(?P<role>\w+)" CONNECTION LIMIT (?P<limit>-?\d+)$')


@dataclass(frozen=True, slots=True)
class Write:
    """One committed write to one target."""

    target: str
    value: int


class Roles:
    """The connection limits of a server's roles, and every change to them that was committed."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._skip = 0
        [(file,)] = server.run("SELECT current_setting('data_directory') || '/log'")
        self._log = Path(str(file))
        server.run(
            f"CREATE ROLE {EXECUTOR} LOGIN CREATEROLE",
            f"GRANT SELECT, UPDATE ON pg_authid TO {EXECUTOR}",  # what it takes to lock the table
            "ALTER SYSTEM SET log_line_prefix = '%m [%c] %u '",
            "ALTER SYSTEM SET log_min_duration_statement = 0",  # only a superuser may change this in a session
            "SELECT pg_reload_conf()",
        )

    def from_now_on(self) -> "Roles":
        """Return the same roles, with a history that begins now."""
        later = copy(self)
        later._skip = self._skip + len(self.history())
        return later

    @property
    def dsn(self) -> str:
        """Return the connection string of the executor's login, which is no superuser."""
        return self._server.dsn_of("postgres", EXECUTOR)

    def create(self, name: str, limit: int) -> None:
        """Create a role that the executor may alter."""
        self._server.run(f"CREATE ROLE {name} CONNECTION LIMIT {limit}", f"GRANT {name} TO {EXECUTOR} WITH ADMIN TRUE")

    def value(self, name: str) -> int:
        """Return the limit as it is now."""
        [(limit,)] = self._server.run(f"SELECT rolconnlimit FROM pg_roles WHERE rolname = '{name}'")
        return int(str(limit))

    def history(self) -> list[Write]:
        """Return every committed change, in order: an ALTER ROLE counts once the COMMIT of its session completed."""
        open_: dict[str, list[Write]] = {}
        committed: list[Write] = []
        for line in self._log.read_text(encoding="utf-8", errors="replace").splitlines():
            found = _COMPLETED.match(line)
            if found is None or found["user"] != EXECUTOR:
                continue
            session, sql = found["session"], found["sql"]
            if sql == "BEGIN":
                open_[session] = []
            elif sql == "COMMIT":
                committed += open_.pop(session, [])
            elif altered := _ALTER.match(sql):
                # Outside a transaction a statement commits by itself.
                write = Write(altered["role"], int(altered["limit"]))
                open_.get(session, committed).append(write)
        return committed[self._skip :]


@dataclass
class Plans:
    """The rates of an account's usage plans, behind a proxy that writes every change down."""

    aws: Aws
    url: str = ""
    _written: list[Write] = field(default_factory=list)
    _skip: int = 0

    def from_now_on(self) -> "Plans":
        """Return the same plans, with a history that begins now."""
        return replace(self, _skip=len(self._written))

    def create(self, rate: int) -> str:
        """Create a usage plan with one key, and return its id."""
        api = self.aws.client("apigateway")
        plan = api.create_usage_plan(name=f"plan-{rate}", throttle={"rateLimit": rate, "burstLimit": rate})["id"]
        key = api.create_api_key(name=f"key-{plan}", enabled=True)["id"]
        api.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
        return str(plan)

    def value(self, plan: str) -> int:
        """Return the rate as it is now."""
        found = self.aws.client("apigateway").get_usage_plan(usagePlanId=plan)
        return int(found["throttle"]["rateLimit"])

    def history(self) -> list[Write]:
        """Return every change that the API carried out, in order."""
        return self._written[self._skip :]

    def carried_out(self, path: str, body: bytes) -> None:
        """Write down a change; nothing written is ever taken out."""
        rates = [p for p in json.loads(body)["patchOperations"] if p["path"] == "/throttle/rateLimit"]
        [rate] = rates
        self._written.append(Write(path.rpartition("/")[2], int(float(rate["value"]))))


class _Handler(BaseHTTPRequestHandler):
    """Passes requests on; a change is written down once the API has carried it out."""

    protocol_version = "HTTP/1.1"
    server: "_Proxy"

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        changes = self.command not in {"GET", "HEAD"} and self.path.startswith("/usageplans/")
        self._answer(*(self._change(body) if changes else self._ask(body)))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = _forward  # noqa: N815  # names of the base class

    def _change(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        with self.server.turn:  # one at a time, so that the order written down is the order carried out
            answer = self._ask(body)
            if answer[0] < 300:
                self.server.plans.carried_out(self.path, body)
        return answer

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = self.server.upstream
        connection = http.client.HTTPConnection(str(upstream.hostname), upstream.port, timeout=20)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        try:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in {"connection", "content-length", "transfer-encoding"}:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # whoever asked was killed meanwhile

    def log_message(self, *args: Any) -> None:
        del args


class _Proxy(ThreadingHTTPServer):
    """Stands in front of the API of `plans`."""

    daemon_threads = True

    def __init__(self, plans: Plans) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.plans = plans
        self.upstream = urlsplit(plans.aws.url)
        self.turn = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed leaves a broken connection behind: nothing to tell."""


@contextmanager
def recorded(aws: Aws) -> Iterator[Plans]:
    """Run the proxy in front of the AWS API."""
    plans = Plans(aws)
    server = _Proxy(plans)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    plans.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield plans
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
