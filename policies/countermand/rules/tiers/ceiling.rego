package countermand.rules.tiers

import data.countermand.config
import data.countermand.lib.steps

# METADATA
# title: Autonomy ceilings
# description: >-
#   config/tiers gives every group of agents a tier per environment and worst effect. With several groups
#   the highest tier counts. No tier at all denies.
# custom:
#   codes:
#     TIER_SHADOW:
#       message: "this agent may only suggest steps of effect {effect} in {environment}"
#       remedy: "a human may acknowledge the suggestion and do it"
#     TIER_APPROVAL:
#       message: "this agent needs a human for steps of effect {effect} in {environment}"
#       remedy: "ask for approval"
#     TIER_UNDEFINED:
#       message: "this agent has no autonomy tier for steps of effect {effect} in {environment}"
#       remedy: "propose a read; a security engineer may add a tier to config/tiers"
findings contains {
	"code": "TIER_SHADOW",
	"limit": "shadow",
	"step": rated.step,
	"args": {"effect": rated.effect, "environment": rated.environment},
} if {
	some rated in _rated
	rated.tiers == {"shadow"}
}

findings contains {
	"code": "TIER_APPROVAL",
	"limit": "approve",
	"step": rated.step,
	"args": {"effect": rated.effect, "environment": rated.environment},
} if {
	some rated in _rated
	"approval" in rated.tiers
	not _autonomous(rated)
}

findings contains {
	"code": "TIER_UNDEFINED",
	"limit": "deny",
	"step": rated.step,
	"args": {"effect": rated.effect, "environment": rated.environment},
} if {
	some rated in _rated
	not _known(rated)
}

# Every step with its worst effect and the tiers that the agent's groups give it.
_rated := [{"step": step.i, "effect": effect, "environment": step.environment.name, "tiers": tiers} |
	some step in data.countermand.lib.steps.proposed
	effect := steps.worst_effect(step)
	tiers := {tier |
		some group in input.agent.groups
		tier := config.tiers.ceilings[group][step.environment.name][effect]
	}
]

_autonomous(rated) if "autonomous" in rated.tiers

_known(rated) if {
	some tier in rated.tiers
	tier in {"shadow", "approval", "autonomous"}
}
