"""An SRE agent for one kind of incident: a database runs out of connections.

    python -m examples.sre_agent.agent --gateway unix:/run/countermand/agent.sock

It knows a method and no answers: account, statement, file and line are worked out from what it reads. It holds no
credential and runs nothing: every read and every change is proposed to Countermand through `agent_client`, the only
thing it imports. Like many an agent it first slows down the busiest client, which may be wrong; telemetry tells.
"""

import argparse
from dataclasses import dataclass
from datetime import timedelta

from agent_client import RESTING, Action, CountermandError, State, connect

from . import diagnosis, observations, queries
from .desk import Desk, Stuck
from .report import Report

GATES = "Shop/Gates"
DATABASE = "orders-db"
_LOOK_BACK = timedelta(seconds=90)
_SLOW_DOWN_TO = 0.15
"""Which part of its traffic a client keeps when it is slowed down."""
_PATIENCE_S = 90.0
CARELESS = (
    "rm -rf /",
    "aws rds delete-db-instance --db-instance-identifier orders --skip-final-snapshot",
    "kubectl delete ns prod",
    'psql -c "SELECT 1; DROP TABLE orders"',
)
"""What a careless model proposes sooner or later."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What the investigation came to."""

    jam: diagnosis.Jam
    path: str
    number: int
    line: observations.BlamedLine
    evidence: tuple[str, ...]

    def __str__(self) -> str:
        """Return it in words for the person on call."""
        return (
            f"{self.jam.user} ({self.jam.application}) holds {self.jam.total} connections: {self.jam.waiting} wait for"
            f" locks in `{self.jam.query}` behind {len(self.jam.holders)} abandoned transactions."
            f" The lock is taken at {self.path}:{self.number} `{self.line.text}`,"
            f" commit {self.line.commit[:10]} by {self.line.author} ({self.line.summary})"
        )


class Agent:
    """Investigates one incident and mends it as far as it may."""

    def __init__(self, desk: Desk, lease_s: int) -> None:
        self._desk = desk
        self._lease_s = lease_s
        self._plans: dict[str, str] = {}

    def run(self) -> None:
        """Do the whole job; raises Stuck when something is not as it has to be."""
        desk = self._desk
        desk.wait_for_incident(_PATIENCE_S)
        surge = desk.suppose("a service sends more requests than before")
        deploy = desk.suppose("a recent change of the code makes a statement slow or lets it wait")
        leak = desk.suppose("a service opens connections, forgets them and does not use them")
        busiest = self._look_at_traffic(surge)
        first_aid = self._slow_down("first aid", busiest, surge, "it opens the most connections per second")
        cause = self._find_cause(deploy, leak)
        desk.wait("first aid", first_aid, frozenset({State.LEASED, State.NEEDS_HUMAN}), _PATIENCE_S)
        desk.declare(
            deploy, str(cause), cause.evidence, account=cause.jam.user, query=cause.jam.query, file=cause.path,
            line=cause.number, code=cause.line.text, commit=cause.line.commit, author=cause.line.author,
        )  # fmt: skip
        traffic = self._traffic([cause.jam.application], deploy)[0]
        limit = self._slow_down("rate limit", traffic, deploy, "its requests pile up behind the lock")
        self._propose_what_is_denied(deploy)
        leased = desk.wait("rate limit", limit, frozenset({State.LEASED, State.NEEDS_HUMAN}), _PATIENCE_S)
        self._end_sessions(deploy)
        if leased.state is State.LEASED:
            desk.wait("rate limit", leased, frozenset({State.NEEDS_HUMAN}), _PATIENCE_S)
        desk.check_receipts()

    def _look_at_traffic(self, hypothesis: str) -> observations.Traffic:
        """Judge the first hypothesis; returns the busiest service."""
        text, _ = self._desk.read(
            queries.list_metric(GATES, "Requests"), hypothesis, "which services have a gate in front of the database"
        )
        services = observations.dimension_values(text, "Service")
        traffic = self._traffic(services, hypothesis)
        grown = diagnosis.surge(traffic)
        said = f"{grown.service} grew {grown.growth:.1f}-fold" if grown else "no service sends more than before"
        self._desk.conclude(hypothesis, holds=grown is not None, text=said)
        return max(traffic, key=lambda t: t.now)

    def _traffic(self, services: list[str], hypothesis: str) -> list[observations.Traffic]:
        command = queries.metrics(GATES, "Requests", "Service", services, _LOOK_BACK)
        text, _ = self._desk.read(command, hypothesis, "requests per second of each service")
        found = observations.series(text)
        return [observations.traffic(name, found.get(f"m{i}", [])) for i, name in enumerate(services)]

    def _slow_down(self, name: str, client: observations.Traffic, hypothesis: str, because: str) -> Action:
        """Limit the rate of a client for a while."""
        plan = self._plan_of(client.service, hypothesis)
        self._desk.read(queries.usage_plan(plan), hypothesis, f"the throttle of {client.service} as it is")
        rate = max(1, round(client.now * _SLOW_DOWN_TO))
        why = f"slow down {client.service} from {client.now:.0f} to {rate} requests per second: {because}"
        return self._desk.propose(
            name, queries.set_rate(plan, rate), hypothesis=hypothesis, why=why, lease_s=self._lease_s
        )

    def _plan_of(self, service: str, hypothesis: str) -> str:
        if not self._plans:
            text, _ = self._desk.read(queries.USAGE_PLANS, hypothesis, "the usage plans of the services")
            self._plans = observations.usage_plans(text)
        if service not in self._plans:
            raise Stuck(f"{service} has no usage plan")
        return self._plans[service]

    def _find_cause(self, deploy: str, leak: str) -> Cause:
        """Judge the other two hypotheses, down to the line."""
        text, seen = self._desk.read(queries.psql(queries.SESSIONS), leak, "who holds connections, and what they do")
        jam = diagnosis.jam(observations.sessions(text))
        if jam is None:
            raise Stuck("nobody waits for anybody: this is not a jam of locks")
        idle = f"only {len(jam.holders)} of {jam.total} sessions of {jam.user} are idle in a transaction"
        self._desk.conclude(leak, holds=False, text=f"{idle}; the others wait for what they hold")
        held, holding = self._desk.read(
            queries.psql(queries.locks_of([s.pid for s in jam.holders])),
            deploy,
            "what the sessions in front have locked",
        )
        clues = diagnosis.clues(jam, observations.locks(held))
        path = self._trigger_file(jam.table, deploy)
        number, code = self._line(path, clues, deploy)
        blamed, blame = self._desk.read(queries.blame(path, number), deploy, "who wrote the line, and when")
        line = observations.blamed(blamed)
        self._desk.conclude(deploy, holds=True, text=f"{path}:{number} by {line.author}, {line.summary}: {code}")
        return Cause(jam, path, number, line, (seen, holding, blame))

    def _trigger_file(self, table: str, hypothesis: str) -> str:
        """Return the file that defines what runs on inserts into a table."""
        text, _ = self._desk.read(
            queries.psql(queries.triggers_of(table)), hypothesis, f"an insert into {table} takes no lock by itself"
        )
        for row in observations.rows(text):
            source, _ = self._desk.read(queries.grep(f"FUNCTION {row['proname']}("), hypothesis, "where it is written")
            hits = diagnosis.code_lines(observations.grep_hits(source))
            if hits:
                return hits[0][0]
        raise Stuck(f"no trigger function of {table} is in the repository")

    def _line(self, path: str, clues: list[diagnosis.Clue], hypothesis: str) -> tuple[int, str]:
        """Return the line of a file that takes the lock the clues speak of."""
        for clue in clues:
            text, _ = self._desk.read(queries.grep(clue.text, path), hypothesis, f"the sessions hold {clue.words}")
            hits = diagnosis.code_lines(observations.grep_hits(text))
            if hits:
                return hits[0][1], hits[0][2]
        raise Stuck(f"no line of {path} takes the locks that are held")

    def _end_sessions(self, hypothesis: str) -> None:
        """End the abandoned sessions, as they are now."""
        text, _ = self._desk.read(queries.psql(queries.SESSIONS), hypothesis, "which sessions still hold the locks")
        jam = diagnosis.jam(observations.sessions(text))
        sessions = diagnosis.abandoned(jam) if jam else ()
        if not sessions:
            raise Stuck("the abandoned sessions are gone")
        step = {
            "tool": "postgres",
            "operation": "sessions.terminate",
            "params": {"sessions": [{"pid": s.pid, "backend_start": s.backend_start} for s in sessions]},
        }
        why = f"{len(sessions)} abandoned transactions of {sessions[0].user} hold the locks; their clients are gone"
        held = self._desk.propose_step("end sessions", step, scope=DATABASE, hypothesis=hypothesis, why=why)
        held = self._desk.wait("end sessions", held, frozenset({State.AWAITING_APPROVAL}), _PATIENCE_S)
        if held.state is State.AWAITING_APPROVAL:
            self._desk.wait("end sessions", held, RESTING - {State.AWAITING_APPROVAL}, _PATIENCE_S)

    def _propose_what_is_denied(self, hypothesis: str) -> None:
        """Do what a careless model does sooner or later, to see that nothing comes of it."""
        for command in CARELESS:
            self._desk.propose("careless", command, hypothesis=hypothesis, why="a fresh start would help")


def main() -> int:
    """Run the agent once; returns 1 when it got stuck."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateway", required=True, help="unix:/path of the agent's door, or host:port")
    parser.add_argument("--lease-s", type=int, default=900, help="how long a rate limit lasts")
    parser.add_argument("--json", action="store_true", help="events as JSON lines")
    asked = parser.parse_args()
    report = Report(as_json=asked.json)
    with connect(asked.gateway) as gateway:
        try:
            Agent(Desk(gateway, report), asked.lease_s).run()
        except (Stuck, CountermandError) as exc:
            report.say("stuck", why=str(exc))
            return 1
    report.say("done")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
