package countermand.rules.base

import data.countermand.config

# METADATA
# title: Reads
# description: >-
#   Plain reads run at once. Reads that may return personal or secret data wait for a human unless they
#   are listed. Reads that return credentials never run: an agent has no use for them.
# custom:
#   codes:
#     READ:
#       message: "{operation} is a plain read"
#     READ_SENSITIVE:
#       message: "{operation} may return sensitive data and needs a human"
#       remedy: "ask for approval, or read metadata only (list, describe, status; in aws a --query of names and states) instead of contents"
#     READ_SENSITIVE_LISTED:
#       message: "{operation} may return sensitive data and is listed as harmless enough"
#     READ_OF_CREDENTIALS:
#       message: "{operation} returns credentials or key material"
#       remedy: "read the metadata instead (for example secretsmanager describe-secret or kubectl get pods)"
findings contains {"code": "READ", "permit": "allow", "step": step.i, "args": {"operation": step.operation}} if {
	some step in data.countermand.lib.steps.reads
	some group in input.agent.groups
	step.tool in config.permits.reads[group][step.environment.name]
}

findings contains {"code": "READ_SENSITIVE", "permit": "approve", "step": step.i, "args": {"operation": step.operation}} if {
	some step in data.countermand.lib.steps.sensitive_reads
	some group in input.agent.groups
	step.tool in config.permits.reads[group][step.environment.name]
}

findings contains {
	"code": "READ_SENSITIVE_LISTED",
	"permit": "allow",
	"step": step.i,
	"args": {"operation": step.operation},
} if {
	some step in data.countermand.lib.steps.sensitive_reads
	some group in input.agent.groups
	step.tool in config.permits.reads[group][step.environment.name]
	_harmless_enough(step)
}

_harmless_enough(step) if step.operation in config.permits.sensitive_reads[step.environment.name][step.tool]

# The object is listed by its whole name, whatever the verb that reads it.
_harmless_enough(step) if {
	some template in config.permits.open_objects[step.environment.name][step.tool]
	replace(template, "{scope}", step.target.scope) == step.target.id
}

findings contains {
	"code": "READ_OF_CREDENTIALS",
	"limit": "deny",
	"step": step.i,
	"args": {"operation": step.operation},
} if {
	some step in data.countermand.lib.steps.proposed
	step.operation in config.permits.credential_reads[step.tool]
}
