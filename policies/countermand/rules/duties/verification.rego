package countermand.rules.duties

import data.countermand.config
import data.countermand.lib.operations
import data.countermand.lib.steps

# METADATA
# title: Every change is verified
# description: >-
#   Names the telemetry profile of config/verify, its checks, how long it watches and what follows when the
#   change did not help. A step that names no target is verified by the profile of its whole surroundings.
# custom:
#   codes:
#     VERIFY:
#       message: "the change is verified by telemetry and taken back when it makes things worse"
obligations contains {"code": "VERIFY", "step": step.i, "verify": object.union({"profile": name}, config.verify.profiles[name])} if {
	some step in steps.writes
	name := _profile(step)
}

_profile(step) := name if {
	step.target.fanout in {"selector", "all"}
	name := config.verify.wide[step.tool]
}

else := operations.listed(
	object.get(config.verify.operations, step.tool, {}),
	step.operation,
	config.verify.default,
)
