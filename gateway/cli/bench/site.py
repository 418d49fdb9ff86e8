"""The site that is measured: the shipped bundle, two workers, an executor with one real database."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway import strict_yaml
from gateway.core.principal import Principal

ECHO = "/countermand.bench/Echo"
READ_COMMAND = "kubectl -n prod get pods -l app=checkout"
"""The plain read whose decision is measured; no executor serves its scope, so nothing but the decision is."""
JUSTIFICATION = "Checkout answers slowly since 14:02; looking for pods that restart."
TARGET_READ = "psql -d orders-db -c 'SELECT count(*) FROM pg_stat_activity'"
AGENT = Principal("agent/bench", "bench", ("sre-agents",), "agent", "socket")
WORKERS = 2
_QUIET_MS = 3_600_000
"""Timers of decisions that nobody executes fire after the measurement, not in it."""


def write(folder: Path, dsn: str) -> Path:
    """Write the settings of a gateway and of its executor into a new folder; returns those of the gateway."""
    folder.mkdir(mode=0o700)
    (folder / "orders.dsn").touch(0o600)
    (folder / "orders.dsn").write_text(dsn, encoding="utf-8")
    _yaml(folder / "executor.yaml", _executor(folder / "state"))
    path = folder / "gateway.yaml"
    _yaml(path, _gateway())
    return path


def _gateway() -> Mapping[str, Any]:
    return {
        "state_dir": "state",
        "environments": {"prod": {"criticality": "high"}},
        "scopes": {
            "prod-eu": {"tool": "kubernetes", "audience": "executor/none", "environments": {"*": "prod"}},
            "orders-db": {"tool": "postgres", "environments": {"*": "prod"}},
        },
        "policy": {"workers": WORKERS},
        "timing": {"reconcile_ms": _QUIET_MS, "grant_ttl_ms": _QUIET_MS},
        "principals": [
            {"id": "agent/bench", "door": "agent", "owner": "bench", "groups": ["sre-agents"], "default": True},
        ],
        "executor": "executor.yaml",
    }  # fmt: skip


def _executor(state: Path) -> Mapping[str, Any]:
    return {
        "audience": "executor/local",
        "gateway": {"address": f"unix:{state / 'sockets' / 'executor.sock'}"},
        "keys": {"jwks": str(state / "keys" / "trusted.json")},
        "scopes": {"orders-db": {"tool": "postgres", "dsn_file": "orders.dsn"}},
    }


def _yaml(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(strict_yaml.dump(dict(document)), encoding="utf-8")
