"""What `check` supposes about a target when nobody says otherwise: it is there and it is well."""

from collections.abc import Mapping

from gateway.core.canonical import Json, digest
from gateway.service.explain_changes import supposed_changes

_THERE: Mapping[str, Json] = {"exists": True}
_WORKLOAD: Mapping[str, Json] = {
    **_THERE, "replicas": {"desired": 3, "ready": 3}, "health": "healthy", "controllers": [], "pdbs": [],
    "iac": {"manager": "none"}, "stateful": False,
}  # fmt: skip
_POD: Mapping[str, Json] = {
    **_THERE, "health": "healthy", "owners": [{"kind": "ReplicaSet"}], "pdbs": [], "iac": {"manager": "none"},
}  # fmt: skip
_SESSION: Mapping[str, Json] = {
    **_THERE, "backend_type": "client backend", "user": "app", "application": "app", "state": "idle",
}  # fmt: skip

# tool → what an operation's name begins with → the value of its facts; the shapes are those of the executor
_VALUES: Mapping[str, Mapping[str, Mapping[str, Json]]] = {
    "kubernetes": {"deployments.": _WORKLOAD, "statefulsets.": {**_WORKLOAD, "stateful": True},
                   "replicasets.": _WORKLOAD, "daemonsets.": _WORKLOAD, "pods.": _POD},
    "aws": {
        "apigateway.UpdateUsagePlan": {**_THERE, "keys": 1, "throttle": {"rateLimit": 100.0, "burstLimit": 200}},
        "autoscaling.": {**_THERE, "settings": {"DesiredCapacity": 2, "MinSize": 1, "MaxSize": 10}},
        "rds.": {**_THERE, "settings": {"AllocatedStorage": 100, "DBInstanceClass": "db.r6g.large"}},
    },
    "postgres": {"sessions.": _SESSION, "roles.": {**_THERE, "connection_limit": -1, "superuser": False}},
}  # fmt: skip
_SELECTED = 3
"""How many targets a selector is supposed to match."""


def healthy(parsed: Mapping[str, Json], now_ms: int) -> dict[str, Json]:
    """Return the observation of one step of a proposal: known, healthy, and its dry run passes."""
    step = parsed["step"]
    target = step["target"]
    fact = {"target": target["id"], "status": "known", "observed_ms": now_ms, "value": dict(_value(step))}
    count = _SELECTED if target["fanout"] in {"selector", "all"} else max(1, len(target["names"]))
    changes = supposed_changes(step) if step["tool"] == "kubernetes" else []
    return {
        "facts": [fact] * max(1, len(target["names"])),
        "preflight": {"status": "ok", "targets": count, "changes": changes},
        "undo_class": parsed["undo"],
        "state_digest": digest([]),
    }


def _value(step: Mapping[str, Json]) -> Mapping[str, Json]:
    known = _VALUES.get(step["tool"], {})
    return next((value for begin, value in known.items() if step["operation"].startswith(begin)), _THERE)
