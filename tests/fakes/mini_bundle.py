"""A small policy bundle for tests of the machinery: two files of one package, one of them with an import."""

from collections.abc import Mapping
from pathlib import Path

from gateway.adapters.bundle_parse import parse_bundle
from gateway.core.bundle import Bundle
from gateway.core.canonical import Json, canonical

POLICIES = Path(__file__).parents[2] / "policies"
_MAIN = """
package countermand.main

decision := {"schema": "countermand.decision/1", "findings": findings, "obligations": obligations}

findings contains finding if {
	some domain
	data.countermand.rules[domain].findings[finding]
}

obligations contains obligation if {
	some domain
	data.countermand.rules[domain].obligations[obligation]
}
"""
# In sorted order this file comes first and has no imports: the order in which regorus loses the other's alias.
_PERMIT = """
package countermand.rules.demo

# METADATA
# custom:
#   codes:
#     DEMO_PERMIT: {message: "permitted"}
findings contains {"code": "DEMO_PERMIT", "permit": "allow", "step": step.i, "args": {}} if some step in input.steps
"""
_WATCH = """
package countermand.rules.demo

import data.countermand.config

# METADATA
# custom:
#   codes:
#     DEMO_LIMIT: {message: "{operation} is listed", remedy: "propose another operation"}
#     DEMO_DUTY: {message: "notified"}
findings contains {"code": "DEMO_LIMIT", "limit": "deny", "step": step.i, "args": {"operation": step.operation}} if {
	some step in input.steps
	step.operation in config.demo.denied
}

obligations contains {"code": "DEMO_DUTY", "step": step.i, "notify": config.demo.notify} if {
	some step in input.steps
	step.operation in config.demo.denied
}
"""
_CONFIG = "denied: [secrets.get]\nnotify: [on-call]\n"


def document(operation: str = "pods.get") -> dict[str, Json]:
    """Return a valid policy input of one read."""
    return {
        "schema": "countermand.input/1",
        "stage": "admit",
        "now_ms": 1_764_000_000_000,
        "request": {"action": "act_1", "door": "grpc"},
        "agent": {"id": "agent-1", "groups": ["sre-agents"]},
        "incident": None,
        "steps": [
            {
                "i": 0, "tool": "kubernetes", "operation": operation, "effect": ["read"],
                "environment": {"name": "prod", "criticality": "high"}, "params": {},
                "target": {"id": "k8s:c/prod/pods/a", "scope": "c", "kind": "Pod", "names": ["a"], "fanout": "one"},
                "undo": {"class": "not_needed"},
            }
        ],
        "plan": {"count": 1, "effect": "read", "undo": "not_needed"},
    }  # fmt: skip


def sample(name: str, operation: str) -> bytes:
    """Return a sample file; what it expects is not what these tests look at."""
    expect = {"verdict": "deny", "findings": [], "obligations": []}
    return canonical({"name": name, "input": document(operation), "expect": expect})


def mini_files(changes: Mapping[str, str | bytes | None] | None = None) -> dict[str, bytes]:
    """Return the bundle's files with some replaced, added or (None) left out."""
    files: dict[str, bytes] = {
        ".manifest": b'{"roots": ["countermand"], "rego_version": 1}',
        "countermand/main/main.rego": _MAIN.encode(),
        "countermand/rules/demo/permit.rego": _PERMIT.encode(),
        "countermand/rules/demo/watch.rego": _WATCH.encode(),
        "countermand/config/demo/data.yaml": _CONFIG.encode(),
        "schemas/input.json": (POLICIES / "schemas/input.json").read_bytes(),
        "schemas/decision.json": (POLICIES / "schemas/decision.json").read_bytes(),
        "schemas/config.json": b'{"$id": "countermand.config/1"}',
        "samples/config.json": canonical({"demo": {"denied": ["secrets.get"], "notify": ["on-call"]}}),
        "samples/permit.json": sample("permit", "pods.get"),
        "samples/limit.json": sample("limit", "secrets.get"),
    }
    for path, content in (changes or {}).items():
        if content is None:
            del files[path]
        else:
            files[path] = content.encode() if isinstance(content, str) else content
    return files


def mini_bundle(changes: Mapping[str, str | bytes | None] | None = None) -> Bundle:
    """Return the small bundle, changed."""
    return parse_bundle(mini_files(changes))


def write_files(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def text_of(path: str) -> str:
    """Return a file of the small bundle as text."""
    return mini_files()[path].decode()
