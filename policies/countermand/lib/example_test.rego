# METADATA
# title: Example documents for the tests of rules
# description: >-
#   A write in prod that nothing limits: observed, evidenced, undone exactly, by an agent in good standing. A test
#   changes what it is about.
package countermand.lib.example_test

now_ms := 1764000000000

# A document with one step; `changes` are members of the step.
document(changes) := {
	"schema": "countermand.input/1",
	"stage": "decide",
	"now_ms": now_ms,
	"request": {"action": "act_1", "door": "grpc"},
	"agent": {"id": "agent-1", "groups": ["sre-agents"], "model_tier": "large"},
	"incident": {
		"id": "inc_1",
		"source": "alertmanager",
		"alert_ms": now_ms - 60000,
		"reads": [{"targets": [step(changes).target.id], "at_ms": now_ms - 30000, "outcome": "succeeded"}],
	},
	"steps": [step(changes)],
}

step(changes) := object.union(
	{
		"i": 0,
		"tool": "kubernetes",
		"operation": "deployments.scale",
		"effect": ["write"],
		"environment": {"name": "prod", "criticality": "high"},
		"params": {"replicas": 3},
		"target": {
			"id": "k8s:prod-eu/prod/deployments.apps/web",
			"scope": "prod-eu",
			"namespace": "prod",
			"kind": "Deployment",
			"names": ["web"],
			"fanout": "one",
		},
		"preflight": {"status": "ok", "targets": 1},
		"undo": {"class": "exact"},
		"history": {"agent": {"applied": 0, "undone": 0}, "target": {"applied": 0, "undone": 0}},
	},
	changes,
)

# The one known fact about a target.
known(value) := [{"target": "t", "status": "known", "value": value}]

codes(found) := {item.code | some item in found}
