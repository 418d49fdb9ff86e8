package countermand.rules.duties

import data.countermand.config

# METADATA
# title: Changes that end by themselves
# custom:
#   codes:
#     LEASE:
#       message: "the change is a lease of at most {max_ttl_s} s"
#     LEASE_TOO_LONG:
#       message: "a lease of {asked} s is longer than the {most} s that {operation} may last"
#       remedy: "ask for at most {most} s; a lease can be renewed"
findings contains {
	"code": "LEASE_TOO_LONG",
	"limit": "deny",
	"step": step.i,
	"args": {"asked": asked, "most": lease.max_ttl_s, "operation": step.operation},
} if {
	asked := input.request.lease_s
	some step in data.countermand.lib.steps.writes
	lease := object.get(config.lease.operations, [step.tool, step.operation], config.lease.default)
	asked > lease.max_ttl_s
}

obligations contains {"code": "LEASE", "step": step.i, "lease": lease} if {
	some step in data.countermand.lib.steps.writes
	lease := config.lease.operations[step.tool][step.operation]
}
