package countermand.rules.kubernetes

import data.countermand.config
import data.countermand.lib.fact

# METADATA
# title: What keeps something is not restarted by itself
# description: >-
#   A restart of a workload with claims of storage may lose or split what it keeps, and a database that runs
#   as a Deployment forgets with its pod. Stateless must be proven.
# custom:
#   codes:
#     K8S_RESTART_OF_STATE:
#       message: "{target} is not proven to keep nothing"
#       remedy: "ask for approval"
findings contains {
	"code": "K8S_RESTART_OF_STATE",
	"limit": "approve",
	"step": step.i,
	"args": {"target": step.target.id},
} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "kubernetes"
	endswith(step.operation, ".restart")
	not _stateless(step)
}

_stateless(step) if {
	fact.sole(step).stateful == false
	not _named_like_a_store(step)
}

_named_like_a_store(step) if {
	some name in step.target.names
	some part in config.kubernetes.stateful_names
	contains(name, part)
}
