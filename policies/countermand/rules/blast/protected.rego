package countermand.rules.blast

import data.countermand.config

# METADATA
# title: Protected targets
# description: >-
#   Targets of config/protected are never changed (denied) or only by a human (guarded). A prefix ends
#   where an identifier's part ends, so it covers everything below.
# custom:
#   codes:
#     TARGET_PROTECTED:
#       message: "{target} is protected"
#       remedy: "propose reads of it only; a human changes it outside the gateway"
#     TARGET_GUARDED:
#       message: "{target} is guarded and needs a human, two of them when a setting of it changes"
#       remedy: "ask for approval"
findings contains {"code": "TARGET_PROTECTED", "limit": "deny", "step": step.i, "args": {"target": step.target.id}} if {
	some step in data.countermand.lib.steps.writes
	_listed(step, config.protected.denied)
}

findings contains {"code": "TARGET_GUARDED", "limit": "approve", "step": step.i, "args": {"target": step.target.id}} if {
	some step in data.countermand.lib.steps.writes
	_listed(step, config.protected.guarded)
}

obligations contains {"code": "TARGET_GUARDED", "step": step.i, "approvals": [config.approvals.two_person]} if {
	some step in data.countermand.lib.steps.writes
	_listed(step, config.protected.guarded)
	not _only_restarts(step)
}

# A restart replaces what runs and changes no setting.
_only_restarts(step) if {
	endswith(step.operation, ".restart")
	step.undo.class == "neutral"
}

_listed(step, list) if step.target.namespace in list.namespaces

_listed(step, list) if step.target.kind in list.kinds

_listed(step, list) if {
	some name in step.target.names
	name in list.names[step.tool]
}

_listed(step, list) if {
	some prefix in list.prefixes
	startswith(step.target.id, prefix)
}
