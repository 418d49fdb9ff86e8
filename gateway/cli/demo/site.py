"""The demo's site: every file that the gateway and its executor read, generated; nothing is left to configure."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.cli.demo import aws, overlay, place
from gateway.cli.demo.case import Case
from gateway.cli.demo.database import EXECUTOR, READER, Database
from gateway.cli.demo.place import Site
from gateway.cli.demo.repository import program
from gateway.cli.demo.workload import NAMESPACE_DATABASE

_WINDOW_S = 6
"""Five rounds of samples: a machine that is busy loses some, and the verdict still has its three."""
_LOST = 3
"""How many rounds in a row a busy machine may lose."""
_BUSINESS_S = 4
"""Over how long the business is averaged: a client that does not get the processor for a second is no harm."""
_PROFILE, _SESSIONS_PROFILE = "database-connections", "database-sessions"
"""The shipped profile of changes around a database, and the demo's own for ending sessions."""
CALM = 16
"""Connections below which the database is well again."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the files speak of."""

    case: Case
    database: Database
    aws_url: str
    repository: Path
    pager_url: str
    pager_secret: bytes


def write(folder: Path, parts: Parts) -> Site:
    """Write the site below a new private folder."""
    folder.mkdir(mode=0o700)
    overlay.write(folder / "overlay", datetime.now(UTC), _WINDOW_S, _sessions_apart)
    alert_secret, port = secrets.token_bytes(32), place.free_port()
    place.write_secret(folder / "alerts.secret", place.whsec(alert_secret))
    place.write_secret(folder / "pager.secret", place.whsec(parts.pager_secret))
    place.write_secret(folder / "orders.dsn", parts.database.dsn(EXECUTOR))
    place.write_secret(folder / "aws.secret", aws.SECRET_KEY)
    http = f"http://127.0.0.1:{port}"
    site = Site(
        folder / "gateway.yaml", folder / "executor.yaml", folder / "state", http, alert_secret, folder / "siem.jsonl"
    )
    place.write_yaml(site.config, _gateway(folder, parts, port))
    place.write_yaml(site.executor, _executor(site, parts))
    return site


def _gateway(folder: Path, parts: Parts, port: int) -> dict[str, Any]:
    return {
        "state_dir": "state",
        "origin": "demo.countermand.local/log",
        "environments": {"prod": {"criticality": "high"}},
        "scopes": {
            "orders-db": place.scope("postgres"),
            "prod-aws": place.scope("aws", default_region=aws.REGION, regions=[aws.REGION]),
            "app-repo": place.scope("git"),
            "prod-eu": place.scope("kubernetes"),
        },
        "aws_services": ["apigateway", "cloudwatch", "rds"],
        "verification": _profiles(),
        "timing": {"lease_margin_ms": 2_000, "redispatch_ms": 200, "checkpoint_ms": 500, "reconcile_ms": 5_000},
        "policy": {"overlay": "overlay", "workers": 1},
        "principals": place.principals(),
        "http": {"port": port, "webhook_secret_file": "alerts.secret"},
        "executor": "executor.yaml",
        "exporters": {"siem": {"type": "jsonl", "path": str(folder / "siem.jsonl")}},
        "notifiers": {
            "on-call": {"type": "webhook", "url": parts.pager_url, "secret_file": str(folder / "pager.secret")},
        },
    }  # fmt: skip


def _sessions_apart(verify: overlay.Verify) -> overlay.Verify:
    """Give the ending of sessions a profile of its own."""
    verify["profiles"][_SESSIONS_PROFILE] = dict(verify["profiles"][_PROFILE])
    verify["operations"]["postgres"]["sessions.terminate"] = _SESSIONS_PROFILE
    return verify


def _profiles() -> dict[str, Any]:
    """Return what is looked at after a change: the database itself, the metric, and the shop's own business."""
    business = {
        "name": "business", "provider": "orders", "query": {"name": "rows_per_s"},
        "kind": "not_worse", "direction": "higher", "margin": 0.4,
    }  # fmt: skip
    metric = {
        "name": "metric", "provider": "metrics", "kind": "improve",
        "query": {"namespace": NAMESPACE_DATABASE, "metric": "DatabaseConnections", "stat": "Maximum",
                  "dimensions": {"DBInstanceIdentifier": aws.DATABASE}, "period_s": 1, "window_s": 10},
    }  # fmt: skip
    connections = {"name": "connections", "provider": "orders", "query": {"name": "connections"}, "kind": "improve"}
    abandoned = {"name": "abandoned", "provider": "orders", "query": {"name": "abandoned"}, "kind": "equals"}
    return {
        _PROFILE: _checks({**connections, "margin": 0.15}, {**metric, "margin": 0.1}, business),
        _SESSIONS_PROFILE: _checks({**abandoned, "limit": 0}, {**metric, "limit": CALM}, business),
    }


def _checks(*checks: Mapping[str, Any]) -> dict[str, Any]:
    return {"checks": [{**check, "max_gap": _LOST} for check in checks]}


def _executor(site: Site, parts: Parts) -> dict[str, Any]:
    return {
        "audience": place.AUDIENCE,
        "gateway": {"address": site.door("executor")},
        "keys": {"jwks": str(site.state / "keys" / "trusted.json")},
        "scopes": {
            "orders-db": {"tool": "postgres", "dsn_file": "orders.dsn", "read_role": READER},
            "prod-aws": {
                "tool": "aws", "endpoint_url": parts.aws_url, "regions": [aws.REGION], "account": aws.ACCOUNT,
                "access_key_id": aws.ACCESS_KEY, "secret_access_key_file": "aws.secret",
            },
            "app-repo": {"tool": "git", "path": str(parts.repository), "program": program()},
        },
        "telemetry": {
            "orders": {"kind": "sql", "scope": "orders-db", "queries": _queries(parts.case)},
            "metrics": {"kind": "cloudwatch", "scope": "prod-aws", "region": aws.REGION},
        },
    }  # fmt: skip


def _queries(case: Case) -> dict[str, Mapping[str, Any]]:
    counts = " + ".join(
        f"(SELECT count(*) FROM public.{s.table} WHERE created_at > clock_timestamp() - interval '{_BUSINESS_S} s')"  # noqa: S608
        for s in case.services
    )
    return {
        "connections": {"sql": "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"},
        "abandoned": {
            "sql": "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            " AND state_change < clock_timestamp() - interval '2 s'"
        },
        "rows_per_s": {"sql": f"SELECT ({counts}) / {_BUSINESS_S}.0"},
    }
