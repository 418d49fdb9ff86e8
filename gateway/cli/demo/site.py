"""The demo's site: every file that the gateway and its executor read, generated; nothing is left to configure."""

import base64
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from gateway.cli.demo import aws, overlay
from gateway.cli.demo.case import Case
from gateway.cli.demo.database import EXECUTOR, READER, Database
from gateway.cli.demo.repository import program
from gateway.cli.demo.workload import NAMESPACE_DATABASE

AUDIENCE = "executor/local"
AGENT, APPROVER = "agent/sre-1", "person/on-call"
CALM = 16
"""Connections below which the database is well again."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where everything of the gateway is."""

    config: Path
    executor: Path
    state: Path
    http: str
    """Base URL of the HTTP door."""
    alert_secret: bytes
    export: Path
    """Where the log is exported to."""

    def door(self, name: str) -> str:
        """Return the address of a door: agent, approver or executor."""
        return f"unix:{self.state / 'sockets' / f'{name}.sock'}"


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
    overlay.write(folder / "overlay", datetime.now(UTC))
    alert_secret, port = secrets.token_bytes(32), _free_port()
    _secret(folder / "alerts.secret", _whsec(alert_secret))
    _secret(folder / "pager.secret", _whsec(parts.pager_secret))
    _secret(folder / "orders.dsn", parts.database.dsn(EXECUTOR))
    _secret(folder / "aws.secret", aws.SECRET_KEY)
    http = f"http://127.0.0.1:{port}"
    site = Site(
        folder / "gateway.yaml", folder / "executor.yaml", folder / "state", http, alert_secret, folder / "siem.jsonl"
    )
    _yaml(site.config, _gateway(folder, parts, port))
    _yaml(site.executor, _executor(site, parts))
    return site


def _gateway(folder: Path, parts: Parts, port: int) -> dict[str, Any]:
    return {
        "state_dir": "state",
        "origin": "demo.countermand.local/log",
        "environments": {"prod": {"criticality": "high"}},
        "scopes": {
            "orders-db": _scope("postgres"),
            "prod-aws": _scope("aws", default_region=aws.REGION, regions=[aws.REGION]),
            "app-repo": _scope("git"),
            "prod-eu": _scope("kubernetes"),
        },
        "aws_services": ["apigateway", "cloudwatch", "rds"],
        "verification": _profiles(),
        "timing": {"lease_margin_ms": 2_000, "redispatch_ms": 200, "checkpoint_ms": 500, "reconcile_ms": 5_000},
        "policy": {"overlay": "overlay", "workers": 1},
        "principals": [
            {"id": AGENT, "door": "agent", "owner": "team-shop", "groups": ["sre-agents"], "model_tier": "large",
             "default": True},
            {"id": APPROVER, "door": "approver", "owner": "team-oncall", "groups": ["sre-oncall"], "default": True},
        ],
        "http": {"port": port, "webhook_secret_file": "alerts.secret"},
        "executor": "executor.yaml",
        "exporters": {"siem": {"type": "jsonl", "path": str(folder / "siem.jsonl")}},
        "notifiers": {
            "on-call": {"type": "webhook", "url": parts.pager_url, "secret_file": str(folder / "pager.secret")},
        },
    }  # fmt: skip


def _scope(tool: str, **more: Any) -> dict[str, Any]:
    return {"tool": tool, "audience": AUDIENCE, "environments": {"*": "prod"}, **more}


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
        overlay.PROFILE: {"checks": [{**connections, "margin": 0.15}, {**metric, "margin": 0.1}, business]},
        overlay.SESSIONS_PROFILE: {"checks": [{**abandoned, "limit": 0}, {**metric, "limit": CALM}, business]},
    }


def _executor(site: Site, parts: Parts) -> dict[str, Any]:
    return {
        "audience": AUDIENCE,
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
        f"(SELECT count(*) FROM public.{s.table} WHERE created_at > clock_timestamp() - interval '2 s')"  # noqa: S608
        for s in case.services
    )
    return {
        "connections": {"sql": "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"},
        "abandoned": {
            "sql": "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            " AND state_change < clock_timestamp() - interval '2 s'"
        },
        "rows_per_s": {"sql": f"SELECT ({counts}) / 2.0"},
    }


def _yaml(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def _secret(path: Path, text: str) -> None:
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")


def _whsec(secret: bytes) -> str:
    return "whsec_" + base64.b64encode(secret).decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
