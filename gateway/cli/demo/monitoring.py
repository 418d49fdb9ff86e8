"""A real Prometheus and a real Alertmanager on loopback, for the demo and for tests: scrapes and rules every second.

The programs are those on PATH, or what `tools/monitoring.py` took from Debian's packages into the cache.
"""

import contextlib
import http.client
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from gateway.cli.demo.controlplane.find import cache
from gateway.cli.demo.controlplane.processes import free_ports
from gateway.cli.demo.process import Child

FOLDER = "monitoring-debian"
"""Name of the folder in the cache that Debian's packages are unpacked into."""
_SHARE = Path("/usr/share")
_OVERLAY = 'mount -t overlay -o lowerdir="$1":/usr/share overlay /usr/share && shift && exec "$@"'
_HOST = "127.0.0.1"
_READY_S = 20.0
_TIMEOUT_S = 5.0


def find(program: str) -> Path | None:
    """Return `prometheus` or `prometheus-alertmanager`, or None when it is not there."""
    on_path = shutil.which(program)
    kept = cache() / FOLDER / "usr" / "bin" / program
    if on_path:
        return Path(on_path)
    return kept if os.access(kept, os.X_OK) else None


def command(program: Path) -> list[str]:
    """Return how a program is started.

    Debian's Alertmanager reads its templates from /usr/share whatever its settings say. Where the package is unpacked
    only, it sees its own /usr/share laid over the machine's, in a mount namespace of its own.
    """
    share = program.parents[1] / "share"
    if program.name != "prometheus-alertmanager" or (_SHARE / "prometheus" / "alertmanager").exists():
        return [str(program)]
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *root, "sh", "-c", _OVERLAY, "sh", str(share), str(program)]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running server; what it scrapes and its rules can be changed while it runs."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        """Base URL without a slash at its end."""
        return f"http://{_HOST}:{self.port}"

    def scrape(self, job: str, ports: Sequence[int], labels: Mapping[str, str] | None = None) -> None:
        """Scrape these ports of 127.0.0.1 under a job's name, instead of what it scraped before.

        Prometheus looks at changed targets every 5 s. A page that names `job` itself is believed.
        """
        found = [{"targets": [f"{_HOST}:{port}" for port in ports], "labels": {"job": job, **(labels or {})}}]
        new = self.folder / f"{job}.new"
        new.write_text(json.dumps(found))
        new.replace(self.folder / "targets" / f"{job}.json")

    def rules(self, name: str, groups: Sequence[Mapping[str, Any]]) -> None:
        """Put rule groups (Prometheus' own form) into force."""
        (self.folder / "rules" / f"{name}.yml").write_text(yaml.safe_dump({"groups": list(groups)}))
        ask(self.port, "POST", "/-/reload")

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return the labels and values of an instant vector."""
        answer = ask(self.port, "GET", f"/api/v1/query?{urlencode({'query': expression})}")
        return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A running server; it tells nobody until `tell` names a webhook."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        """Base URL without a slash at its end."""
        return f"http://{_HOST}:{self.port}"

    def tell(self, webhook: str) -> None:
        """Send every alert and its end to a webhook from now on."""
        (self.folder / "alertmanager.yml").write_text(_alertmanager_config(webhook))
        ask(self.port, "POST", "/-/reload")

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that are active now (API v2)."""
        found: list[dict[str, Any]] = ask(self.port, "GET", "/api/v2/alerts")
        return found

    def fire(self, labels: Mapping[str, str], ends: str = "") -> None:
        """Let an alert fire, or end at an RFC 3339 time that is over, as Prometheus would."""
        alert = {"labels": dict(labels)} | ({"endsAt": ends} if ends else {})
        ask(self.port, "POST", "/api/v2/alerts", [alert])


@contextmanager
def running_prometheus(program: Path, alertmanager: Alertmanager | None = None) -> Iterator[Prometheus]:
    """Run a server that scrapes nothing yet; its data is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="cm-prometheus-", ignore_cleanup_errors=True) as made:
        found = Prometheus(free_ports(1)[0], Path(made))
        for name in ("targets", "rules"):
            (found.folder / name).mkdir()
        config = found.folder / "prometheus.yml"
        config.write_text(_prometheus_config(alertmanager))
        argv = [
            *command(program),
            f"--config.file={config}",
            f"--storage.tsdb.path={found.folder / 'data'}",
            f"--web.listen-address={_HOST}:{found.port}",
            "--web.enable-lifecycle",
            "--rules.alert.resend-delay=1s",  # a reload forgets Alertmanager for up to 5 s
            "--log.level=warn",
        ]
        with _running("prometheus", argv, found.port, found.folder):
            yield found


@contextmanager
def running_alertmanager(program: Path) -> Iterator[Alertmanager]:
    """Run a server that knows no alert; nothing else can join it."""
    with tempfile.TemporaryDirectory(prefix="cm-alertmanager-", ignore_cleanup_errors=True) as made:
        found = Alertmanager(free_ports(1)[0], Path(made))
        config = found.folder / "alertmanager.yml"
        config.write_text(_alertmanager_config(""))
        argv = [
            *command(program),
            f"--config.file={config}",
            f"--storage.path={found.folder / 'data'}",
            f"--web.listen-address={_HOST}:{found.port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        with _running("alertmanager", argv, found.port, found.folder):
            yield found


def ask(port: int, method: str, path: str, body: Any = None) -> Any:
    """Ask a server on loopback; return its JSON, or None for an empty answer; raise OSError for another status."""
    with contextlib.closing(http.client.HTTPConnection(_HOST, port, timeout=_TIMEOUT_S)) as line:
        headers = {} if body is None else {"Content-Type": "application/json"}
        line.request(method, path, None if body is None else json.dumps(body), headers)
        answer = line.getresponse()
        text = answer.read().decode()
    if not 200 <= answer.status < 300:
        raise OSError(f"{method} {path}: {answer.status}: {text}")
    return json.loads(text) if text.startswith(("{", "[")) else None


@contextmanager
def _running(name: str, argv: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    child = Child.start(name, argv, folder / f"{name}.log")
    try:
        child.wait_until(lambda: _ready(port), _READY_S)
        yield
    finally:
        child.stop()


def _ready(port: int) -> bool:
    try:
        ask(port, "GET", "/-/ready")
    except (OSError, http.client.HTTPException):
        return False
    return True


def _prometheus_config(alertmanager: Alertmanager | None) -> str:
    config: dict[str, Any] = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules/*.yml"],
        "scrape_configs": [
            {"job_name": "files", "honor_labels": True, "file_sd_configs": [{"files": ["targets/*.json"]}]}
        ],
    }
    if alertmanager is not None:
        targets = [{"targets": [f"{_HOST}:{alertmanager.port}"]}]
        config["alerting"] = {"alertmanagers": [{"static_configs": targets}]}
    return yaml.safe_dump(config)


def _alertmanager_config(webhook: str) -> str:
    hooks = [{"url": webhook, "send_resolved": True}] if webhook else []
    return yaml.safe_dump(
        {
            "route": {"receiver": "all", "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"},
            "receivers": [{"name": "all", "webhook_configs": hooks}],
        }
    )
