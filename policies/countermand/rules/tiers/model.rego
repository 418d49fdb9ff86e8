package countermand.rules.tiers

import data.countermand.config

# METADATA
# title: Model tier
# description: Agents that run on a small or unknown model change nothing without a human.
# custom:
#   codes:
#     MODEL_TIER_LOW:
#       message: "the agent's model is not of a tier that may act by itself"
#       remedy: "ask for approval, or run the agent on a model listed in config/tiers"
findings contains {"code": "MODEL_TIER_LOW", "limit": "approve", "step": step.i, "args": {}} if {
	some step in data.countermand.lib.steps.writes
	not _able(input)
}

_able(document) if document.agent.model_tier in config.tiers.autonomous_models
