package countermand.rules.aws

import data.countermand.config
import data.countermand.lib.fact

# METADATA
# title: Capacity of an Auto Scaling group
# description: >-
#   Within the group's own bounds and the factor of config/aws capacity is autonomous. AWS refuses a
#   desired capacity above the maximum; so do we, before it is tried.
# custom:
#   codes:
#     AWS_CAPACITY_IN_ENVELOPE:
#       message: "a desired capacity of {to} is within the group's bounds and the envelope"
#     AWS_CAPACITY_OUT_OF_BOUNDS:
#       message: "a desired capacity of {to} is not proven to be within the group's bounds"
#       remedy: "read the group (describe-auto-scaling-groups) and stay between MinSize and MaxSize"
findings contains {
	"code": "AWS_CAPACITY_IN_ENVELOPE",
	"permit": "allow",
	"step": step.i,
	"args": {"to": step.params.DesiredCapacity},
} if {
	some step in _capacities
	some group in input.agent.groups
	config.permits.operations[group][step.environment.name].aws[step.operation] in {"allow", "approve"}
	_in_bounds(step)
	have := fact.sole(step).settings.DesiredCapacity
	is_number(have)
	step.params.DesiredCapacity >= have
	step.params.DesiredCapacity <= max([have, 1]) * config.aws.capacity_factor
}

findings contains {
	"code": "AWS_CAPACITY_OUT_OF_BOUNDS",
	"limit": "deny",
	"step": step.i,
	"args": {"to": wanted},
} if {
	input.stage == "decide"
	some step in _capacities
	wanted := object.get(step.params, "DesiredCapacity", null)
	not _in_bounds(step)
}

_capacities := [step |
	some step in data.countermand.lib.steps.writes
	step.tool == "aws"
	step.operation == "autoscaling.SetDesiredCapacity"
]

_in_bounds(step) if {
	settings := fact.sole(step).settings
	is_number(step.params.DesiredCapacity)
	step.params.DesiredCapacity >= settings.MinSize
	step.params.DesiredCapacity <= settings.MaxSize
}
