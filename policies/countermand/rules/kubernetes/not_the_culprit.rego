package countermand.rules.kubernetes

import data.countermand.lib.fact
import data.countermand.lib.steps

# METADATA
# title: Only what is unwell is changed by itself
# description: A workload that is not proven unhealthy is not changed without a human.
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
	some step in steps.writes
	step.tool == "kubernetes"
	not _unhealthy(step)
}

# Unknown and stale facts limit like healthy ones.
_unhealthy(step) if fact.sole(step).health in {"degraded", "failing"}
