package countermand.rules.duties

import data.countermand.config
import data.countermand.lib.steps

# METADATA
# title: Every change is verified
# description: >-
#   Names the telemetry profile, how long it watches and what follows when the change did not help. The
#   profile's queries are gateway configuration.
# custom:
#   codes:
#     VERIFY:
#       message: "the change is verified by telemetry and taken back when it makes things worse"
obligations contains {"code": "VERIFY", "step": step.i, "verify": object.union({"profile": name}, config.verify.profiles[name])} if {
	some step in steps.writes
	name := object.get(config.verify.operations, [step.tool, step.operation], config.verify.default)
}
