package countermand.rules.duties

import data.countermand.config
import data.countermand.lib.operations

# METADATA
# title: Every change is verified
# description: >-
#   Names the telemetry profile of config/verify, its checks, how long it watches and what follows when the
#   change did not help, and the profiles that config/signals adds where a site measures what users see. A step
#   that names no target is verified by the profile of its whole surroundings.
# custom:
#   codes:
#     VERIFY:
#       message: "the change is verified by telemetry and taken back when it makes things worse"
obligations contains {"code": "VERIFY", "step": step.i, "verify": object.union({"profile": name}, _terms(name))} if {
	some step in data.countermand.lib.steps.writes
	some name in ({_profile(step)} | _added(step))
}

# A profile that nobody has written is an obligation without terms, which the gateway refuses. One of config/verify is not
# replaced by one of the same name: signals add to a verification, and never take from it.
_terms(name) := object.get(object.union(config.signals.profiles, config.verify.profiles), name, {})

_profile(step) := name if {
	step.target.fanout in {"selector", "all"}
	name := config.verify.wide[step.tool]
}

else := operations.listed(
	object.get(config.verify.operations, step.tool, {}),
	step.operation,
	config.verify.default,
)

_added(step) := {added.profile |
	count(step.target.names) > 0
	some added in config.signals.added[step.tool]
	operations.listed({operation: true | some operation in added.operations}, step.operation, false)
	_within(step.target, added.namespaces)
}

_within(_, namespaces) if "*" in namespaces

_within(target, namespaces) if target.namespace in namespaces
