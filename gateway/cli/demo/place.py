"""Where a demo's gateway is: its folder, its files and its doors; nothing is left to configure."""

import base64
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gateway import strict_yaml

AUDIENCE = "executor/local"
AGENT, APPROVER = "agent/sre-1", "person/on-call"
ON_CALL = "Noor Haddad"


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


class Place(Protocol):
    """A world that has a gateway: what its actors and its proof need of it."""

    @property
    def folder(self) -> Path:
        """Return the folder of files and logs."""
        ...

    @property
    def site(self) -> Site:
        """Return where the gateway is."""
        ...


def scope(tool: str, environment: str = "prod", **more: Any) -> dict[str, Any]:
    """Return a scope of the gateway's settings."""
    return {"tool": tool, "audience": AUDIENCE, "environments": {"*": environment}, **more}


def principals() -> list[dict[str, Any]]:
    """Return who is at the doors: the agent, and the person who approves."""
    return [
        {"id": AGENT, "door": "agent", "owner": "team-shop", "groups": ["sre-agents"], "model_tier": "large",
         "default": True},
        {"id": APPROVER, "door": "approver", "owner": "team-oncall", "groups": ["sre-oncall"], "default": True},
    ]  # fmt: skip


def write_yaml(path: Path, document: Mapping[str, Any]) -> None:
    """Write a settings file."""
    path.write_text(strict_yaml.dump(document), encoding="utf-8")


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner reads."""
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")


def whsec(secret: bytes) -> str:
    """Return a secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secret).decode()


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
