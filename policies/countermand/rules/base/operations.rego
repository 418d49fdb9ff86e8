package countermand.rules.base

import data.countermand.config
import data.countermand.lib.permits

# METADATA
# title: Permitted operations
# description: >-
#   config/permits lists what each group of agents may do in each environment and how far: allow, approve
#   or shadow. What is not listed is denied. A rule elsewhere may raise a listed operation inside an
#   envelope and any rule may limit it; none can permit what is not listed here.
# custom:
#   codes:
#     OPERATION_PERMITTED:
#       message: "{operation} may run by itself in {environment}"
#     OPERATION_WITH_APPROVAL:
#       message: "{operation} in {environment} needs a human"
#       remedy: "ask for approval"
#     OPERATION_SUGGESTED:
#       message: "{operation} in {environment} may only be suggested"
#       remedy: "a human may acknowledge the suggestion and do it"
#     NOT_PERMITTED:
#       message: "{operation} is not permitted to this agent in {environment}"
#       remedy: "propose a read, or an operation that countermand lists for this agent; a security engineer may add it to config/permits"
findings contains {
	"code": "OPERATION_PERMITTED",
	"permit": "allow",
	"step": step.i,
	"args": {"operation": step.operation, "environment": step.environment.name},
} if {
	some step in data.countermand.lib.steps.writes
	"allow" in permits.levels(input.agent, step)
}

findings contains {
	"code": "OPERATION_WITH_APPROVAL",
	"permit": "approve",
	"step": step.i,
	"args": {"operation": step.operation, "environment": step.environment.name},
} if {
	some step in data.countermand.lib.steps.writes
	"approve" in permits.levels(input.agent, step)
}

findings contains {
	"code": "OPERATION_SUGGESTED",
	"permit": "shadow",
	"step": step.i,
	"args": {"operation": step.operation, "environment": step.environment.name},
} if {
	some step in data.countermand.lib.steps.writes
	"shadow" in permits.levels(input.agent, step)
}

findings contains {
	"code": "NOT_PERMITTED",
	"limit": "deny",
	"step": step.i,
	"args": {"operation": step.operation, "environment": step.environment.name},
} if {
	some step in data.countermand.lib.steps.writes
	not _listed(input, step)
}

findings contains {
	"code": "NOT_PERMITTED",
	"limit": "deny",
	"step": step.i,
	"args": {"operation": step.operation, "environment": step.environment.name},
} if {
	some step in array.concat(data.countermand.lib.steps.reads, data.countermand.lib.steps.sensitive_reads)
	not _readable(input, step)
}

_listed(document, step) if count(permits.levels(document.agent, step)) > 0

_readable(document, step) if {
	some group in document.agent.groups
	step.tool in config.permits.reads[group][step.environment.name]
}
