"""What the cases behind policies/samples are made of: a step, a document around it, and changes in place."""

import copy
from collections.abc import Callable
from typing import Any

Json = Any
Change = Callable[[Json, Json], None]
"""Changes (document, its first step) in place."""

NOW_MS = 1_764_000_000_000  # 2025-11-24T16:00:00Z


def target_of(target: str, scope: str, kind: str, *names: str, **optional: str) -> Json:
    """Return the target of a step."""
    return {"id": target, "scope": scope, "kind": kind, "names": list(names), "fanout": "one", **optional}


def step_of(tool: str, operation: str, target: Json, params: Json, value: Json, undo: str) -> Json:
    """Return a step in prod that was observed and changes one object."""
    return {
        "i": 0,
        "digest": "sha256:" + "5c" * 32,
        "tool": tool,
        "operation": operation,
        "effect": ["write"],
        "why": ["table:example"],
        "environment": {"name": "prod", "criticality": "high"},
        "params": params,
        "target": target,
        "facts": [
            {"target": target["id"], "status": "known", "observed_ms": NOW_MS - 800, "value": {"exists": True, **value}}
        ],
        "preflight": {"status": "ok", "targets": 1, "changes": [], "state_digest": "sha256:" + "9e" * 32},
        "undo": {"class": undo, "needs": []},
        "history": {
            "window_s": 3600,
            "agent": {"applied": 1, "undone": 0},
            "target": {"applied": 0, "undone": 0},
        },
    }


def document_of(step: Json, read: str, lease_s: int | None = None) -> Json:
    """Return the input about one step, made for an incident in which `read` was read."""
    request = {
        "action": "act_01JD",
        "door": "grpc",
        "untrusted": {"justification": "orders-api has no connections left"},
    }
    return {
        "schema": "countermand.input/1",
        "stage": "decide",
        "now_ms": NOW_MS,
        "request": request | ({} if lease_s is None else {"lease_s": lease_s}),
        "agent": {
            "id": "spiffe://acme.test/agent/sre-1",
            "owner": "team-checkout",
            "groups": ["sre-agents"],
            "model_tier": "large",
            "assurance": "mtls",
        },
        "incident": {
            "id": "inc_7",
            "source": "alertmanager",
            "phase": "remediation",
            "alert_ms": NOW_MS - 240_000,
            "hypotheses": [{"id": "h2", "state": "supported"}],
            "reads": [
                {
                    "action": "act_01JC",
                    "hypothesis": "h2",
                    "targets": [read],
                    "at_ms": NOW_MS - 120_000,
                    "outcome": "succeeded",
                }
            ],
        },
        "steps": [step],
        "plan": {"count": 1, "targets": 1, "effect": "write", "undo": step["undo"]["class"]},
        "envelope": None,
        "caps": [],
        "votes": [],
    }


CONTAINER = "/spec/template/spec/containers[name=web]"


def moved(path: str, old: Json, new: Json) -> Json:
    """Return one changed field of a dry run."""
    return {"path": path, "from": old, "to": new}


def shows(*changes: Json) -> Change:
    """Let the dry run show these changes."""
    return lambda _, step: step["preflight"].update(changes=list(changes))


def patched(patch: Json, *changes: Json) -> tuple[Change, ...]:
    """Make the step a patch whose dry run shows these changes."""
    return (step_with(operation="deployments.patch", params={"patch": patch}), shows(*changes))


def placed(environment: str, criticality: str = "low") -> Change:
    """Move the step to another environment."""

    def change(_: Json, step: Json) -> None:
        step["environment"] = {"name": environment, "criticality": criticality}

    return change


def params_with(**params: Json) -> Change:
    """Change params of the step."""
    return lambda _, step: step["params"].update(params)


def value_with(**value: Json) -> Change:
    """Change what is known about the target."""
    return lambda _, step: step["facts"][0]["value"].update(value)


def step_with(**members: Json) -> Change:
    """Change members of the step."""
    return lambda _, step: step.update(copy.deepcopy(members))


def target_with(**members: Json) -> Change:
    """Change members of the target."""
    return lambda _, step: step["target"].update(members)


def document_with(**members: Json) -> Change:
    """Change members of the document."""
    return lambda document, _: document.update(copy.deepcopy(members))


def agent_with(**members: Json) -> Change:
    """Change who asks."""
    return lambda document, _: document["agent"].update(members)


def history_with(who: str, **counts: int) -> Change:
    """Change what the agent or the target went through."""
    return lambda _, step: step["history"][who].update(counts)


def without(*members: str) -> Change:
    """Drop members of the step."""

    def change(_: Json, step: Json) -> None:
        for member in members:
            step.pop(member, None)

    return change


def moved_to(now_ms: int) -> Change:
    """Move the whole case to another time."""

    def change(document: Json, _: Json) -> None:
        document["now_ms"] = now_ms
        document["incident"]["alert_ms"] += now_ms - NOW_MS
        document["incident"]["reads"][0]["at_ms"] += now_ms - NOW_MS

    return change


def leased(seconds: int | None) -> Change:
    """Ask for a lease, or for none."""

    def change(document: Json, _: Json) -> None:
        document["request"].pop("lease_s", None)
        if seconds is not None:
            document["request"]["lease_s"] = seconds

    return change


def cidrs(*cidrs: str) -> Change:
    """Let these ranges in."""
    return params_with(IpPermissions=[{"IpRanges": [{"CidrIp": cidr} for cidr in cidrs]}])
