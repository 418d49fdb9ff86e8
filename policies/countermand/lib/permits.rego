# METADATA
# title: What config/permits says about an operation
# description: >-
#   An operation is looked up by its name, then as `*.verb`, which stands for every kind that is not listed
#   with that verb. A listed name wins over the star in the same group.
package countermand.lib.permits

import data.countermand.config
import data.countermand.lib.operations

# The levels that an agent's groups give a step: a subset of allow, approve and shadow.
levels(agent, step) := {level |
	some group in agent.groups
	table := config.permits.operations[group][step.environment.name][step.tool]
	level := operations.listed(table, step.operation, "none")
	level != "none"
}

# True if an envelope may raise the step: it is listed as allow or approve.
raisable(agent, step) if {
	some level in levels(agent, step)
	level in {"allow", "approve"}
}
