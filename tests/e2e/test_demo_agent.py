"""The example agent works things out from what it reads, and gives up aloud when it cannot."""

import ast
import json
import re
from datetime import timedelta
from pathlib import Path

from examples.sre_agent import diagnosis, observations, queries
from examples.sre_agent.diagnosis import Clue
from examples.sre_agent.observations import Lock, Session, Traffic
from gateway.adapters.tables import load_aws, load_kubectl
from gateway.cli.demo.case import PEOPLE, SERVICES
from gateway.cli.demo.case_sql import LOCKS
from gateway.parsing.catalog import Catalog, Scope
from gateway.parsing.parse import parse
from gateway.parsing.result import ParsedPlan

AGENT = Path(diagnosis.__file__).parent


def session(pid: int, user: str = "svc_a", *, waits: bool = False, blocked_by: tuple[int, ...] = (),
            state: str = "active", seconds: float = 5.0, table: str = "orders") -> Session:  # fmt: skip
    query = f"INSERT INTO {table} (region) VALUES ($1)"
    return Session(
        pid, "2026-11-24 06:00:00+00", user, user.removeprefix("svc_"), state, waits, query, seconds, blocked_by
    )


PROSE = {"orders", "region", "table"}
"""Words that are answers too, but are used here for other things: the database's name, messages."""
HOLDER = session(1, state="idle in transaction")
WAITING = [session(pid, waits=True, blocked_by=(1,)) for pid in (2, 3)]


def test_the_agent_imports_nothing_but_the_client() -> None:
    imported: set[str] = set()
    for file in AGENT.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add((node.module or "").partition(".")[0])
    assert "agent_client" in imported
    assert not imported & {"gateway", "countermand", "psycopg", "boto3", "subprocess", "os", "socket", "httpx2"}


def test_the_agent_knows_none_of_the_answers() -> None:
    known: set[str] = set()
    for file in AGENT.glob("*.py"):
        tree = ast.parse(file.read_text())
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                known |= set(re.findall(r"\w+", node.value)) - PROSE
    lock = {word for line, relation, _ in LOCKS.values() for word in re.findall(r"[a-z_]{4,}", line + relation)}
    answers = {*SERVICES, *SERVICES.values(), "R__", *lock} | {word for name in PEOPLE for word in name.split()}
    assert known & answers == set()


def test_a_jam_is_the_user_with_most_sessions_and_those_it_waits_for() -> None:
    jam = diagnosis.jam([HOLDER, *WAITING, session(9, "svc_b")])
    assert jam is not None
    assert (jam.user, jam.table, jam.waiting, jam.total) == ("svc_a", "orders", 2, 3)
    assert jam.holders == (HOLDER,)


def test_sessions_that_wait_for_nobody_are_no_jam() -> None:
    assert diagnosis.jam([session(1), session(2)]) is None
    assert diagnosis.jam([]) is None


def test_a_holder_that_works_is_not_abandoned() -> None:
    young = session(4, state="idle in transaction", seconds=0.1)
    jam = diagnosis.jam([HOLDER, young, session(5, waits=True, blocked_by=(1, 4))])
    assert jam is not None
    assert diagnosis.abandoned(jam) == (HOLDER,)


def test_the_table_of_the_statement_itself_is_no_clue() -> None:
    jam = diagnosis.jam([HOLDER, *WAITING])
    assert jam is not None
    held = [
        Lock(1, "relation", "RowExclusiveLock", granted=True, relation="orders", advisory_key=0),
        Lock(1, "relation", "RowShareLock", granted=True, relation="sums", advisory_key=0),
        Lock(1, "relation", "AccessShareLock", granted=True, relation="read_only", advisory_key=0),
    ]
    assert diagnosis.clues(jam, held) == [Clue("sums", "rows of sums")]


def test_an_advisory_lock_is_found_by_its_number() -> None:
    jam = diagnosis.jam([HOLDER, *WAITING])
    assert jam is not None
    held = [Lock(1, "advisory", "ExclusiveLock", granted=True, relation="", advisory_key=77)]
    assert [clue.text for clue in diagnosis.clues(jam, held)] == ["(77,"]


def test_traffic_that_did_not_grow_is_no_surge() -> None:
    assert diagnosis.surge([Traffic("a", 10.0, 11.0), Traffic("b", 0.0, 5.0)]) is None
    grown = Traffic("c", 2.0, 9.0)
    assert diagnosis.surge([Traffic("a", 10.0, 11.0), grown]) == grown


def test_comments_are_not_code() -> None:
    hits = [("f.sql", 3, "-- sums"), ("f.sql", 4, "UPDATE sums SET n = n + 1;")]
    assert diagnosis.code_lines(hits) == hits[1:]


def test_series_are_read_oldest_first() -> None:
    text = json.dumps(
        {"MetricDataResults": [{"Id": "m0", "Timestamps": ["2026-01-02", "2026-01-01"], "Values": [2, 1]}]}
    )
    assert observations.series(text) == {"m0": [1.0, 2.0]}


def test_blocking_pids_are_read_as_json_and_as_text() -> None:
    row = {
        "pid": 5, "backend_start": "t", "usename": "u", "application_name": "a", "state": "active",
        "wait_event_type": "Lock", "query": "INSERT INTO t VALUES (1)", "transaction_s": "1.5", "blocked_by": [1, 2],
    }  # fmt: skip
    text = json.dumps(row) + "\n" + json.dumps({**row, "blocked_by": "{3}", "wait_event_type": None}) + "\n"
    first, second = observations.sessions(text)
    assert (first.blocked_by, first.waits_for_lock) == ((1, 2), True)
    assert (second.blocked_by, second.waits_for_lock) == ((3,), False)


def test_a_blamed_line_names_its_commit_and_author() -> None:
    text = "abc123 4 4 1\nauthor Ann Lee\nauthor-time 1764000000\nsummary Add it\nfilename f.sql\n\tUPDATE t;\n"
    line = observations.blamed(text)
    assert (line.commit, line.author, line.summary, line.text) == ("abc123", "Ann Lee", "Add it", "UPDATE t;")


def test_every_command_of_the_agent_is_understood() -> None:
    scopes = {
        "orders-db": Scope("orders-db", "postgres"),
        "prod-aws": Scope("prod-aws", "aws", "eu-west-1", ("eu-west-1",)),
        "app-repo": Scope("app-repo", "git"),
    }
    catalog = Catalog(scopes, load_kubectl(), load_aws(("apigateway", "cloudwatch")))
    commands = [
        queries.USAGE_PLANS, queries.RECENT_COMMITS, queries.usage_plan("abc"), queries.set_rate("abc", 2),
        queries.psql(queries.SESSIONS), queries.psql(queries.locks_of([1, 2])), queries.psql(queries.triggers_of("t")),
        queries.list_metric("Shop/Gates", "Requests"), queries.grep("FUNCTION f("),
        queries.metrics("Shop/Gates", "Requests", "Service", ["a", "b"], timedelta(seconds=90)),
        queries.grep("(77,", "db/f.sql"), queries.blame("db/f.sql", 3),
    ]  # fmt: skip
    refused = {c: r for c in commands if not isinstance(r := parse(c.encode(), catalog), ParsedPlan)}
    assert refused == {}
