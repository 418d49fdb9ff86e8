"""Real incidents and benchmark faults (tests/corpora/scenarios.jsonl): parser and shipped policy together.

The corpus states one sensible production policy. Ours may be stricter, never laxer, except where LAXER says why.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.bundle import read_bundle
from gateway.adapters.policy_document import Documents
from gateway.adapters.policy_regorus import engine_of
from gateway.adapters.tables import load_tables
from gateway.core.finding import fold, parse_findings
from gateway.parsing.catalog import Catalog, Scope
from gateway.parsing.parse import parse
from gateway.parsing.result import ParsedPlan, ParsedStep, Refusal
from gateway.service.explain_changes import supposed_changes
from tests.fakes.mini_bundle import POLICIES

NOW_MS = 1_764_000_000_000
RANK = {"deny": 0, "shadow": 1, "approve": 2, "allow": 3}
AT_MOST = {
    "allow": "allow",
    "auto": "allow",
    "approve": "approve",
    "approve2": "approve",
    "rewrite": "deny",
    "deny": "deny",
}
LAXER = {
    # To be rewritten because an autoscaler owns the replicas: K8S_OUTSIDE_AUTOSCALER says so once the facts show it.
    "kubectl -n prod scale deployment/api --replicas=2",
}
ACTIONS = [
    (action["cmd"], action["expected_decision"])
    for line in (Path(__file__).parents[1] / "corpora/scenarios.jsonl").read_text().splitlines()
    for action in json.loads(line)["actions"]
]
_HEALTHY: dict[str, Any] = {
    "exists": True,
    "health": "degraded",
    "replicas": {"desired": 3},
    "stateful": False,
    "pdbs": [],
    "settings": {"MinSize": 1, "MaxSize": 10, "DesiredCapacity": 3, "AllocatedStorage": 10},
    "keys": 1,
    "throttle": None,
    "backend_type": "client backend",
    "superuser": False,
}


@pytest.fixture(scope="module")
def verdicts() -> dict[str, str]:
    kubectl, aws = load_tables()
    scopes = {
        "prod-eu": Scope("prod-eu", "kubernetes", default_namespace="prod"),
        "prod": Scope("prod", "aws", default_region="eu-west-1", regions=("eu-west-1",)),
        "orders": Scope("orders", "postgres"),
    }
    catalog = Catalog(scopes=scopes, kubectl=kubectl, aws=aws)
    bundle = read_bundle(POLICIES)
    documents, engine = Documents(bundle), engine_of(bundle)

    def verdict(command: str) -> str:
        parsed = parse(command.encode(), catalog)
        if isinstance(parsed, Refusal):
            return "deny"
        data, count = documents.encode(_document(parsed))
        answer = documents.answer(engine.evaluate(data), count)
        return fold(count, parse_findings(answer.findings, count)).verdict.word

    return {command: verdict(command) for command, _ in ACTIONS}


def test_no_action_gets_more_than_the_corpus_grants(verdicts: dict[str, str]) -> None:
    laxer = {cmd for cmd, wanted in ACTIONS if RANK[verdicts[cmd]] > RANK[AT_MOST[wanted]] and wanted != "rewrite"}
    laxer |= {cmd for cmd, wanted in ACTIONS if wanted == "rewrite" and verdicts[cmd] == "allow"}
    assert laxer == LAXER


def test_reads_are_allowed(verdicts: dict[str, str]) -> None:
    reads = [cmd for cmd, wanted in ACTIONS if wanted == "allow" and cmd.startswith(("kubectl", "psql"))]
    allowed = [cmd for cmd in reads if verdicts[cmd] == "allow"]
    assert len(allowed) / len(reads) > 0.8


def test_most_autonomous_actions_run_or_wait_for_one_click(verdicts: dict[str, str]) -> None:
    found = Counter(verdicts[cmd] for cmd, wanted in ACTIONS if wanted == "auto")
    assert found["deny"] / found.total() < 0.1
    assert found["allow"] / found.total() > 0.5


def _document(plan: ParsedPlan) -> dict[str, Any]:
    """Return a policy input in which everything that is not in the command speaks for it."""
    steps = [_step(i, parsed) for i, parsed in enumerate(plan.steps)]
    read = {"targets": [s["target"]["id"] for s in steps], "at_ms": NOW_MS - 500, "outcome": "succeeded"}
    return {
        "schema": "countermand.input/1",
        "stage": "decide",
        "now_ms": NOW_MS,
        "request": {"action": "act_1", "door": "grpc", "lease_s": 900},
        "agent": {"id": "agent-1", "groups": ["sre-agents"], "model_tier": "large"},
        "incident": {"id": "inc_1", "source": "alertmanager", "alert_ms": NOW_MS - 1000, "reads": [read]},
        "steps": steps,
        "plan": {"count": len(steps), "effect": plan.effect.value, "undo": plan.undo.value},
    }


def _step(i: int, parsed: ParsedStep) -> dict[str, Any]:
    step = parsed.step.to_json()
    target = step["target"]
    return {
        "i": i,
        "tool": step["tool"],
        "operation": step["operation"],
        "effect": sorted(effect.value for effect in parsed.effects),
        "environment": {"name": "prod", "criticality": "high"},
        "params": step["params"],
        "target": target,
        "facts": [{"target": target["id"], "status": "known", "observed_ms": NOW_MS, "value": _HEALTHY}],
        "preflight": {
            "status": "ok",
            "targets": max(1, len(target["names"])),
            "changes": supposed_changes(step) if step["tool"] == "kubernetes" else [],
        },
        "undo": {"class": parsed.undo.value},
        "history": {"agent": {"applied": 0, "undone": 0}, "target": {"applied": 0, "undone": 0}},
    }
