"""The shop's traffic, in a process of its own: every service is a gate in front of the database.

A gate asks the AWS API for the usage plan of its API key every second and lets through what the plan's throttle
allows. A request opens a connection of its own, inserts one row, and commits. A row that the database dropped is
something no service has ever seen: the request gives up without a commit and its session is never closed.

    python -m gateway.cli.demo.workload traffic.json
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

from gateway.cli.demo.aws import client
from gateway.cli.demo.case_sql import LIMIT_CENTS

NAMESPACE_GATES = "Shop/Gates"
NAMESPACE_DATABASE = "AWS/RDS"
LOCK_TIMEOUT_MS = 6_000
_LARGE_EVERY = 6
"""One request in this many, per region, is above the limit."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one gate needs to know."""

    service: str
    dsn: str
    table: str
    demand: float
    plan: str
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the process needs to know."""

    url: str
    probe_dsn: str
    database: str
    gates: tuple[Traffic, ...]

    def write(self, path: Path) -> None:
        """Write the plan for the process; it holds passwords, so the file is the owner's alone."""
        path.touch(0o600)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """Read the plan back."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        gates = tuple(Traffic(**g | {"regions": tuple(g["regions"])}) for g in raw.pop("gates"))
        return cls(gates=gates, **raw)


class Gate:
    """One service's door: lets requests through at the rate of its usage plan."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self.limit = traffic.demand
        self.counts: Counter[str] = Counter()
        self._sequence = 0
        self._tokens = 1.0
        self._open: set[asyncio.Task[None]] = set()
        self._forgotten: list[psycopg.AsyncConnection[tuple[Any, ...]]] = []
        """What a service that crashed in the middle of a request leaves behind."""

    async def run(self) -> None:
        """Take requests for ever, evenly, and refuse those beyond the limit."""
        interval = 1 / self.traffic.demand
        due = time.monotonic() + random.uniform(0, interval)  # noqa: S311  # so that gates do not march in step
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += interval
            self.counts["Requests"] += 1
            self._tokens = min(max(1.0, self.limit), self._tokens + self.limit * interval)
            if self._tokens < 1:
                self.counts["Throttled"] += 1
                continue
            self._tokens -= 1
            task = asyncio.create_task(self._request())
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    async def _request(self) -> None:
        region, large = self._next()
        try:
            conn = await psycopg.AsyncConnection.connect(
                self.traffic.dsn, application_name=self.traffic.service, connect_timeout=5,
                options=f"-c lock_timeout={LOCK_TIMEOUT_MS}",
            )  # fmt: skip
        except psycopg.OperationalError:
            self.counts["Failed"] += 1
            return
        await self._insert(conn, region, LIMIT_CENTS + 1 if large else 1_250)

    async def _insert(self, conn: psycopg.AsyncConnection[tuple[Any, ...]], region: str, cents: int) -> None:
        try:
            cursor = await conn.execute(
                f"INSERT INTO {self.traffic.table} (region, amount_cents) VALUES (%s, %s) RETURNING id".encode(),  # noqa: S608
                (region, cents),
            )
            if await cursor.fetchone() is None:
                self.counts["Failed"] += 1
                self._forgotten.append(conn)
                return
            await asyncio.sleep(0.02)  # the rest of the request, inside its transaction
            await conn.commit()
            self.counts["Completed"] += 1
        except psycopg.Error:
            self.counts["Failed"] += 1
        await conn.close()

    def _next(self) -> tuple[str, bool]:
        turn, region = divmod(self._sequence, len(self.traffic.regions))
        self._sequence += 1
        return self.traffic.regions[region], turn % _LARGE_EVERY == _LARGE_EVERY - 1


class Meter:
    """Once a second: read the usage plans, ask the database how many connections it has, and publish both."""

    def __init__(self, plan: Plan, gates: list[Gate], api: Any, metrics: Any) -> None:
        self._plan, self._gates, self._api, self._metrics = plan, gates, api, metrics

    async def run(self) -> None:
        """Measure for ever."""
        probe = await psycopg.AsyncConnection.connect(self._plan.probe_dsn, autocommit=True, application_name="probe")
        due = time.monotonic()
        while True:
            cursor = await probe.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
            row = await cursor.fetchone()
            counts = [(gate, Counter(gate.counts)) for gate in self._gates]
            for gate, count in counts:
                gate.counts.subtract(count)
            limits = await asyncio.to_thread(self._exchange, int(row[0]) if row else 0, counts)
            for gate, limit in zip(self._gates, limits, strict=True):
                gate.limit = limit
            due = max(due + 1, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    def _exchange(self, connections: int, counts: list[tuple[Gate, Counter[str]]]) -> list[float]:
        """Publish the metrics of the last second and return the limits of the next."""
        now = time.time()
        name = {"Name": "DBInstanceIdentifier", "Value": self._plan.database}
        data = [_datum("DatabaseConnections", name, connections, now)]
        self._metrics.put_metric_data(Namespace=NAMESPACE_DATABASE, MetricData=data)
        data = [
            _datum(metric, {"Name": "Service", "Value": gate.traffic.service}, count[metric], now)
            for gate, count in counts
            for metric in ("Requests", "Throttled", "Completed", "Failed")
        ]
        self._metrics.put_metric_data(Namespace=NAMESPACE_GATES, MetricData=data)
        plans = [self._api.get_usage_plan(usagePlanId=g.traffic.plan) for g in self._gates]
        return [float(p.get("throttle", {}).get("rateLimit", g.traffic.demand))
                for p, g in zip(plans, self._gates, strict=True)]  # fmt: skip


def _datum(metric: str, dimension: Mapping[str, str], value: float, at: float) -> dict[str, Any]:
    return {"MetricName": metric, "Dimensions": [dimension], "Timestamp": at, "Value": value, "Unit": "Count"}


async def _run(plan: Plan) -> None:
    gates = [Gate(t) for t in plan.gates]
    with client(plan.url, "apigateway") as api, client(plan.url, "cloudwatch") as metrics:
        async with asyncio.TaskGroup() as group:
            group.create_task(Meter(plan, gates, api, metrics).run())
            for gate in gates:
                group.create_task(gate.run())


if __name__ == "__main__":
    asyncio.run(_run(Plan.read(Path(sys.argv[1]))))
