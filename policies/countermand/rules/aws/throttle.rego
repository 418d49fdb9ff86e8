package countermand.rules.aws

import data.countermand.config
import data.countermand.lib.fact

# METADATA
# title: A temporary rate limit on an API key's usage plan
# description: >-
#   Slowing one client down for a while is the mildest remedy there is: autonomous while it is a lease,
#   touches only the throttle, stays above the floor of config/aws and lowers what is there now.
# custom:
#   codes:
#     AWS_THROTTLE_IN_ENVELOPE:
#       message: "a leased throttle of {target} is within the envelope"
#     AWS_PLAN_SHARED:
#       message: "{target} is not proven to serve exactly one API key; others would be slowed down too"
#       remedy: "ask for approval, or move the client to a plan of its own"
findings contains {
	"code": "AWS_THROTTLE_IN_ENVELOPE",
	"permit": "allow",
	"step": step.i,
	"args": {"target": step.target.id},
} if {
	some step in _throttles
	some group in input.agent.groups
	config.permits.operations[group][step.environment.name].aws[step.operation] in {"allow", "approve"}
	input.request.lease_s >= 1
	input.request.lease_s <= config.lease.operations.aws[step.operation].max_ttl_s
	is_array(step.params.patchOperations)
	count(step.params.patchOperations) > 0
	every patch in step.params.patchOperations {
		_in_envelope(patch)
		_lowers(step, patch)
	}
}

findings contains {"code": "AWS_PLAN_SHARED", "limit": "approve", "step": step.i, "args": {"target": step.target.id}} if {
	input.stage == "decide"
	some step in _throttles
	not _serves_one_key(step)
}

_throttles := [step |
	some step in data.countermand.lib.steps.writes
	step.tool == "aws"
	step.operation == "apigateway.UpdateUsagePlan"
]

_serves_one_key(step) if fact.sole(step).keys == 1

_in_envelope(patch) if {
	patch.op == "replace"
	limit := config.aws.throttle[patch.path]
	_number(patch.value)
	value := to_number(patch.value)
	value >= limit.min
	value <= limit.max
}

# No throttle at all, or one that is not below the new value.
_lowers(step, _) if object.get(fact.sole(step), "throttle", null) == null

_lowers(step, patch) if {
	_number(patch.value)
	have := fact.sole(step).throttle[trim_prefix(patch.path, "/throttle/")]
	is_number(have)
	have >= to_number(patch.value)
}

# Digits with at most one point; to_number must never see anything else, it would end the evaluation.
_number(text) if {
	is_string(text)
	parts := split(text, ".")
	count(parts) <= 2
	every part in parts {
		count(part) in {1, 2, 3, 4, 5, 6, 7, 8, 9}
		trim(part, "0123456789") == ""
	}
}
