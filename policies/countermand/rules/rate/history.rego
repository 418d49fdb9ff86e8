package countermand.rules.rate

import data.countermand.config

# METADATA
# title: Rate and cooldown
# description: >-
#   How much was changed and taken back lately, per agent and per target (the window is the gateway's
#   history window). A rate above the limit first costs autonomy, then stops the agent.
# custom:
#   codes:
#     AGENT_RATE_HIGH:
#       message: "this agent has applied {applied} changes lately; more need a human"
#       remedy: "ask for approval, or wait"
#     AGENT_RATE_EXCEEDED:
#       message: "this agent has applied {applied} changes lately; that is the limit"
#       remedy: "wait until the window has passed, or let a human act"
#     AGENT_UNDONE:
#       message: "{undone} changes of this agent were taken back lately"
#       remedy: "ask for approval"
#     TARGET_COOLDOWN:
#       message: "{target} was changed or restored lately; another change needs a human"
#       remedy: "ask for approval, or wait for the effect of the last change"
#     TARGET_FLAPPING:
#       message: "changes to {target} were taken back {undone} times lately"
#       remedy: "read what went wrong; a human decides the next change"
#     HISTORY_UNKNOWN:
#       message: "the history of the agent or the target is unknown"
#       remedy: "ask for approval"
findings contains {
	"code": "AGENT_RATE_HIGH",
	"limit": "approve",
	"step": step.i,
	"args": {"applied": applied},
} if {
	some step in data.countermand.lib.steps.writes
	applied := step.history.agent.applied
	applied >= config.rate.agent.applied.approve
}

findings contains {
	"code": "AGENT_RATE_EXCEEDED",
	"limit": "deny",
	"step": step.i,
	"args": {"applied": applied},
} if {
	some step in data.countermand.lib.steps.writes
	applied := step.history.agent.applied
	applied >= config.rate.agent.applied.deny
}

findings contains {
	"code": "AGENT_UNDONE",
	"limit": "approve",
	"step": step.i,
	"args": {"undone": undone},
} if {
	some step in data.countermand.lib.steps.writes
	undone := step.history.agent.undone
	undone >= config.rate.agent.undone.approve
}

findings contains {
	"code": "TARGET_COOLDOWN",
	"limit": "approve",
	"step": step.i,
	"args": {"target": step.target.id},
} if {
	some step in data.countermand.lib.steps.writes
	_cooling(step.history.target)
}

findings contains {
	"code": "TARGET_FLAPPING",
	"limit": "deny",
	"step": step.i,
	"args": {"target": step.target.id, "undone": undone},
} if {
	some step in data.countermand.lib.steps.writes
	undone := step.history.target.undone
	undone >= config.rate.target.undone.deny
}

findings contains {"code": "HISTORY_UNKNOWN", "limit": "approve", "step": step.i, "args": {}} if {
	some step in data.countermand.lib.steps.writes
	not _known(step)
}

_cooling(target) if target.applied >= config.rate.target.applied.approve

_cooling(target) if target.undone >= config.rate.target.undone.approve

_known(step) if {
	step.history.agent.applied >= 0
	step.history.agent.undone >= 0
	step.history.target.applied >= 0
	step.history.target.undone >= 0
}
