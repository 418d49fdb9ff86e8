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
#       message: "this agent has no autonomy tier for this effect in {environment}"
#       remedy: "propose a read; a security engineer may add a tier to config/tiers"
findings contains {
	"code": "TIER_SHADOW",
	"limit": "shadow",
	"step": step.i,
	"args": {"effect": steps.worst_effect(step), "environment": step.environment.name},
} if {
	some step in input.steps
	_tiers(input.agent, step) == {"shadow"}
}

findings contains {
	"code": "TIER_APPROVAL",
	"limit": "approve",
	"step": step.i,
	"args": {"effect": steps.worst_effect(step), "environment": step.environment.name},
} if {
	some step in input.steps
	tiers := _tiers(input.agent, step)
	"approval" in tiers
	not "autonomous" in tiers
}

findings contains {
	"code": "TIER_UNDEFINED",
	"limit": "deny",
	"step": step.i,
	"args": {"environment": step.environment.name},
} if {
	some step in input.steps
	not _has_tier(input.agent, step)
}

_has_tier(agent, step) if count(_tiers(agent, step)) > 0

_tiers(agent, step) := {tier |
	some group in agent.groups
	tier := config.tiers.ceilings[group][step.environment.name][steps.worst_effect(step)]
}
