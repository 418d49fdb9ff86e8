"""The site of the Kubernetes demo: every file that the gateway and its executor read, generated."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.cli.demo import overlay, place
from gateway.cli.demo.kubernetes.cluster import Cluster
from gateway.cli.demo.place import Site

SCOPE = "prod-eu"
_WINDOW_S = 8
"""Long enough for a rollout on nodes that pull nothing."""


def write(folder: Path, cluster: Cluster, pager_url: str, pager_secret: bytes) -> Site:
    """Write the site below a new private folder."""
    folder.mkdir(mode=0o700)
    overlay.write(folder / "overlay", datetime.now(UTC), _WINDOW_S)
    alert_secret, port = secrets.token_bytes(32), place.free_port()
    place.write_secret(folder / "alerts.secret", place.whsec(alert_secret))
    place.write_secret(folder / "pager.secret", place.whsec(pager_secret))
    place.write_secret(folder / "prod-eu.token", cluster.executor_token())
    site = Site(
        folder / "gateway.yaml", folder / "executor.yaml", folder / "state", f"http://127.0.0.1:{port}", alert_secret,
        folder / "siem.jsonl",
    )  # fmt: skip
    place.write_yaml(site.config, _gateway(folder, port, pager_url))
    place.write_yaml(site.executor, _executor(site, cluster))
    return site


def _gateway(folder: Path, port: int, pager_url: str) -> dict[str, Any]:
    return {
        "state_dir": "state",
        "origin": "demo.countermand.local/log",
        "environments": {"prod": {"criticality": "high"}},
        "scopes": {SCOPE: place.scope("kubernetes")},
        "timing": {"redispatch_ms": 200, "checkpoint_ms": 500, "reconcile_ms": 5_000},
        "policy": {"overlay": "overlay", "workers": 1},
        "principals": place.principals(),
        "http": {"port": port, "webhook_secret_file": "alerts.secret"},
        "executor": "executor.yaml",
        "exporters": {"siem": {"type": "jsonl", "path": str(folder / "siem.jsonl")}},
        "notifiers": {"on-call": {"type": "webhook", "url": pager_url, "secret_file": str(folder / "pager.secret")}},
    }


def _executor(site: Site, cluster: Cluster) -> dict[str, Any]:
    accounts = {name: {"service_account": f"countermand/countermand-{name}"} for name in ("read", "write")}
    return {
        "audience": place.AUDIENCE,
        "gateway": {"address": site.door("executor")},
        "keys": {"jwks": str(site.state / "keys" / "trusted.json")},
        "scopes": {
            SCOPE: {
                "tool": "kubernetes", "server": cluster.plane.server, "ca_file": str(cluster.plane.layout.ca),
                "token_file": "prod-eu.token", "identities": accounts,
            },
        },
        "telemetry": {"kubernetes": {"kind": "kubernetes"}},
    }  # fmt: skip
