"""The reads of the investigation, as an SRE would type them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

SESSIONS = (
    "SELECT pid, backend_start, usename, application_name, state, wait_event_type, query,"
    " extract(epoch FROM clock_timestamp() - xact_start) AS transaction_s, pg_blocking_pids(pid) AS blocked_by"
    " FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name NOT LIKE 'countermand%'"
    " ORDER BY backend_start LIMIT 100"
)
USAGE_PLANS = "aws apigateway get-usage-plans"


def psql(sql: str) -> str:
    """Return the command that runs a query."""
    return f'psql -c "{sql}"'


def usage_plan(plan: str) -> str:
    """Return the command that reads one usage plan."""
    return f"aws apigateway get-usage-plan --usage-plan-id {plan}"


def set_rate(plan: str, rate: int) -> str:
    """Return the command that limits the rate of one usage plan."""
    patch = f"op=replace,path=/throttle/rateLimit,value={rate}"
    return f"aws apigateway update-usage-plan --usage-plan-id {plan} --patch-operations {patch}"


def list_metric(namespace: str, metric: str) -> str:
    """Return the command that lists the series of a metric."""
    return f"aws cloudwatch list-metrics --namespace {namespace} --metric-name {metric}"


def metrics(namespace: str, metric: str, dimension: str, values: Sequence[str], last: timedelta) -> str:
    """Return the command that reads one metric for several values of its dimension; the ids are m0, m1 and so on."""
    end = datetime.now(UTC) + timedelta(minutes=1)
    asked = [
        {
            "Id": f"m{i}",
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace, "MetricName": metric, "Dimensions": [{"Name": dimension, "Value": value}],
                },
                "Period": 1,
                "Stat": "Sum",
            },
        }
        for i, value in enumerate(values)
    ]  # fmt: skip
    start = end - timedelta(minutes=1) - last
    return (
        f"aws cloudwatch get-metric-data --start-time {start:%Y-%m-%dT%H:%M:%SZ} --end-time {end:%Y-%m-%dT%H:%M:%SZ}"
        f" --metric-data-queries '{json.dumps(asked, separators=(',', ':'))}'"
    )


def locks_of(pids: Sequence[int]) -> str:
    """Return the query for what some sessions have locked."""
    wanted = ", ".join(str(pid) for pid in pids)
    return (
        "SELECT l.pid, l.locktype, l.mode, l.granted, l.classid, c.relname FROM pg_locks l"  # noqa: S608  # integers
        " LEFT JOIN pg_class c ON c.oid = l.relation AND c.relkind = 'r'"
        f" WHERE l.pid IN ({wanted}) AND (l.locktype = 'advisory' OR c.relname IS NOT NULL)"
    )


def triggers_of(table: str) -> str:
    """Return the query for the functions that run on inserts into a table."""
    return (
        "SELECT t.tgname, p.proname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"  # noqa: S608  # a name
        f" JOIN pg_proc p ON p.oid = t.tgfoid WHERE c.relname = '{table}' AND NOT t.tgisinternal"
    )


def grep(text: str, path: str = "") -> str:
    """Return the command that finds a fixed text in the newest commit."""
    return f"git grep -n -F '{text}' HEAD" + (f" -- {path}" if path else "")


def blame(path: str, line: int) -> str:
    """Return the command that tells who wrote a line."""
    return f"git blame --line-porcelain -L {line},{line} HEAD -- {path}"


RECENT_COMMITS = 'git log -n 12 --date=relative --format="%h %an, %ad: %s"'
