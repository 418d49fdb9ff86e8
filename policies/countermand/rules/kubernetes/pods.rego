package countermand.rules.kubernetes

import data.countermand.lib.fact
import data.countermand.lib.permits

# METADATA
# title: Pods that come back, and budgets of disruption
# description: >-
#   One unhealthy pod that a ReplicaSet or DaemonSet makes again may be deleted by itself. Where a
#   PodDisruptionBudget allows no disruption, no healthy pod is deleted or drained away.
# custom:
#   codes:
#     K8S_POD_RECREATED:
#       message: "{target} is made again by its {controller}"
#     K8S_DISRUPTION_NOT_ALLOWED:
#       message: "the budget {budget} allows no disruption now"
#       remedy: "scale the workload up or wait until its pods are ready, then propose the step again"
findings contains {
	"code": "K8S_POD_RECREATED",
	"permit": "allow",
	"step": step.i,
	"args": {"target": step.target.id, "controller": controller.kind},
} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "kubernetes"
	step.operation in {"pods.delete", "pods.evict"}
	permits.raisable(input.agent, step)
	owners := fact.sole(step).owners
	is_array(owners)
	controller := owners[0]
	controller.kind in {"ReplicaSet", "DaemonSet"}
}

findings contains {
	"code": "K8S_DISRUPTION_NOT_ALLOWED",
	"limit": "deny",
	"step": step.i,
	"args": {"budget": budget.name},
} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "kubernetes"
	step.operation in {"pods.delete", "pods.evict", "nodes.drain"}
	some seen in step.facts
	not _already_down(step, seen)
	is_array(seen.value.pdbs)
	some budget in seen.value.pdbs
	is_number(budget.allowed)
	budget.allowed < 1
}

# A pod that is not ready is no disruption when it goes.
_already_down(step, seen) if {
	step.operation != "nodes.drain"
	seen.status == "known"
	seen.value.health in {"degraded", "failing"}
}
