package countermand.rules.kubernetes

import data.countermand.config

# METADATA
# title: Deletes that lose more than a workload
# description: >-
#   Kinds of config/kubernetes that hold data, other objects or the cluster's own rules are never deleted
#   by an agent, nothing is deleted by force, and a workload that a service leads to is repaired, not deleted.
# custom:
#   codes:
#     K8S_DELETE_OF_KEPT_KIND:
#       message: "deleting a {kind} loses what it holds"
#       remedy: "restart or scale the workload that is unwell; a human deletes a {kind} outside the gateway"
#     K8S_FORCED_DELETE:
#       message: "a forced delete may leave two writers behind"
#       remedy: "delete the pod without --force and without --grace-period"
#     K8S_DELETE_OF_SERVING:
#       message: "deleting {target} stops what a service leads to, and its uid and history are lost"
#       remedy: "change it in place: kubectl patch with a test operation, kubectl rollout undo, or kubectl rollout restart of the same workload"
findings contains {
	"code": "K8S_DELETE_OF_KEPT_KIND",
	"limit": "deny",
	"step": step.i,
	"args": {"kind": step.target.kind},
} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "kubernetes"
	step.operation in config.kubernetes.kept_deletes
}

findings contains {"code": "K8S_FORCED_DELETE", "limit": "deny", "step": step.i, "args": {}} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "kubernetes"
	endswith(step.operation, ".delete")
	_forced(step.params)
}

findings contains {
	"code": "K8S_DELETE_OF_SERVING",
	"limit": "deny",
	"step": step.i,
	"args": {"target": step.target.id},
} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "kubernetes"
	step.operation in {"deployments.delete", "daemonsets.delete", "replicasets.delete", "replicationcontrollers.delete"}
	some seen in step.facts
	is_array(seen.value.services)
	count(seen.value.services) > 0
}

_forced(params) if params.force == true

_forced(params) if params.grace_period_seconds <= 0
