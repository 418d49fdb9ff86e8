package countermand.rules.kubernetes

import data.countermand.lib.fact

# METADATA
# title: Only what is unwell is changed by itself
# description: >-
#   A workload or pod that is not proven unhealthy is not restarted, scaled down, undone, deleted or changed
#   in its settings without a human: it is probably not the culprit. More replicas harm no healthy workload.
# custom:
#   codes:
#     TARGET_NOT_PROVEN_UNHEALTHY:
#       message: "{target} is not proven unhealthy"
#       remedy: "ask for approval, or change the workload that is unwell"
findings contains {
	"code": "TARGET_NOT_PROVEN_UNHEALTHY",
	"limit": "approve",
	"step": step.i,
	"args": {"target": step.target.id},
} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "kubernetes"
	_disturbs(step.operation)
	not _only_grows(step)
	not _unhealthy(step)
}

_disturbs(operation) if {
	parts := split(operation, ".")
	parts[0] in {"deployments", "statefulsets", "daemonsets", "replicasets", "pods"}
	verb := parts[count(parts) - 1]
	not _harmless(verb)
}

_harmless(verb) if verb in {"label", "annotate", "pause", "resume", "expose", "create"}

_only_grows(step) if {
	endswith(step.operation, ".scale")
	have := fact.sole(step).replicas.desired
	is_number(have)
	is_number(step.params.replicas)
	step.params.replicas >= have
}

# Unknown and stale facts limit like healthy ones.
_unhealthy(step) if fact.sole(step).health in {"degraded", "failing", "stopped"}

# A rollout that is under way looks healthy as long as the old pods stand: it may be undone.
_unhealthy(step) if {
	endswith(step.operation, ".undo")
	fact.sole(step).health == "progressing"
}

_unhealthy(step) if {
	endswith(step.operation, ".undo")
	replicas := fact.sole(step).replicas
	is_number(replicas.updated)
	is_number(replicas.desired)
	replicas.updated < replicas.desired
}
