package countermand.rules.kubernetes

import data.countermand.config
import data.countermand.lib.steps

# METADATA
# title: Deletes that lose more than a workload
# description: >-
#   Kinds of config/kubernetes that hold data, other objects or the cluster's own rules are never deleted
#   by an agent, and nothing is deleted by force.
# custom:
#   codes:
#     K8S_DELETE_OF_KEPT_KIND:
#       message: "deleting a {kind} loses what it holds"
#       remedy: "restart or scale the workload that is unwell; a human deletes a {kind} outside the gateway"
#     K8S_FORCED_DELETE:
#       message: "a forced delete may leave two writers behind"
#       remedy: "delete the pod without --force and without --grace-period"
findings contains {
	"code": "K8S_DELETE_OF_KEPT_KIND",
	"limit": "deny",
	"step": step.i,
	"args": {"kind": step.target.kind},
} if {
	some step in steps.writes
	step.tool == "kubernetes"
	step.operation in config.kubernetes.kept_deletes
}

findings contains {"code": "K8S_FORCED_DELETE", "limit": "deny", "step": step.i, "args": {}} if {
	some step in steps.writes
	step.tool == "kubernetes"
	endswith(step.operation, ".delete")
	_forced(step.params)
}

_forced(params) if params.force == true

_forced(params) if params.grace_period_seconds <= 0
