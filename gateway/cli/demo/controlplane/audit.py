"""What the API server records, and how tests read it: the judge of what was really sent."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SYSTEM = ["system:kube-controller-manager", "system:kube-scheduler", "system:kwok"]

POLICY = json.dumps(
    {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "users": ["system:apiserver"]},
            {"level": "None", "nonResourceURLs": ["/healthz*", "/readyz*", "/livez*", "/version"]},
            {"level": "None", "users": _SYSTEM, "verbs": ["get", "list", "watch"]},
            {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
            {"level": "Metadata", "users": _SYSTEM},
            {"level": "Metadata", "resources": [{"group": "", "resources": ["secrets", "serviceaccounts/token"]}]},
            {"level": "Request"},
        ],
    },
    indent=2,
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request that the API server answered."""

    audit_id: str
    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    uri: str
    status: int
    body: Any
    received: str
    """RFC 3339 with microseconds."""
    user_agent: str

    @property
    def dry(self) -> bool:
        """It was a server-side dry run."""
        return "dryRun=" in self.uri or (isinstance(self.body, dict) and bool(self.body.get("dryRun")))

    @property
    def writes(self) -> bool:
        """It may have changed something (a refused or dry request too)."""
        return self.verb not in {"get", "list", "watch"}


def requests(log: Path, start: int = 0) -> Iterator[Request]:
    """Yield what a log holds from byte `start` on, in the order of the answers; a line half written is left out."""
    with log.open("rb") as file:
        file.seek(start)
        for line in file:
            if line.endswith(b"\n"):
                event = json.loads(line)
                if event["stage"] in {"ResponseComplete", "Panic"}:
                    yield _request(event)


def _request(event: dict[str, Any]) -> Request:
    ref = event.get("objectRef", {})
    return Request(
        audit_id=event["auditID"],
        user=event["user"]["username"],
        verb=event["verb"],
        group=ref.get("apiGroup", ""),
        resource=ref.get("resource", ""),
        subresource=ref.get("subresource", ""),
        namespace=ref.get("namespace", ""),
        name=ref.get("name", ""),
        uri=event["requestURI"],
        status=event.get("responseStatus", {}).get("code", 0),
        body=event.get("requestObject"),
        received=event["requestReceivedTimestamp"],
        user_agent=event.get("userAgent", ""),
    )
