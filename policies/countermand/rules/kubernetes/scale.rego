package countermand.rules.kubernetes

import data.countermand.config
import data.countermand.lib.fact
import data.countermand.lib.permits

# METADATA
# title: Scale a workload within its envelope
# description: >-
#   config/kubernetes gives each environment a maximum and a factor. Inside both, and inside the bounds of
#   an autoscaler that owns the workload, scaling a stateless one is autonomous. A workload that infrastructure as code
#   owns is changed as a lease only, so that the change ends when the code should win again.
# custom:
#   codes:
#     K8S_SCALE:
#       message: "scaling {target} needs a human"
#       remedy: "ask for approval, or stay within the envelope of config/kubernetes"
#     K8S_SCALE_IN_ENVELOPE:
#       message: "scaling from {from} to {to} is within the envelope of {max}"
#     K8S_OUTSIDE_AUTOSCALER:
#       message: "an autoscaler keeps {target} between {min} and {max}; it would undo the change"
#       remedy: "scale within these bounds, or propose a change of the autoscaler's bounds"
findings contains {"code": "K8S_SCALE", "permit": "approve", "step": step.i, "args": {"target": step.target.id}} if {
	some step in _scalings
	permits.raisable(input.agent, step)
}

findings contains {
	"code": "K8S_SCALE_IN_ENVELOPE",
	"permit": "allow",
	"step": step.i,
	"args": {"from": have, "to": step.params.replicas, "max": limit.max},
} if {
	some step in _scalings
	permits.raisable(input.agent, step)
	not _keeps_state(step)
	limit := config.kubernetes.scale[step.environment.name]
	have := fact.sole(step).replicas.desired
	is_number(have)
	is_number(step.params.replicas)
	step.params.replicas >= 1
	step.params.replicas <= min([limit.max, max([have, 1]) * limit.factor])
}

findings contains {
	"code": "K8S_OUTSIDE_AUTOSCALER",
	"limit": "deny",
	"step": step.i,
	"args": {"target": step.target.id, "min": low, "max": high},
} if {
	some step in _scalings
	some controller in _controllers(step)
	controller.kind == "HorizontalPodAutoscaler"
	low := object.get(controller, "min", 1)
	high := object.get(controller, "max", 0)
	not _between(step, low, high)
}

obligations contains {"code": "K8S_SCALE", "step": step.i, "lease": {"max_ttl_s": config.kubernetes.iac.lease_s}} if {
	some step in _scalings
	fact.sole(step).iac.tool in config.kubernetes.iac.needs_lease
}

_controllers(step) := found if {
	found := fact.sole(step).controllers
	is_array(found)
}

_scalings := [step |
	some step in data.countermand.lib.steps.writes
	step.tool == "kubernetes"
	step.operation in config.kubernetes.scale_operations
]

# A member more or less of a store is more than a number.
_keeps_state(step) if startswith(step.operation, "statefulsets.")

_keeps_state(step) if fact.sole(step).stateful == true

_between(step, low, high) if {
	step.params.replicas >= low
	step.params.replicas <= high
}
