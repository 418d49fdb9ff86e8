package countermand.rules.undo

import data.countermand.config

# METADATA
# title: The way back limits the tier
# description: >-
#   What cannot be taken back, or needs nothing taken back only because the state is lost either way,
#   needs a human, unless config/undo accepts the operation in that environment.
# custom:
#   codes:
#     UNDO_NONE:
#       message: "{operation} cannot be taken back"
#       remedy: "ask for approval, or propose a change that can be restored (scale, limit, lease)"
#     UNDO_NEUTRAL:
#       message: "{operation} loses process state and cannot be repeated backwards"
#       remedy: "ask for approval"
findings contains {"code": "UNDO_NONE", "limit": "approve", "step": step.i, "args": {"operation": step.operation}} if {
	some step in data.countermand.lib.steps.writes
	not _something_left(step)
	not _accepted(step)
}

findings contains {
	"code": "UNDO_NEUTRAL",
	"limit": "approve",
	"step": step.i,
	"args": {"operation": step.operation},
} if {
	some step in data.countermand.lib.steps.writes
	step.undo.class == "neutral"
	not _accepted(step)
}

_something_left(step) if step.undo.class in {"exact", "compensating", "neutral", "not_needed"}

_accepted(step) if step.operation in config.undo.accepted[step.environment.name][step.tool]
