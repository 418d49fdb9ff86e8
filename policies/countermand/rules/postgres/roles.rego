package countermand.rules.postgres

import data.countermand.config
import data.countermand.lib.fact

# METADATA
# title: Connection limits of roles
# description: >-
#   Capping how many connections a service may open is exact to undo. Autonomous as a lease above the
#   floor of config/postgres; never for a superuser, whose sessions the limit would not bind.
# custom:
#   codes:
#     PG_CONNECTION_LIMIT_IN_ENVELOPE:
#       message: "a leased limit of {limit} connections is within the envelope"
#     PG_CONNECTION_LIMIT_TOO_LOW:
#       message: "a limit of {limit} connections would lock the role out; the floor is {min}"
#       remedy: "propose a limit of at least {min}"
#     PG_ROLE_PRIVILEGED:
#       message: "the role is not proven an ordinary one"
#       remedy: "name the service's own role; superusers are changed by a human outside the gateway"
findings contains {
	"code": "PG_CONNECTION_LIMIT_IN_ENVELOPE",
	"permit": "allow",
	"step": step.i,
	"args": {"limit": step.params.limit},
} if {
	some step in _limits
	some group in input.agent.groups
	config.permits.operations[group][step.environment.name].postgres[step.operation] in {"allow", "approve"}
	input.request.lease_s >= 1
	input.request.lease_s <= config.lease.operations.postgres[step.operation].max_ttl_s
	is_number(step.params.limit)
	step.params.limit >= config.postgres.connection_limit.min
}

findings contains {
	"code": "PG_CONNECTION_LIMIT_TOO_LOW",
	"limit": "deny",
	"step": step.i,
	"args": {"limit": wanted, "min": floor},
} if {
	some step in _limits
	wanted := step.params.limit
	floor := config.postgres.connection_limit.min
	wanted >= 0
	wanted < floor
}

findings contains {"code": "PG_ROLE_PRIVILEGED", "limit": "deny", "step": step.i, "args": {}} if {
	input.stage == "decide"
	some step in _limits
	not _ordinary(step)
}

_ordinary(step) if fact.sole(step).superuser == false

_limits := [step |
	some step in data.countermand.lib.steps.writes
	step.tool == "postgres"
	step.operation == "roles.connection_limit"
]
